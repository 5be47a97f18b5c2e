"""How much a house remembers: the sizes of all containers that can be reached from it, by the way to them."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from types import FunctionType, MethodType
from typing import Any

__all__ = ["census"]

#: Not walked into: what every process has once, and numbers and words.
_PLAIN = (str, bytes, int, float, bool, complex, type(None), type, array)


def census(**roots: object) -> Counter[str]:
    """Entries of every container, summed over all containers that are reached by the same way.

    A way is the names of attributes from a root on, with ``[]`` for any element; an object is counted once,
    where it is found first.
    """
    found: Counter[str] = Counter()
    seen: set[int] = set()
    kept: list[object] = []  # else an id may be given again
    waiting = deque(roots.items())
    while waiting:
        way, thing = waiting.popleft()
        if isinstance(thing, _PLAIN) or id(thing) in seen:
            if isinstance(thing, array):
                found[way] += len(thing)
            continue
        seen.add(id(thing))
        kept.append(thing)
        if isinstance(thing, Mapping | AbstractSet | list | tuple | deque):
            found[way] += len(thing)
        waiting.extend(_inside(way, thing))
    return found


def _inside(way: str, thing: Any) -> Iterator[tuple[str, object]]:
    """What hangs on a thing, with its way."""
    if isinstance(thing, Mapping):
        yield from ((f"{way}[]", each) for each in (*thing.values(), *thing.keys()))
    elif isinstance(thing, AbstractSet | list | tuple | deque):
        yield from ((f"{way}[]", each) for each in thing)
    elif isinstance(thing, MethodType):
        yield way, thing.__self__
    elif isinstance(thing, partial):
        yield from ((way, each) for each in (thing.func, *thing.args))
    elif isinstance(thing, FunctionType):
        yield from ((way, cell.cell_contents) for cell in thing.__closure__ or ())
    elif type(thing).__module__.partition(".")[0] in {"engine", "bot"}:
        for name in _names(thing):
            if hasattr(thing, name):
                yield f"{way}.{name}", getattr(thing, name)


def _names(thing: Any) -> Iterator[str]:
    """Its attributes, slots or not; properties are worked out and remember nothing."""
    yield from getattr(thing, "__dict__", {})
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
