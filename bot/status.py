"""The page of /status: how everything stands, on 32 columns. Pure.

Columns of numbers hold neither an emoji nor ₹ nor a typographic minus: phones draw them wider or
narrower than the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from bot.layout import COLUMNS, MESSAGE_LIMIT, Page, cut, escape, folded, pair, span, table
from engine.material import OLD_DATA_S
from engine.messages import FeedState
from engine.model import DEFAULT_ACCOUNT, Action
from engine.money import rupees, signed_rupees
from engine.preflight import Light
from engine.table import day_text
from engine.view import TROUBLED, PositionState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.view import AccountView, MonitorView, PositionBrief, PositionView, ThresholdView

IST = timezone(timedelta(hours=5, minutes=30), "IST")
Listed = TypeVar("Listed")
#: More pages than this nobody reads on a phone.
STATUS_PAGES = 3
_LAKH_PAISE = 1_00_000_00

_RULE_WORDS = {
    "profit_target": "target",
    "profit_target_rupees": "target",
    "profit_scaling": "scale",
    "trailing_stop": "trail",
    "lock_profit": "lock",
    "stop_loss": "stop",
    "stop_loss_rupees": "stop",
    "stop_credit_multiple": "stop",
    "stop_margin": "stop",
    "stop_underlying": "stop",
}
_ACTION_WORDS = {
    Action.SCALE_OUT: "SCALE",
    Action.CLOSE_POSITION: "CLOSE",
    Action.CLOSE_IMMEDIATELY: "CLOSE NOW",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One position in its place: whose view it is of, and what stands before its id (``HUF/``)."""

    view: MonitorView
    position: PositionView
    of: str = ""


def status_pages(view: MonitorView, title: str = "") -> tuple[Page, ...]:
    """Show how everything stands; several messages when one is too short, the troubled first.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    return pages(f"{escape(title)}{_head(view)}", in_order({"": view}), len(view.positions), in_columns)


def in_order(views: Mapping[str, MonitorView]) -> list[Line]:
    """The positions to be shown, with what stands before their ids: the troubled first, then the urgent.

    Where not all can be, those that are flat give way to those that are held.
    """
    all_of_them = all(len(view.full) == len(view.positions) for view in views.values())
    lines = [
        Line(view, position, of)
        for of, view in views.items()
        for position in view.full
        if all_of_them or position.state is not PositionState.FLAT
    ]
    return sorted(lines, key=lambda line: (line.position.calm, -line.position.urgency))


def with_lines(pages: Sequence[Page], lines: Sequence[str]) -> tuple[Page, ...]:
    """Put what the chat itself has to say before everything else."""
    if not lines:
        return tuple(pages)
    head = "\n".join(escape(line) for line in lines)
    return (replace(pages[0], html=f"{head}\n{pages[0].html}"), *pages[1:])


def pages(
    head: str, lines: Sequence[Listed], count: int, write: Callable[[Listed], list[str]]
) -> tuple[Page, ...]:
    """Put positions under a head, over as many messages as it takes.

    Args:
        head: above them.
        lines: those that may be shown, the most important first.
        count: how many there are.
        write: sets one position in columns.
    """
    chunks: list[list[str]] = [[]]
    size = len(head)
    shown = 0
    for line in lines:
        text = write(line)
        cost = len(escape("\n".join(text))) + 2
        if chunks[-1] and size + cost > MESSAGE_LIMIT:
            if len(chunks) == STATUS_PAGES:
                break
            chunks.append([])
            size = 0
        chunks[-1] += ["", *text] if chunks[-1] else text
        size += cost
        shown += 1
    tables = [table(chunk) for chunk in chunks]
    if lines:
        tables[0] = f"{head}\n{tables[0]}"
    else:
        tables[0] = head if count else f"{head}\nNo positions are being watched."
    if shown < count:
        tables[-1] += f"\nand {count - shown} more; all of them: <code>python -m engine positions</code>"
    return tuple(Page(page) for page in tables)


def _head(view: MonitorView) -> str:
    lines = [
        f"{mode_words(view)} · {clock_words(view.at_s)}",
        f"{escape(view.session_text[:1].upper() + view.session_text[1:])} · {feed_words(view)}",
        *total_lines([view]),
    ]
    lines += [day_line(account) for account in view.accounts]
    looked_at = [p.ready for p in view.positions if p.ready is not None]
    if looked_at and all(ready.light is not Light.RED for ready in looked_at):
        lines.append(f"Exit{'s' * (len(looked_at) > 1)} ready: {len(looked_at)}")
    lines += [escape(text) for text in (view.access, view.nets) if text]
    sources = (("Trade store", view.store), ("Realtime", view.realtime), ("Redis", view.cache))
    lines += [f"{name}: {escape(text)}" for name, text in sources if text]
    return "\n".join([*lines, *warnings(view)])


def clock_words(at_s: float) -> str:
    """A moment of the monitor's clock: ``10:15:33 IST``."""
    return f"{datetime.fromtimestamp(at_s, IST):%H:%M:%S} IST"


