"""The rules of a position for people: each with its value, its source, and what it waits for. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from engine.money import rupees, signed_rupees
from engine.payoff import payoff
from engine.rules.base import Due, Kind, Limits, Ratchet, Situation
from engine.rules.layers import Layer
from engine.rules.registry import rules
from engine.rules.rulebook import Rulebook, put_aside_by
from engine.sessions import ist
from engine.watch.arming import Guarding, arm

if TYPE_CHECKING:
    from engine.model import Position
    from engine.payoff import Payoff
    from engine.rules.layers import Entry
    from engine.rules.rulebook import RuleSet
    from engine.sessions import Calendar
    from engine.view import ThresholdView
    from engine.watch.armed import Armed
    from engine.watch.nouns import RuleNote

SCALING = "profit_scaling"
_BY_UNDERLYING = "stop_underlying"
_HEADERS = ("Rule", "Value", "Fires at", "What that is", "From")
_WHAT_WIDTH, _FROM_WIDTH = 38, 30


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of one position.

    Attributes:
        value: as its source has it.
        source: which source, in words.
        state: ``armed``, ``off`` (somebody said so), ``not applicable`` or ``refused``.
        threshold_paise: the P&L it waits for; None = it waits for something else, or for nothing.
        text: what it waits for, or why it does not.
        waits: the same in a few words: rupees, a limit, ``the clock``, or its state where it does not.
        due_s: the moment it waits for; None = it waits for something else.
        seen: how far it is just now; None = nobody is watching.
    """

    rule: str
    value: str
    source: str
    state: str
    threshold_paise: int | None
    text: str
    waits: str
    due_s: float | None = None
    seen: ThresholdView | None = None


@dataclass(frozen=True, slots=True)
class RulesPage:
    """Everything about the rules of one position.

    Attributes:
        lines: the rules, highest precedence first, those that do not stand guard last.
        settings: the keys that are no rules -> their source.
        ignored: what a source asks for in vain -> why.
        profit_exit: a rule takes its profit.
        lot_known: False: how many combinations it contains was guessed from its quantities.
        underlying_known: False: that its underlying's price can be followed was taken for granted.
    """

    position: Position
    payoff: Payoff
    lines: tuple[RuleLine, ...]
    settings: Mapping[str, Entry]
    ignored: Mapping[str, str]
    unprotected: bool
    profit_exit: bool
    lot_known: bool = True
    underlying_known: bool = True


def rules_page(
    position: Position,
    rulebook: Rulebook,
    calendar: Calendar,
    *,
    lot_known: bool = True,
    underlying_known: bool = True,
) -> RulesPage:
    """Arm the rules of a position as the monitor does, and tell what came of each."""
    shape = payoff(position.legs)
    ruleset = rulebook.of(position, shape)
    situation = Situation(position, shape, calendar, ruleset.settings, position.combinations)
    page = page_of(position, shape, Guarding(ruleset, *arm(ruleset, situation)))
    return replace(page, lot_known=lot_known, underlying_known=underlying_known)


def page_of(
    position: Position, shape: Payoff, guarding: Guarding, seen: Iterable[ThresholdView] = ()
) -> RulesPage:
    """The page of rules that were armed already; ``seen``: how far each of the armed ones is, in order."""
    ruleset, armed, notes = guarding
    lines = [
        _armed(rule, ruleset.entries[rule.rule.name], near)
        for rule, near in zip_longest(armed, tuple(seen)[: len(armed)])
    ]
    lines += [_idle(note, ruleset.entries[note.rule]) for note in notes if not note.mistake]
    lines += _off(ruleset)
    order = {name: place for place, name in enumerate(rules())}
    return RulesPage(
        position=position,
        payoff=shape,
        lines=tuple(sorted(lines, key=lambda line: (line.state != "armed", order[line.rule]))),
        settings={key: entry for key, entry in ruleset.entries.items() if key not in rules()},
        ignored={bad.what: bad.why for bad in ruleset.unheeded},
        unprotected=not any(rule.rule.kind is Kind.LOSS for rule in armed),
        profit_exit=any(rule.rule.kind is Kind.PROFIT for rule in armed),
    )


def _armed(armed: Armed, entry: Entry, seen: ThresholdView | None) -> RuleLine:
    params = armed.params
    return RuleLine(
        armed.rule.name,
        entry.written,
        entry.origin,
        "armed",
        armed.threshold_paise,
        params.text,
        _waits(armed),
        params.due_s if isinstance(params, Due) else None,
        seen,
    )


def _waits(armed: Armed) -> str:
    """What it waits for, in a few words."""
    params = armed.params
    if armed.threshold_paise is not None:
        return signed_rupees(armed.threshold_paise)
    if isinstance(params, Ratchet):
        return f"armed from {signed_rupees(params.arms_paise)}"
    return params.short if isinstance(params, Limits) else "the clock"


def _idle(note: RuleNote, entry: Entry) -> RuleLine:
    state = "refused" if note.refused else "not applicable"
    return RuleLine(note.rule, entry.written, entry.origin, state, None, note.text, state)


def _off(ruleset: RuleSet) -> list[RuleLine]:
    return [
        RuleLine(name, entry.written, entry.origin, "off", None, "switched off", "off")
        for name, entry in ruleset.entries.items()
        if entry.value is None and name in rules()
    ]


