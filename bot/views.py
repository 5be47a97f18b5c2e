"""The other pages that answer a command: /start, /help and the picker of /exit. Pure.

Commands that do something at a touch are set as code, because a phone sends a command in a message as
soon as it is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import Button, Page, cut, escape
from bot.status import mode_words, warnings
from engine.model import Mode
from engine.money import signed_rupees
from engine.view import PositionState

if TYPE_CHECKING:
    from engine.messages import Actor
    from engine.view import MonitorView, PositionView

#: What fits on a button of a small phone.
LABEL_COLUMNS = 34
#: More positions than this are not offered as buttons; /exit takes an id as well.
PICKER_LIMIT = 30

COMMANDS: tuple[tuple[str, str], ...] = (
    ("status", "how everything stands"),
    ("rules", "what guards a position, and how far it is"),
    ("why", "what its rules did, and why not more"),
    ("set", "tighten a rule: look, confirm"),
    ("exit", "close a position: pick, look, confirm"),
    ("flatten", "close everything: typed word, confirm"),
    ("stop", "halt the rules at once"),
    ("resume", "let the rules act again"),
    ("help", "what each command does"),
)

_MODE_WORDS = {
    Mode.SIMULATE: "orders are simulated, nothing reaches the broker",
    Mode.ALERT_ONLY: "alerts only, no orders",
    Mode.SEMI_AUTO: "each exit waits for your button",
    Mode.EXECUTE: "exits are placed by themselves",
}
_EXITABLE = (
    PositionState.WATCHING,
    PositionState.HELD,
    PositionState.UNWATCHED,
    PositionState.STUCK,
)

_HELP = """<b>Commands</b>
<code>/status</code>  how everything stands
<code>/rules</code>  what guards a position, how far it is
<code>/why</code>  what its rules did, and why not more
<code>/set 3359 stop_loss -30%</code>  tighten a rule
<code>/exit</code>  pick, look, confirm
<code>/exit 3359</code>  one position
<code>/exit all</code>  every position
<code>/flatten</code>  the whole account, and stay flat
<code>/stop</code>  halt the rules at once
<code>/resume</code>  let them act again
<code>/resume 3359</code>  one held position

<b>Exit</b>  Every exit asks first. A question counts one answer, within a minute. Then its card tells how \
far the exit is; <i>verified flat</i> means that the order book, the trade book and the positions agree.

<b>Set</b>  Shows what changes, and asks. It only ever tightens, counts at once, and ends with the position.

<b>Stop</b>  No automatic exits, our own working orders are cancelled, positions stay."""


def help_page() -> Page:
    """Say what each command does."""
    return Page(_HELP)


def start_page(view: MonitorView, who: Actor) -> Page:
    """Greet; /start is what Telegram's own button sends, so it does nothing."""
    count = len(view.positions)
    lines = [
        "<b>Prahari</b> watches your option positions.",
        f"{mode_words(view)}: {_MODE_WORDS[view.mode]}.",
        f"{count} position{'' if count == 1 else 's'} in view.",
        *warnings(view),
        "",
        f"You are {escape(who.name)} (user {who.user_id}, chat {who.chat_id}).",
        "Try /status, then /exit. It asks before anything happens. /help has the rest.",
    ]
    return Page("\n".join(lines))


def picker_page(view: MonitorView) -> Page:
    """Offer the positions that can be exited as buttons; each only leads to a question."""
    offered = [p for p in view.positions if p.state in _EXITABLE]
    others = [f"{p.strategy_id} {p.state}" for p in view.positions if p.state not in _EXITABLE]
    notes = [f"Not offered: {escape(', '.join(others[:12]))}."] if others else []
    if view.degraded:
        notes.append(f"⚠️ <b>Degraded</b>: {escape(cut(view.degraded, 300))}")
    if not offered:
        return Page("\n".join(["I know of no position to exit.", *notes]))
    several = len({p.account for p in offered}) > 1
    rows = [(Button(_label(p, several=several), f"p:{p.strategy_id}"),) for p in offered[:PICKER_LIMIT]]
    if len(offered) > 1:
        rows.append((Button(f"All {len(offered)} positions", "p:all", "danger"),))
    if len(offered) > PICKER_LIMIT:
        notes.append(f"{len(offered) - PICKER_LIMIT} more: write <code>/exit ID</code>.")
    html = ["<b>Exit which position?</b>", "Nothing happens before you confirm.", *notes]
    return Page("\n".join(html), tuple(rows))


def look_page(view: MonitorView, command: str) -> Page:
    """Offer all positions as buttons, those too that have ended: a look changes nothing."""
    offered = view.positions[:PICKER_LIMIT]
    if not offered:
        return Page("I know of no position.")
    title = "Rules of which position?" if command == "rules" else "Why, of which position?"
    several = len({p.account for p in offered}) > 1
    rows = [(Button(_label(p, several=several), f"{command[0]}:{p.strategy_id}"),) for p in offered]
    rest = len(view.positions) - PICKER_LIMIT
    more = [f"{rest} more: write <code>/{command} ID</code>."] if rest > 0 else []
    return Page("\n".join([f"<b>{title}</b>", *more]), tuple(rows))


def _label(position: PositionView, *, several: bool) -> str:
    """Name a position on a button; a phone cuts long ones at the end, where the P&L stands."""
    account = f"{position.account}/" if several else ""
    name = f"{account}{position.strategy_id} {position.symbol}"
    pnl = (
        "P&L unknown" if position.pnl_paise is None else signed_rupees(position.pnl_paise).rpartition(".")[0]
    )
    whole = f"{name} {position.strategy} · {pnl}"
    return whole if len(whole) <= LABEL_COLUMNS else f"{name} · {pnl}"