def stopped_words(at_s: float) -> str:
    """The first line of a living message that nobody will change."""
    return f"⏹ <b>Stopped at {clock_words(at_s)}</b>: nobody watches"


def mode_words(view: MonitorView) -> str:
    """Name the mode, and the sandbox when it is one."""
    return f"<b>{view.mode.upper()}</b>" + (" · sandbox" if view.sandbox else "")


def feed_words(view: MonitorView) -> str:
    """How the prices come, and how old they are when that matters."""
    feed = f"feed {view.feed}"
    if view.data_age_s is None:
        return f"{feed}, no data yet"
    awaited = view.session_open and view.subscribed > 0
    old = awaited and (view.feed is not FeedState.LIVE or view.data_age_s > OLD_DATA_S)
    return f"{feed}, data {span(view.data_age_s)} old" if old else feed


def total_lines(views: Sequence[MonitorView], of: str = "") -> list[str]:
    """P&L and value of all positions in these views; nothing when there is none that is open."""
    positions = [p for view in views for p in view.positions]
    held = [p for p in positions if p.state is not PositionState.FLAT]
    if not held:
        return []
    unknown = sum(p.unknown for p in positions)
    known = sum_of([view.pnl_paise for view in views])
    pnl = "unknown" if known is None else signed_rupees(known)
    worth = sum_of([view.value_paise for view in views])
    value = "unknown" if worth is None else rupees(worth)
    lines = [f"P&amp;L {of}<b>{pnl}</b> · value {value}"]
    if all(p.closing_pnl_paise is not None for p in held):
        closing = sum_of([view.closing_pnl_paise for view in views]) or 0
        lines.append(f"Closed now <b>{signed_rupees(closing)}</b> after charges")
    if unknown and known is not None:
        lines.append(f"⚠️ without {unknown} of {len(positions)}, whose P&amp;L is unknown")
    return lines


def sum_of(amounts: Sequence[int | None]) -> int | None:
    """The sum of what is known; None when nothing is."""
    known = [each for each in amounts if each is not None]
    return sum(known) if known else None


def day_line(account: AccountView) -> str:
    """The account's day beside the limits on it; loud once one of them has spoken."""
    name = "" if account.name == DEFAULT_ACCOUNT else f" {escape(account.name)}"
    return f"{'⚠️ ' if account.fired or account.blind else ''}Day{name} {escape(day_text(account))}"


def warnings(view: MonitorView) -> list[str]:
    """Say in one line each what keeps the house from being calm."""
    lines = []
    if view.halted:
        lines.append("⚠️ <b>Halted</b>: no automatic exits until <code>/resume</code>")
    if view.degraded:
        lines.append(f"⚠️ <b>Degraded</b>: {_said(view.degraded)}")
    lines += [f"⚠️ {_said(trouble)}" for trouble in view.troubles]
    if view.feed in {FeedState.STALE, FeedState.DOWN, FeedState.STOPPED} and view.feed_detail:
        lines.append(f"⚠️ <b>Feed</b>: {_said(view.feed_detail)}")
    for state in TROUBLED:
        lines += _listed(state, [p for p in view.positions if p.state is state])
    bare = [p for p in view.positions if p.unprotected and p.state is not PositionState.INVALID]
    refused = [p for p in view.positions if p.ready is not None and p.ready.light is Light.RED]
    return lines + _listed("unprotected", bare) + _listed("exit would be refused", refused)


def _said(text: str) -> str:
    return escape(cut(text, 300))


def _listed(word: str, positions: Sequence[PositionBrief]) -> list[str]:
    if not positions:
        return []
    ids = ", ".join(str(p.strategy_id) for p in positions[:6])
    more = f" and {len(positions) - 6} more" if len(positions) > 6 else ""
    return [f"⚠️ <b>{word.capitalize()}</b>: {ids}{more}"]


