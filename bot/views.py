"""The other pages that answer a command: /start, /help and the picker of /exit. Pure.

Commands that do something at a touch are set as code, because a phone sends a command in a message as
soon as it is touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.accounts import mark
from bot.layout import Button, Page, cut, escape
from bot.menu import COMMANDS, panel
from bot.status import mode_words, warnings
from engine.modes import MODE_MEANS
from engine.money import signed_rupees
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.messages import Actor
    from engine.view import MonitorView, PositionBrief

#: What fits on a button of a small phone.
LABEL_COLUMNS = 34
#: More positions than this are not offered as buttons; /exit takes an id as well.
PICKER_LIMIT = 30
#: Telegram takes so many bytes of data with a button.
_DATA_BYTES = 64

#: What each look-only command asks when it lacks an id, and the letter of its buttons.
_LOOKS = {
    "rules": ("Rules of which position?", "r"),
    "why": ("Why, of which position?", "w"),
    "p": ("Which position?", "i"),
    "payoff": ("Payoff of which position?", "g"),
    "pnl": ("P&amp;L of which position?", "l"),
    "snooze": ("Snooze which position?", "z"),
}
EXITABLE = (
    PositionState.WATCHING,
    PositionState.HELD,
    PositionState.UNWATCHED,
    PositionState.STUCK,
)

_NOTES = """
<b>Exit</b>  Every exit asks first. A question counts one answer, within a minute. Then its card tells how \
far the exit is; <i>verified flat</i> means that the order book, the trade book and the positions agree.

<b>Set</b>  Shows what changes, and asks. Tighter counts at once; looser takes an owner, a code and a \
minute. It ends with the position.

<b>Stop</b>  No automatic exits, our own working orders are cancelled, positions stay."""

_SEVERAL = """
<b>Accounts</b>  Name one after the command: <code>/exit HUF 3359</code>, <code>/status HUF</code>. Without \
a name you choose, but for <code>/stop</code>: that stops all of them."""


def help_page(*, several: bool = False) -> Page:
    """Say what each command does; ``several`` accounts are named after it."""
    usage = [
        f"<code>{escape(how)}</code>  {escape(what)}" for entry in COMMANDS[:-1] for how, what in entry.usage
    ]
    text = "\n".join(["<b>Commands</b>", *usage, _NOTES, *([_SEVERAL] if several else [])])
    return Page(text, panel=panel())


def start_page(views: Mapping[str, MonitorView], who: Actor) -> Page:
    """Greet; /start is what Telegram's own button sends, so it does nothing."""
    lines = ["<b>Prahari</b> watches your option positions."]
    for account, view in views.items():
        count = len(view.positions)
        name = f"{escape(account)} · " if len(views) > 1 else ""
        seen = "Positions unknown" if view.down else f"{count} position{'' if count == 1 else 's'} in view"
        lines += [f"{name}{mode_words(view)}: {MODE_MEANS[view.mode]}.", f"{seen}.", *warnings(view)]
    lines += [
        "",
        f"You are {escape(who.name)} (user {who.user_id}, chat {who.chat_id}).",
        "Try /status, then /exit. It asks before anything happens. /help has the rest.",
    ]
    return Page("\n".join(lines), panel=panel())


def picker_page(views: Mapping[str, MonitorView]) -> Page:
    """Offer the positions that can be exited as buttons; each only leads to a question."""
    every = [(account, p) for account, view in views.items() for p in view.positions]
    offered = [(account, p) for account, p in every if p.state in EXITABLE]
    several = len(views) > 1
    others = [
        f"{f'{account}/' if several else ''}{p.strategy_id} {p.state}"
        for account, p in every
        if p.state not in EXITABLE
    ]
    notes = [f"Not offered: {escape(', '.join(others[:12]))}."] if others else []
    for account, view in views.items():
        if view.degraded:
            of = f" {escape(account)}" if several else ""
            notes.append(f"⚠️ <b>Degraded</b>{of}: {escape(cut(view.degraded, 300))}")
    if not offered:
        return Page("\n".join(["I know of no position to exit.", *notes]))
    rows = _rows("p", offered[:PICKER_LIMIT])
    for account in views:
        count = sum(each == account for each, _ in offered)
        if count > 1:
            of = f" of {account}" if several else ""
            rows.append((Button(f"All {count} positions{of}", f"p:{mark(account)}all", "danger"),))
    if len(offered) > PICKER_LIMIT:
        notes.append(f"{len(offered) - PICKER_LIMIT} more: write <code>/exit ID</code>.")
    html = ["<b>Exit which position?</b>", "Nothing happens before you confirm.", *notes]
    return Page("\n".join(html), tuple(rows))


def look_page(views: Mapping[str, MonitorView], command: str, strategy_id: int | None = None) -> Page:
    """Offer all positions as buttons, those too that have ended: a look changes nothing.

    ``strategy_id``: only those of this id.
    """
    every = [
        (account, p)
        for account, view in views.items()
        for p in view.positions
        if strategy_id in (None, p.strategy_id)
    ]
    if not every:
        return Page("I know of no position.")
    title, letter = _LOOKS[command]
    rest = len(every) - PICKER_LIMIT
    more = [f"{rest} more: write <code>/{command} ID</code>."] if rest > 0 else []
    return Page("\n".join([f"<b>{title}</b>", *more]), tuple(_rows(letter, every[:PICKER_LIMIT])))


def account_page(word: str, accounts: Sequence[str], words: Sequence[str]) -> Page:
    """Offer the accounts that a command can be meant for; each button is the command, written out."""
    written = {account: " ".join([f"/{word}", account, *words]) for account in accounts}
    fit = {account: text for account, text in written.items() if len(f"x:{text}".encode()) <= _DATA_BYTES}
    rows = tuple((Button(text, f"x:{text}"),) for text in fit.values())
    rest = [f"<code>{escape(text)}</code>" for account, text in written.items() if account not in fit]
    return Page("\n".join(["<b>Which account?</b>", "Nothing was done yet.", *rest]), rows)


def under(title: str, page: Page) -> Page:
    """The page with the account's name, ``HUF · ``, as its first line; as it is when there is none."""
    name = title.removesuffix(" · ")
    return replace(page, html=f"<b>{escape(name)}</b>\n{page.html}") if name else page


def _rows(kind: str, offered: Sequence[tuple[str, PositionBrief]]) -> list[tuple[Button, ...]]:
    several = len({account for account, _ in offered}) > 1
    rows = len({p.account for _, p in offered}) > 1
    return [
        (
            Button(
                _label(p, f"{account}/" if several else f"{p.account}/" if rows else ""),
                f"{kind}:{mark(account)}{p.strategy_id}",
            ),
        )
        for account, p in offered
    ]


def _label(position: PositionBrief, account: str) -> str:
    """Name a position on a button; a phone cuts long ones at the end, where the P&L stands."""
    name = f"{account}{position.strategy_id} {position.symbol}"
    pnl = (
        "P&L unknown" if position.pnl_paise is None else signed_rupees(position.pnl_paise).rpartition(".")[0]
    )
    whole = f"{name} {position.strategy} · {pnl}"
    return whole if len(whole) <= LABEL_COLUMNS else f"{name} · {pnl}"
