"""When to ask again for what has had no effect: soon, then later and later."""

from __future__ import annotations

__all__ = ["Again"]

#: The first pause; each one after it is twice as long, up to the longest.
FIRST_S, LONGEST_S = 5.0, 60.0


class Again:
    """The pauses between the same requests, by name.

    Such requests belong to no exit and count in no exit's budget, so that they must be few by themselves.
    """

    def __init__(self) -> None:
        self._next: dict[str, tuple[float, float]] = {}  # name -> since when it is due again, the pause after

    def due(self, name: str, now_s: float) -> bool:
        """Whether it may be asked for now; if so, that is taken for done."""
        due_s, pause_s = self._next.get(name, (now_s, FIRST_S))
        if now_s < due_s:
            return False
        self._next[name] = now_s + pause_s, min(pause_s * 2, LONGEST_S)
        return True

    def clear(self) -> None:
        """Forget all of it: a day begins."""
        self._next.clear()
