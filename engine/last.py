"""The last answer of a pure function, given again while it is asked the same.

The trade store is read every half minute and mostly says what it said before: a thousand positions must
not be worked out anew for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, ParamSpec, TypeVar

__all__ = ["Last"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Last(Generic[_P, _T]):
    """Calls a function, unless its arguments are those of the last call.

    Arguments are the same when they are equal; a mapping only when it is the same object: comparing two
    instrument masters takes longer than the work. Nobody may change an argument or an answer in place.

    Args:
        work: a function whose answer depends on its positional arguments alone.
    """

    def __init__(self, work: Callable[_P, _T]) -> None:
        self._work = work
        self._known: tuple[tuple[object, ...], _T] | None = None

    def __call__(self, *asked: _P.args, **none: _P.kwargs) -> _T:
        """What the function says; not called with keywords."""
        if self._known is not None and all(map(_same, asked, self._known[0])):
            return self._known[1]
        answer = self._work(*asked, **none)
        self._known = asked, answer
        return answer


def _same(one: object, other: object) -> bool:
    return one is other or (not isinstance(one, Mapping) and one == other)
