"""The pages of /audit and /log: the last lines of what was done, and of what was told and logged. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import Page, count, cut, escape, folded, stacked
from engine.audit_page import story_of, who
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.audit_page import AuditNow
    from engine.io.log import LogLine

#: So many lines are shown when nobody says how many, and at most.
LINES, MOST_LINES = 12, 60
_LINE_COLUMNS = 300


def audit_pages(audit: AuditNow, title: str = "") -> tuple[Page, ...]:
    """When, who, what and its result, the newest first; below it whether the chain holds.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    head = f"{escape(title)}<b>Audit</b> · {count(audit.total)} lines"
    if not audit.lines:
        return (Page(f"{head}\nNothing was done yet.\n{_chain(audit)}"),)
    told = [(line.at_s, cut(who(line), 22), story_of(line)) for line in audit.lines]
    return stacked(head, _dated(told), "lines", foot=_chain(audit))


def _chain(audit: AuditNow) -> str:
    if audit.broken:
        return (
            f"🔴 <b>The chain is broken</b>: {escape(audit.broken)}. Somebody has changed the journal, or "
            "its disk has. Keep a copy of it."
        )
    whole = audit.checked == audit.total
    which = "all" if whole else f"the last {count(audit.checked)} of"
    return f"Chain holds: {which} {count(audit.total)} lines verified."


def log_pages(lines: Sequence[LogLine], named: bool) -> tuple[Page, ...]:  # noqa: FBT001
    """The last lines of the log, the newest first; secrets are taken out of it before it is kept.

    ``named``: only accounts' own lines are shown, because the person may not see all accounts.
    """
    head = "<b>Log</b> · newest first · IST"
    if not lines:
        return (Page(f"{head}\nNothing was logged yet."),)
    told = [
        (line.wall_s, line.text.partition(" ")[0], line.text.partition(" ")[2]) for line in reversed(lines)
    ]
    return stacked(head, _dated(told), "lines", foot="Of your accounts alone." if named else "")


def _dated(told: Iterable[tuple[float, str, str]]) -> list[list[str]]:
    """Moment and head in one line, the text folded below; the day where it changes."""
    blocks: list[list[str]] = []
    day = ""
    for at_s, head, text in told:
        moment = ist(at_s)
        new, day = day != f"{moment:%a %d %b}", f"{moment:%a %d %b}"
        blocks.append(
            [
                *([f"{day}"] if new else []),
                cut(f"{moment:%H:%M:%S} {head}", 32),
                *folded(cut(text, _LINE_COLUMNS), "  ", lines=6),
            ]
        )
    return blocks