def in_columns(line: Line) -> list[str]:
    """Set one position as /status does."""
    view, position = line.view, line.position
    name = f"{line.of}{position.strategy_id} {position.symbol}"
    if line.of and len(name) + len(result(position)) >= COLUMNS:  # the id must not give way to the account
        return [line.of.removesuffix("/"), *in_columns(replace(line, of=""))]
    if position.state is PositionState.FLAT:
        return [pair(f"{name} {position.strategy}", doing(position))]
    lines = [
        pair(name, result(position)),
        *_closed(position),
        pair(position.strategy, f"{doing(position)} {position.urgency.name}"),
        *([position.part] if position.part else []),
        *waits(position),
    ]
    ages = [leg.age_s for leg in position.legs if leg.age_s is not None]
    if view.session_open and ages and max(ages) > OLD_DATA_S:
        lines.append(f"! price {span(max(ages))} old")
    if position.differs:
        lines += folded(position.differs, "! ")
    if position.unprotected:
        lines.append("! unprotected: no loss rule")
        off = [t for t in position.thresholds if not t.available and t.rule.startswith("stop_")]
        for threshold in off:
            lines += folded(f"{rule_word(threshold.rule)} off: {threshold.text}", "! ")
    if not position.profit_exit:
        lines.append("! no profit exit")
    ready = position.ready
    if ready is not None and ready.light is not Light.GREEN and not ready.shared:
        lines += folded(ready.text, "! ")
    if position.reason and (
        position.state is not PositionState.WATCHING or position.action is not Action.MONITOR
    ):
        lines += folded(position.reason, "> ")
    return lines


def result(position: PositionBrief) -> str:
    """P&L and per cent for a column; ``unknown``, never zero, where a leg has no price."""
    if position.pnl_paise is None:
        return "unknown" if position.unknown else "-"
    if position.pnl_pct is None:
        return amount(position.pnl_paise)
    digits = 2 if abs(position.pnl_pct) < 10 else 1 if abs(position.pnl_pct) < 100 else 0
    return f"{amount(position.pnl_paise)} {position.pnl_pct:+.{digits}f}%"


def doing(position: PositionBrief) -> str:
    """Its state, or while it is watched what its rules say."""
    if position.state is not PositionState.WATCHING:
        return position.state.upper()
    return _ACTION_WORDS.get(position.action, position.action.value)


def _closed(position: PositionView) -> list[str]:
    """Give the P&L that closing now would leave after charges, under the one at mark."""
    if position.closing_pnl_paise is None:
        return []
    return [pair("closed now, net", amount(position.closing_pnl_paise))]


def waits(position: PositionView) -> list[str]:
    """Give the days left and, at the right edge, the thresholds, gains first, each with its distance.

    Rules of the clock have neither rupees nor points; the days say enough.
    """
    armed = [t for t in position.thresholds if t.available]
    amounts = sorted(
        (t for t in armed if t.threshold_paise is not None), key=lambda t: -(t.threshold_paise or 0)
    )
    prices = [t for t in armed if t.threshold_paise is None and t.points is not None]
    days = "" if position.dte is None else f"DTE {position.dte}"
    right = [line for t in (*amounts, *prices) for line in _threshold(t)] or [""] * bool(days)
    return [
        pair(left, text).rstrip() for left, text in zip_longest([days], right, fillvalue="") if left or text
    ]


def _threshold(threshold: ThresholdView) -> list[str]:
    """Where a rule fires and, below it, how far that is: by the underlying if known, else in rupees."""
    name, paise = rule_word(threshold.rule), threshold.threshold_paise
    away = (
        ""
        if threshold.distance_paise is None
        else f"{amount(abs(threshold.distance_paise))} away".removeprefix("+")
    )
    if threshold.points is not None and threshold.underlying_paise is not None:
        level = rupees(threshold.underlying_paise).removeprefix("₹").partition(".")[0]
        points = f"{abs(threshold.points):.0f} points away"
        if paise is None:
            return [f"{name} at {level}", points]
        away = f"at {level}, {points}"
    lines = [] if paise is None else [f"{name} {amount(paise)}"]
    return [*lines, away] if away else lines


def rule_word(rule: str) -> str:
    """A rule's name in a column: target, stop, trail."""
    return _RULE_WORDS.get(rule, rule)


def amount(paise: int) -> str:
    """Write a signed amount for a column: ASCII, no rupee sign, whole rupees from a lakh upwards."""
    text = signed_rupees(paise).replace("₹", "").replace("−", "-")
    return text.rpartition(".")[0] if abs(paise) >= _LAKH_PAISE else text