def how_far(seen: ThresholdView, symbol: str) -> list[str]:
    """How far a rule is from firing: in rupees, and where known in points of the underlying."""
    words = [] if seen.distance_paise is None else [f"{rupees(abs(seen.distance_paise))} away"]
    if seen.silent_paise is not None:
        words.append(f"silent at a P&L of {signed_rupees(seen.silent_paise)} or less")
    if seen.points is not None and seen.underlying_paise is not None:
        level = rupees(seen.underlying_paise).removeprefix("₹").rpartition(".")[0]
        words.append(f"{symbol} {level}, {abs(seen.points):,.0f} {'up' if seen.points > 0 else 'down'}")
    return words


# ------------------------------------------------------------------------------------- as text


def page_text(page: RulesPage) -> str:
    """One position as a few lines and a table."""
    position, shape = page.position, page.payoff
    legs = f"{len(position.legs)} leg{'s' * (len(position.legs) != 1)}"
    since = f"{ist(position.opened_at_s):%d %b %Y %H:%M}"
    head = [
        f"{position.symbol} {position.strategy}".rstrip() + f" · {position.id}",
        f"{legs} since {since} · {premium_words(shape)} · {risk_words(shape)}",
    ]
    if page.unprotected:
        head.append("! UNPROTECTED: no loss rule guards this position")
    if not page.profit_exit:
        head.append(f"! NO PROFIT EXIT: no rule takes this position's profit{_skipped(page)}")
    if not page.lot_known and any(line.rule == SCALING for line in page.lines):
        head.append(
            f"! the lot of {position.symbol} is not known here: {SCALING} is told as if there were "
            f"{position.combinations} to close one by one"
        )
    if not page.underlying_known and (_BY_UNDERLYING, "armed") in {
        (line.rule, line.state) for line in page.lines
    }:
        head.append(
            f"! which share {position.symbol}'s contracts follow is not known here: "
            f"{_BY_UNDERLYING} guards if the broker's list names it"
        )
    if any(line.rule == "expiry_exit" and line.state == "off" for line in page.lines):
        head.append("! EXPIRY_EXIT IS OFF: nothing takes this position out before it expires")
    head += [f"! {what} is ignored: {why}" for what, why in page.ignored.items()]
    rows = [
        [_filled(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)] for cells in _rows(page)
    ]
    align = ("left", "left", "right", "left", "left")
    table = tabulate(rows, _HEADERS, tablefmt="simple", disable_numparse=True, colalign=align)
    own = [
        f"{key} = {entry.written} ({entry.origin})"
        for key, entry in sorted(page.settings.items())
        if entry.layer is not Layer.SHIPPED
    ]
    return "\n".join([*head, "", table, *(["", *own] if own else [])])


def _skipped(page: RulesPage) -> str:
    """Why scaling takes no profit either, where it is on."""
    skipped = any(line.rule == SCALING and line.state == "not applicable" for line in page.lines)
    aside = any(
        line.rule == "profit_target" and line.source.endswith(put_aside_by(SCALING)) for line in page.lines
    )
    if not skipped:
        return ""
    return f"; {SCALING} skips a single combination" + (" and puts the target aside" if aside else "")


_WIDTHS = (22, 24, 14, _WHAT_WIDTH, _FROM_WIDTH)


def _filled(cell: str, width: int) -> str:
    return textwrap.fill(cell, width, break_long_words=False, break_on_hyphens=False)


def _rows(page: RulesPage) -> Iterable[tuple[str, ...]]:
    for line in page.lines:
        yield line.rule, line.value.strip('"'), line.waits, line.text, line.source


def premium_words(shape: Payoff) -> str:
    """What was received or paid."""
    premium = shape.net_premium_paise
    return f"{'credit' if premium > 0 else 'debit'} {rupees(abs(premium))}"


def risk_words(shape: Payoff) -> str:
    """What can come of it at best and at worst."""
    if not shape.one_expiry:
        return "two expiries: best and worst are not certain"
    best, worst = shape.max_profit_paise, shape.max_loss_paise
    at_best = "profit without known end" if best is None else f"at best {signed_rupees(best)}"
    if not shape.defined_risk or worst is None:
        return f"{at_best}, risk not defined"
    return f"{at_best}, at worst {signed_rupees(worst)}"


# ------------------------------------------------------------------------------------- as JSON


def page_data(page: RulesPage) -> dict[str, Any]:
    """The same as plain values; amounts are rupees with two decimals, None = unbounded or not computable."""
    position, shape = page.position, page.payoff
    return {
        "account": position.account,
        "strategy_id": position.strategy_id,
        "symbol": position.symbol,
        "strategy": position.strategy,
        "net_premium": _amount(shape.net_premium_paise),
        "max_profit": _amount(shape.max_profit_paise),
        "max_loss": _amount(shape.max_loss_paise),
        "defined_risk": shape.defined_risk,
        "unprotected": page.unprotected,
        "profit_exit": page.profit_exit,
        "lot_known": page.lot_known,
        "underlying_known": page.underlying_known,
        "rules": [
            {
                "rule": line.rule,
                "value": line.value,
                "source": line.source,
                "state": line.state,
                "threshold": _amount(line.threshold_paise),
                "text": line.text,
            }
            for line in page.lines
        ],
        "settings": [
            {"key": key, "value": entry.written, "source": entry.origin}
            for key, entry in sorted(page.settings.items())
        ],
        "ignored": [{"what": what, "why": why} for what, why in page.ignored.items()],
    }


def _amount(paise: int | None) -> float | None:
    return None if paise is None else paise / 100
