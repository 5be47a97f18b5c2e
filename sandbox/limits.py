"""Dhan's rate limits per class of call, counted over sliding windows."""

from __future__ import annotations

from collections import deque
from enum import StrEnum


class Group(StrEnum):
    """Classes that Dhan counts separately."""

    ORDER = "order"
    DATA = "data"
    QUOTE = "quote"
    OTHER = "other"
    FREE = "free"


_LIMITS: dict[Group, tuple[tuple[int, float], ...]] = {
    Group.ORDER: ((10, 1.0), (250, 60.0), (1_000, 3_600.0), (7_000, 86_400.0)),
    Group.DATA: ((5, 1.0), (100_000, 86_400.0)),
    Group.QUOTE: ((1, 1.0),),
    Group.OTHER: ((20, 1.0),),
    Group.FREE: (),
}
OPTION_CHAIN_S = 3.0


class RateLimits:
    """One user's calls of the day. Set ``enforced`` to False to let everything pass."""

    def __init__(self) -> None:
        """Nothing was called yet."""
        self.enforced = True
        self._calls: dict[tuple[str, Group], deque[float]] = {}
        self._chains: dict[tuple[str, str], float] = {}

    def allow(self, client_id: str, group: Group, now_s: float) -> bool:
        """Count a call; False when it is one too many (it then does not count)."""
        limits = _LIMITS[group]
        if not limits or not self.enforced:
            return True
        calls = self._calls.setdefault((client_id, group), deque())
        longest = limits[-1]
        while calls and calls[0] <= now_s - longest[1]:
            calls.popleft()
        for most, window_s in limits:
            if len(calls) >= most and calls[-most] > now_s - window_s:
                return False
        calls.append(now_s)
        return True

    def spend(self, client_id: str, group: Group, calls: int, now_s: float) -> None:
        """Another tool of the same user has just made so many calls."""
        self._calls.setdefault((client_id, group), deque()).extend([now_s] * calls)

    def allow_chain(self, client_id: str, request: str, now_s: float) -> bool:
        """An option chain may be asked once in three seconds per distinct request."""
        asked = client_id, request
        if self.enforced and now_s - self._chains.get(asked, float("-inf")) < OPTION_CHAIN_S:
            return False
        self._chains[asked] = now_s
        return True
