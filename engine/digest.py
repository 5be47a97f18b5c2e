"""The day's digest: what a session came to, told once after its close, through restarts too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.charts import CurveChart, Scope, Wanted
from engine.effects import Audit, Digest, Record
from engine.model import Mode
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.effects import Effect
    from engine.monitor import Monitor

__all__ = ["Digests"]

#: So long after the close the digest waits for the books; a monitor at rest reads them once in that time.
READ_WITHIN_S = 420.0


class Digests:
    """Which day was told last."""

    def __init__(self) -> None:
        self._told = ""

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal knows."""
        self._told = rows.get("last", {}).get("date", "")

    def look(self, monitor: Monitor, now_s: float) -> list[Effect]:
        """Tell of today's session once it is over and the books are read; not of one that nobody saw."""
        today = ist_date(now_s)
        if self._told == today.isoformat() or not monitor.helm.calendar.is_over(now_s):
            return []
        days = Wanted(Scope.DAY)(monitor, now_s)
        books = _books(monitor, monitor.helm.calendar.session(today).close_s, now_s)
        if books is None:
            return []
        day = next((chart for chart in days if isinstance(chart, CurveChart) and chart.day == today), None)
        if day is None:
            return []
        self._told = today.isoformat()
        spans = (Wanted(scope)(monitor, now_s) for scope in (Scope.WEEK, Scope.MONTH))
        return [
            Record("digest", "last", {"date": self._told}),
            Audit("session over", {"day": self._told, "books": books}),
            Digest(day, tuple(chart for found in spans for chart in found), books),
        ]


def _books(monitor: Monitor, close_s: float, now_s: float) -> str | None:
    """Whether store and broker agree by what was read since the close; None = that is still to come."""
    if monitor.helm.mode is Mode.SIMULATE:
        return ""
    report = monitor.desk.blotter.ledger.report
    if report is None or report.began_s < close_s or not monitor.holdings.known:
        late = now_s - close_s >= READ_WITHIN_S
        return "The books have not been read since the close." if late else None
    held = monitor.holdings.positions.values()
    differing = [str(each.strategy_id) for each in held if monitor.helm.differences.told(each.id)]
    if not differing:
        return "Trade store and broker agree."
    return f"Trade store and broker differ in {', '.join(differing)}."
