"""Whether we know where we stand: what has to be read before rules may act.

At the start, and whenever the account has become ours anew, two things are read: the broker's books, which
are held against the journal as they come in, and the rows of the trade store. Until then rules only
tell. An exit that runs needs the books and not the store: a restart in its midst must end flat also while
the database is down.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from engine.effects import Alert, Audit
from engine.model import Urgency

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import BrokerReport, TradesLoaded

__all__ = ["Bearings", "Source"]

#: What has not come for so long is told of, also when nobody has said that it will not come.
PATIENCE_S = 10.0


class Source(StrEnum):
    """What has to be read, in words for people."""

    BOOKS = "the broker's positions"
    ROWS = "the trade store"


class Bearings:
    """What has been read since the account is ours, and what is told of the rest."""

    def __init__(self) -> None:
        self._read: set[Source] = set()
        self._told: set[Source] = set()
        self._later: dict[str, Alert] = {}
        self._request = 0  # reports that were asked for up to here tell of somebody else's time,
        self._ours_s = 0.0  # and so do rows that were asked for before
        self._since_s: float | None = None

    @property
    def found(self) -> bool:
        """Everything has been read."""
        return len(self._read) == len(Source)

    def put_off(self, alert: Alert, now_s: float) -> list[Effect]:
        """What is only told because nothing is read yet waits: it is judged again within seconds, or told."""
        if self.found or self._told or (self._since_s is not None and now_s - self._since_s >= PATIENCE_S):
            return [alert]
        self._later[alert.topic] = alert
        return []

    def lose(self, request: int, now_s: float) -> None:
        """The account has become ours anew: only what is asked for from now on counts.

        ``request``: the number of the newest report that was asked for.
        """
        self._read.clear()
        self._request, self._ours_s, self._since_s = request, now_s, now_s

    def no_books(self) -> str:
        """Why no order may leave at all; empty = the books are read."""
        return "" if Source.BOOKS in self._read else f"{Source.BOOKS} have not been read yet"

    def why(self) -> str:
        """Why rules may only tell; empty = they may act."""
        rows = "" if Source.ROWS in self._read else f"{Source.ROWS} has not been read yet"
        return self.no_books() or rows

    def take_books(self, report: BrokerReport) -> bool:
        """A good report is held against the journal; True when it is the first that counts."""
        return self._take(Source.BOOKS, good=report.request > self._request)

    def take_rows(self, loaded: TradesLoaded, *, believed: bool) -> bool:
        """The store has answered; True when it is the first answer that counts."""
        late = loaded.began_s is not None and loaded.began_s < self._ours_s
        return self._take(Source.ROWS, good=believed and not late)

    def _take(self, source: Source, *, good: bool) -> bool:
        first = good and source not in self._read
        if first:
            self._read.add(source)
        if self.found:
            self._later.clear()
        return first

    def look(self, now_s: float) -> list[Effect]:
        """Tell of what does not come, and once that everything is there."""
        self._since_s = now_s if self._since_s is None else self._since_s
        if self.found and self._told:
            self._told.clear()
            text = "The broker's books and the trade store are read. The rules act."
            return [Alert(Urgency.MEDIUM, "bearings-found", "Start-up is complete", text)]
        if now_s - self._since_s < PATIENCE_S:
            return []
        later: list[Effect] = [*self._later.values()]
        self._later.clear()
        return later + [effect for source in Source for effect in self.unread(source, "no answer yet")]

    def unread(self, source: Source, why: str) -> list[Effect]:
        """Tell once that something cannot be read; nothing once it was."""
        if source in self._read or source in self._told:
            return []
        self._told.add(source)
        goes_on = "; exits that run go on" if source is Source.ROWS else ""
        what = f"{source[0].upper()}{source[1:]}"
        text = f"{what} cannot be read: {why.rstrip('. ')}. Until then Prahari only alerts{goes_on}."
        audit = Audit("not reconciled", {"missing": source, "why": why})
        return [audit, Alert(Urgency.HIGH, f"reconcile:{source.name}", "Prahari only alerts", text)]
