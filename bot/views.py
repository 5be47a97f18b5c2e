"""The pages that answer a command: /status, /start, /help and the picker of /exit. Pure.

Inside a monospaced block there is neither an emoji nor ₹ nor a typographic minus: phones draw them
wider or narrower than a column. Commands that do something at a touch are set as code, because a phone
sends a command in a message as soon as it is touched.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from bot.layout import (
    MESSAGE_LIMIT,
    Button,
    Page,
    cut,
    escape,
    folded,
    packed,
    pair,
    span,
    table,
)
from engine.messages import Actor, FeedState
from engine.model import Action, Mode
from engine.money import rupees, signed_rupees
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.view import MonitorView, PositionView, ThresholdView

IST = timezone(timedelta(hours=5, minutes=30), "IST")
#: Market data older than this is called old, seconds.
OLD_DATA_S = 10.0
#: More positions than this are not offered as buttons; /exit takes an id as well.
PICKER_LIMIT = 30
#: More pages than this nobody reads on a phone.
STATUS_PAGES = 3
_LAKH_PAISE = 1_00_000_00

COMMANDS: tuple[tuple[str, str], ...] = (
    ("status", "positions, P&L and connections"),
    ("exit", "close a position: pick, look, confirm"),
    ("stop", "halt automatic exits at once"),
    ("resume", "let automatic exits run again"),
    ("help", "what each command does"),
)

_MODE_WORDS = {
    Mode.SIMULATE: "orders are simulated, nothing reaches the broker",
    Mode.ALERT_ONLY: "alerts only, no orders",
    Mode.SEMI_AUTO: "each exit waits for your button",
    Mode.EXECUTE: "exits are placed by themselves",
}
_RULE_WORDS = {
    "profit_target": "target",
    "stop_loss": "stop",
    "stop_loss_rupees": "stop",
    "stop_credit_multiple": "stop",
    "time_exit_dte": "time",
    "expiry_exit": "expiry",
}
_ACTION_WORDS = {
    Action.SCALE_OUT: "SCALE",
    Action.CLOSE_POSITION: "CLOSE",
    Action.CLOSE_IMMEDIATELY: "CLOSE NOW",
}
_TROUBLED = (PositionState.STUCK, PositionState.INVALID, PositionState.HELD)

_HELP = """<b>Commands</b>
<code>/status</code>  positions, P&amp;L, thresholds, connections
<code>/exit</code>  pick a position, look at the plan, confirm
<code>/exit 3359</code>  the same for one strategy
<code>/exit all</code>  the same for every position
<code>/stop</code>  halt at once, without a question: no automatic exits, our working orders are \
cancelled, positions stay
<code>/resume</code>  end the halt, after a question

A question can be answered once and only until it expires. An exit is done when broker, order book and \
trade book agree that nothing is left. Until then its card says where it stands."""


def help_page() -> Page:
    """Say what each command does."""
    return Page(_HELP)


def start_page(view: MonitorView, who: Actor) -> Page:
    """Greet; /start is what Telegram's own button sends, so it does nothing."""
    count = len(view.positions)
    lines = [
        "<b>Prahari</b> watches your option positions.",
        f"{_mode(view)}: {_MODE_WORDS[view.mode]}.",
        f"{count} position{'' if count == 1 else 's'} in view.",
        *_warnings(view),
        "",
        f"You are {escape(who.name)} (user {who.user_id}, chat {who.chat_id}).",
        "Try /status, then /exit. It asks before anything happens. /help has the rest.",
    ]
    return Page("\n".join(lines))


def status_pages(view: MonitorView) -> tuple[Page, ...]:
    """Show how everything stands; several messages when one is too short, the troubled first."""
    positions = sorted(view.positions, key=_calm)
    chunks: list[list[str]] = [[]]
    size = len(head := _head(view))
    shown = 0
    for position in positions:
        lines = _position(view, position)
        cost = len(escape("\n".join(lines))) + 2
        if chunks[-1] and size + cost > MESSAGE_LIMIT:
            if len(chunks) == STATUS_PAGES:
                break
            chunks.append([])
            size = 0
        chunks[-1] += ["", *lines] if chunks[-1] else lines
        size += cost
        shown += 1
    pages = [table(chunk) for chunk in chunks]
    pages[0] = f"{head}\n{pages[0]}" if view.positions else f"{head}\nNo positions are being watched."
    if shown < len(positions):
        pages[-1] += (
            f"\nand {len(positions) - shown} more; all of them: <code>python -m engine positions</code>"
        )
    return tuple(Page(page) for page in pages)


def picker_page(view: MonitorView) -> Page:
    """Offer the positions as buttons; each only leads to a question."""
    open_positions = [p for p in view.positions if p.state is not PositionState.FLAT]
    if not open_positions:
        why = f" {escape(view.degraded)}" if view.degraded else ""
        return Page(f"I know of no open position.{why}")
    several = len({p.account for p in open_positions}) > 1
    rows = [
        (Button(_label(p, several=several), f"p:{p.strategy_id}"),) for p in open_positions[:PICKER_LIMIT]
    ]
    if len(open_positions) > 1:
        rows.append((Button(f"All {len(open_positions)} positions", "p:all", "danger"),))
    more = len(open_positions) - PICKER_LIMIT
    hint = f"\n{more} more: write <code>/exit ID</code>." if more > 0 else ""
    return Page(f"<b>Exit which position?</b>\nNothing happens before you confirm.{hint}", tuple(rows))


def _label(position: PositionView, *, several: bool) -> str:
    account = f"{position.account}/" if several else ""
    pnl = "P&L unknown" if position.pnl_paise is None else signed_rupees(position.pnl_paise)
    return f"{account}{position.strategy_id} {position.symbol} · {cut(position.strategy, 16)} · {pnl}"


