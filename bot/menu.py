"""The one table of commands: who may, what Telegram's list and /help say, what the buttons below offer.

A new look-only command is one line here and one method of its name in `bot.lookers`, `bot.gauges` or, where a
picture is the answer, `bot.picture_commands`; one that does something is a line here and a method of
`bot.commands.Commands`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from bot.roles import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One command.

    Attributes:
        word: as it is written, without the slash; also the name of its handler.
        needs: the least role that may.
        acts: the same of the command with words after it, where it is another.
        text: the line in Telegram's list of commands.
        usage: each way to write it, and what that does, for /help.
        panel: a button below the keyboard sends it; only for what does nothing.
    """

    word: str
    needs: Role
    text: str
    usage: tuple[tuple[str, str], ...]
    panel: bool = False
    acts: Role | None = None


def _look(word: str, text: str, *usage: tuple[str, str], panel: bool = True) -> Entry:
    return Entry(word, Role.VIEWER, text, usage or ((f"/{word}", text),), panel)


def _more(word: str, what: str) -> tuple[tuple[str, str], ...]:
    """The usage of what takes a number of lines."""
    return (f"/{word}", what), (f"/{word} 30", "more lines")


COMMANDS: tuple[Entry, ...] = (
    _look("status", "how everything stands"),
    _look("positions", "each position in two lines"),
    _look("p", "one position: legs, P&L, stops", ("/p 3359", "one position: legs, P&L, stops"), panel=False),
    _look(
        "pnl",
        "the day's P&L as a picture",
        ("/pnl", "the day as a picture"),
        ("/pnl week", "a bar a day; or month"),
        ("/pnl 3359", "one position, its stops"),
    ),
    _look(
        "report",
        "the week in figures; or month",
        ("/report", "the week in figures"),
        ("/report month", "the month"),
        panel=False,
    ),
    _look(
        "payoff",
        "what a position can come to, drawn",
        ("/payoff 3359", "at expiry and today"),
        panel=False,
    ),
    _look(
        "rules",
        "what guards a position, and how far it is",
        ("/rules", "what guards it, and how far"),
    ),
    _look("why", "what its rules did, and why not more"),
    _look("orders", "what exits have ordered today"),
    _look("trades", "the last fills", *_more("trades", "the last fills of today")),
    _look("health", "one line each, the red first"),
    _look("feed", "how prices come, how old", panel=False),
    _look("accounts", "each account: mode, token, P&L"),
    Entry(
        "set", Role.OPERATOR, "tighten a rule: look, confirm",
        (("/set 3359 stop_loss -30%", "tighten a rule"),),
    ),
    Entry(
        "group", Role.OWNER, "what the broker holds and no row names",
        (("/group", "what the broker holds and no row names"),),
    ),
    Entry(
        "exit", Role.OPERATOR, "close a position: pick, look, confirm",
        (
            ("/exit", "pick, look, confirm"),
            ("/exit 3359", "one position"),
            ("/exit half 3359", "half its lots"),
            ("/exit NIFTY", "all of a symbol"),
            ("/exit all", "every position"),
        ),
    ),
    Entry(
        "flatten", Role.OWNER, "close everything: typed word, confirm",
        (("/flatten", "the whole account, and stay flat"),),
    ),
    Entry(
        "snooze", Role.OPERATOR, "hear only HIGH of a position for a while",
        (
            ("/snooze 3359 30", "30 min only HIGH of it"),
            ("/snooze 3359 60 5000 below 24500", "the same, until ₹5,000 worse or the index there"),
        ),
    ),
    Entry("stop", Role.OPERATOR, "halt the rules at once", (("/stop", "halt the rules at once"),)),
    Entry(
        "resume", Role.OWNER, "let the rules act again",
        (("/resume", "let them act again"), ("/resume 3359", "one held position")),
    ),
    Entry(
        "mode", Role.VIEWER, "how far it may go; lower at once",
        (
            ("/mode", "how far it may go"),
            ("/mode alert-only", "lower it at once"),
            ("/mode execute", "raise it: an owner, two keys"),
        ),
        acts=Role.OPERATOR,
    ),
    Entry("code", Role.OWNER, "type the code of a card", (("/code 4821", "the code of a card"),)),
    _look("drill", "the last drill; hold one now", panel=False),
    _look("audit", "who did what", *_more("audit", "who did what"), panel=False),
    _look("log", "the end of the log", *_more("log", "the end of the log"), panel=False),
    _look("version", "what runs, since when", panel=False),
    _look("help", "what each command does", panel=False),
)  # fmt: skip

#: What Telegram's own button sends; it is in no list.
START = Entry("start", Role.VIEWER, "", ())

#: So like must a word be to be taken for a misspelt command.
_LIKE = 0.6


def nearest(text: str) -> Entry | None:
    """The command that the first word of this is most like; None = it is like none."""
    word = text.split(maxsplit=1)[0].removeprefix("/").partition("@")[0].lower() if text.split() else ""
    entries = {entry.word: entry for entry in COMMANDS}
    near = difflib.get_close_matches(word, entries, n=1, cutoff=_LIKE)
    return entries[near[0]] if near else None


def panel(width: int = 3) -> tuple[tuple[str, ...], ...]:
    """The rows of buttons that stay below the keyboard: harmless commands only."""
    words = [f"/{entry.word}" for entry in COMMANDS if entry.panel and entry.needs is Role.VIEWER]
    return tuple(tuple(words[at : at + width]) for at in range(0, len(words), width))
