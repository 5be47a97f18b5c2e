"""The day's digest: what a session came to, told once after its close, through restarts too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.charts import CurveChart, Scope, Wanted
from engine.effects import Digest, Record
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.effects import Effect
    from engine.monitor import Monitor

__all__ = ["Digests"]


class Digests:
    """Which day was told last."""

    def __init__(self) -> None:
        self._told = ""

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal knows."""
        self._told = rows.get("last", {}).get("date", "")

    def look(self, monitor: Monitor, now_s: float) -> list[Effect]:
        """Tell of today's session once it is over; a day of which nothing was seen is not told."""
        today = ist_date(now_s)
        if self._told == today.isoformat() or not monitor.helm.calendar.is_over(now_s):
            return []
        days = Wanted(Scope.DAY)(monitor, now_s)
        day = next((chart for chart in days if isinstance(chart, CurveChart) and chart.day == today), None)
        if day is None:
            return []
        self._told = today.isoformat()
        spans = (Wanted(scope)(monitor, now_s) for scope in (Scope.WEEK, Scope.MONTH))
        return [
            Record("digest", "last", {"date": self._told}),
            Digest(day, tuple(chart for found in spans for chart in found)),
        ]