def _head(view: MonitorView) -> str:
    at = datetime.fromtimestamp(view.at_s, IST)
    lines = [
        f"{_mode(view)} · {at:%H:%M:%S} IST",
        f"{escape(view.session_text[:1].upper() + view.session_text[1:])} · {_feed(view)}",
    ]
    if view.positions:
        lines += _total(view)
    return "\n".join([*lines, *_warnings(view)])


def _mode(view: MonitorView) -> str:
    return f"<b>{view.mode.upper()}</b>" + (" · sandbox" if view.sandbox else "")


def _feed(view: MonitorView) -> str:
    feed = f"feed {view.feed}"
    if view.data_age_s is None:
        return f"{feed}, no data yet"
    old = view.session_open and (view.feed is not FeedState.LIVE or view.data_age_s > OLD_DATA_S)
    return f"{feed}, data {span(view.data_age_s)} old" if old else feed


def _total(view: MonitorView) -> list[str]:
    unknown = sum(_unknown(p) for p in view.positions)
    pnl = "unknown" if view.pnl_paise is None else signed_rupees(view.pnl_paise)
    value = "unknown" if view.value_paise is None else rupees(view.value_paise)
    lines = [f"P&amp;L <b>{pnl}</b> · value {value}"]
    if unknown and view.pnl_paise is not None:
        lines.append(f"⚠️ without {unknown} of {len(view.positions)}, whose P&amp;L is unknown")
    return lines


def _unknown(position: PositionView) -> bool:
    """A position that is flat has no P&L any more; any other without one is unknown, never zero."""
    return position.pnl_paise is None and position.state is not PositionState.FLAT


def _warnings(view: MonitorView) -> list[str]:
    lines = []
    if view.halted:
        lines.append("⚠️ <b>Halted</b>: no automatic exits until <code>/resume</code>")
    if view.degraded:
        lines.append(f"⚠️ <b>Degraded</b>: {escape(view.degraded)}")
    if view.feed in {FeedState.STALE, FeedState.DOWN, FeedState.STOPPED} and view.feed_detail:
        lines.append(f"⚠️ <b>Feed</b>: {escape(view.feed_detail)}")
    for state in _TROUBLED:
        lines += _listed(state, [p for p in view.positions if p.state is state])
    bare = [p for p in view.positions if p.unprotected and p.state is not PositionState.INVALID]
    return lines + _listed("unprotected", bare)


def _listed(word: str, positions: Sequence[PositionView]) -> list[str]:
    if not positions:
        return []
    ids = ", ".join(str(p.strategy_id) for p in positions[:6])
    more = f" and {len(positions) - 6} more" if len(positions) > 6 else ""
    return [f"⚠️ <b>{word.capitalize()}</b>: {ids}{more}"]


def _calm(position: PositionView) -> int:
    """0 = somebody should look, 1 = watched and well, 2 = done."""
    if position.state is PositionState.FLAT:
        return 2
    return int(position.state not in _TROUBLED and not position.unprotected and not _unknown(position))


def _position(view: MonitorView, position: PositionView) -> list[str]:
    lines = [
        pair(f"{position.strategy_id} {position.symbol}", _result(position)),
        pair(position.strategy, f"{_doing(position)} {position.urgency.name}"),
        *packed(
            [_threshold(t) for t in position.thresholds if t.threshold_paise is not None and t.available]
        ),
        *packed(_clock(position)),
    ]
    ages = [leg.age_s for leg in position.legs if leg.age_s is not None]
    if view.session_open and ages and max(ages) > OLD_DATA_S:
        lines.append(f"! price {span(max(ages))} old")
    if position.unprotected:
        lines.append("! unprotected: no loss rule")
    for threshold in position.thresholds:
        if not threshold.available and threshold.rule in _RULE_WORDS:
            lines += folded(f"{_rule(threshold)} off: {threshold.text}", "! ")
    if position.reason and (
        position.state is not PositionState.WATCHING or position.action is not Action.MONITOR
    ):
        lines += folded(position.reason, "> ")
    return lines


def _result(position: PositionView) -> str:
    if position.pnl_paise is None:
        return "unknown" if _unknown(position) else "-"
    if position.pnl_pct is None:
        return amount(position.pnl_paise)
    digits = 2 if abs(position.pnl_pct) < 10 else 1 if abs(position.pnl_pct) < 1000 else 0
    return f"{amount(position.pnl_paise)} {position.pnl_pct:>+6.{digits}f}%"


def _doing(position: PositionView) -> str:
    if position.state is not PositionState.WATCHING:
        return position.state.upper()
    return _ACTION_WORDS.get(position.action, position.action.value)


def _threshold(threshold: ThresholdView) -> str:
    return f"{_rule(threshold)} {amount(threshold.threshold_paise or 0)}"


def _clock(position: PositionView) -> list[str]:
    days = [] if position.dte is None else [f"DTE {position.dte}"]
    rules = [t for t in position.thresholds if t.threshold_paise is None and t.available]
    return days + [f"{_rule(t)} {t.text}" for t in rules]


def _rule(threshold: ThresholdView) -> str:
    return _RULE_WORDS.get(threshold.rule, threshold.rule)


def amount(paise: int) -> str:
    """Write a signed amount for a column: ASCII, no rupee sign, whole rupees from a lakh upwards."""
    text = signed_rupees(paise).replace("₹", "").replace("−", "-")
    return text.rpartition(".")[0] if abs(paise) >= _LAKH_PAISE else text
