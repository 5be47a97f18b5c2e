"""The pages of /rules and /set: each rule of a position, how far it is, and where it comes from. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import Button, Page, cut, escape, packed, span
from engine.model import DEFAULT_ACCOUNT
from engine.money import signed_rupees
from engine.rules.base import Kind, in_words
from engine.rules.registry import rules
from engine.rules_page import how_far, premium_words, risk_words
from engine.sessions import ist
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.picture import RulesNow
    from engine.rules_page import RuleLine, RulesPage
    from engine.view import PositionView

#: Stops first, what takes profits after them, the clock last.
_PLACE = {Kind.LOSS: 0, Kind.PROFIT: 1, Kind.CLOCK: 2}
#: A clock rule is near within so many seconds.
_SOON_S = 86_400.0
_IDLE = {"off": "switched off", "refused": "cannot guard", "not applicable": "not for this position"}
#: So much is said of why a rule does not stand guard.
_WHY_COLUMNS = 160


def rules_pages(found: Sequence[RulesNow], at_s: float, of: str = "") -> tuple[Page, ...]:
    """All rules of these positions, as many messages as it takes; the last has the button.

    ``of``: the account's mark for the button.
    """
    return tuple(page for each in found for page in _pages(each, at_s, of))


def _pages(now: RulesNow, at_s: float, of: str) -> tuple[Page, ...]:
    position, page = now.position, now.page
    keyboard = ((Button("Why?", f"w:{of}{position.strategy_id}"),),)
    if page is None:
        over = position.state is PositionState.FLAT
        why = (
            f"It is {position.reason}; no rule has anything left to do." if over else escape(position.reason)
        )
        return (Page(f"{_name(position)}\n{'' if over else '🔴 <b>Cannot be watched</b>: '}{why}", keyboard),)
    parts = [_head(position, page)]
    symbol = position.symbol
    armed = [line for line in page.lines if line.state == "armed"]
    parts += [_armed(line, symbol, at_s) for line in sorted(armed, key=lambda line: _PLACE[_kind(line)])]
    idle = [_idle(line) for line in page.lines if line.state != "armed"]
    parts += ["\n".join(["<b>Not on guard</b>", *idle])] if idle else []
    texts = packed(parts)
    return tuple(Page(text, keyboard if text is texts[-1] else ()) for text in texts)


def _name(position: PositionView) -> str:
    account = "" if position.account == DEFAULT_ACCOUNT else f"{position.account}/"
    return f"<b>{escape(f'{account}{position.strategy_id} {position.symbol} {position.strategy}')}</b>"


def _head(position: PositionView, page: RulesPage) -> str:
    pnl = "unknown" if position.pnl_paise is None else signed_rupees(position.pnl_paise)
    days = "" if position.dte is None else f" · DTE {position.dte}"
    lines = [
        _name(position),
        f"P&amp;L <b>{pnl}</b>{days}",
        escape(premium_words(page.payoff)),
        escape(risk_words(page.payoff)),
    ]
    if position.state is not PositionState.WATCHING:
        lines.append(f"{position.state.upper()}: {escape(cut(position.reason, _WHY_COLUMNS))}")
    if position.unprotected:
        lines.append("🔴 <b>Unprotected</b>: no loss rule guards it")
    lines += [
        f"⚠️ {escape(what)} is ignored: {escape(cut(why, _WHY_COLUMNS))}" for what, why in page.ignored.items()
    ]
    return "\n".join(lines)


def _armed(line: RuleLine, symbol: str, at_s: float) -> str:
    """Name and what it waits for; how far that is; as it is written, and where."""
    light = f"{_light(line, at_s)} <b>{in_words(line.rule)}</b>"
    pin = line.source.startswith("chat")
    source = f"{escape(_written(line))} · {escape(line.source)}"
    source = f"<b>{source}</b>" if pin else f"<i>{source}</i>"
    if line.due_s is not None:
        left_s = line.due_s - at_s
        left = f"in {span(left_s)}" if left_s > 0 else "due"
        return f"{light}\n{ist(line.due_s):%d %b %H:%M}, {left}\n{source}"
    far = _how_far(line, symbol)
    if line.threshold_paise is None:
        return "\n".join([light, escape(" · ".join([line.text, *far])), source])
    far = far or ["distance unknown: no believable price"]
    return "\n".join([f"{light}  {signed_rupees(line.threshold_paise)}", escape(" · ".join(far)), source])


def _light(line: RuleLine, at_s: float) -> str:
    """Green while it is far, amber when it is near, red when it is met."""
    seen = line.seen
    if seen is not None and seen.met:
        return "🔴"
    if line.due_s is not None:
        return "🟠" if line.due_s - at_s < _SOON_S else "🟢"
    return "🟠" if seen is not None and seen.near else "🟢"


def _kind(line: RuleLine) -> Kind:
    return rules()[line.rule].kind


def _written(line: RuleLine) -> str:
    """The rule as one would write it; long tables are cut."""
    return f"{line.rule} = {cut(line.value, 60)}"


def _how_far(line: RuleLine, symbol: str) -> list[str]:
    if line.seen is None:
        return []
    return ["met now"] if line.seen.met else how_far(line.seen, symbol)


def _idle(line: RuleLine) -> str:
    loud = "🔴 " if line.state == "refused" or (line.rule, line.state) == ("expiry_exit", "off") else ""
    why = "" if line.state == "off" else f": {escape(cut(line.text, _WHY_COLUMNS))}"
    what = f"{loud}<s>{in_words(line.rule)}</s> {_IDLE[line.state]}{why}"
    return f"{what}\n<i>{escape(_written(line))} · {escape(line.source)}</i>"


def usage_page(strategy_id: int | None) -> Page:
    """How /set is written."""
    name = "3359" if strategy_id is None else str(strategy_id)
    examples = ("stop_loss -30%", "stop_loss_rupees 3000", "profit_target 40%", "exit_at 14:30")
    lines = [
        "<b>Set one rule of one position</b>",
        "<code>/set ID RULE VALUE</code>, for example",
        *(f"<code>/set {name} {example}</code>" for example in examples),
        "",
        "You see what changes before it counts.",
        "Tighter counts at once; looser takes an owner, a code and a minute.",
        "It ends when the position is closed.",
        "",
        "<b>Rules</b>  " + ", ".join(rules()),
    ]
    return Page("\n".join(lines))
