"""Rounds over all positions, a few at each beat, so that a thousand hold the loop no longer than ten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Rounds"]

_T = TypeVar("_T")


class Rounds(Generic[_T]):
    """Whose turn it is.

    Args:
        all_now: everybody at this moment; asked when a round begins.
        every_s: rounds begin no closer than this; one that takes longer begins again when it is over.
        at_once: so many have their turn at each beat.

    Attributes:
        ended: with the last beat everybody has had their turn.
    """

    def __init__(self, all_now: Callable[[], Iterable[_T]], every_s: float, at_once: int) -> None:
        self._all_now = all_now
        self._every_s = every_s
        self._at_once = at_once
        self._begun_s = 0.0
        self._left: list[_T] = []
        self.ended = False

    def drop(self) -> None:
        """Begin anew with the next beat: whose turn is still to come does not have it any more."""
        self._left, self._begun_s, self.ended = [], 0.0, False

    def next(self, now_s: float) -> list[_T]:
        """Who has their turn at this beat; some may be gone since the round began."""
        begins = not self._left and now_s - self._begun_s >= self._every_s
        if begins:
            self._begun_s = now_s
            self._left = list(self._all_now())
        turn, self._left = self._left[: self._at_once], self._left[self._at_once :]
        self.ended = (begins or bool(turn)) and not self._left
        return turn
