"""Looks at a house that do not wait, for tests that ask again and again until something is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.drawing import picture

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from engine.io.wiring import Wiring
    from engine.view import MonitorView


def view_of(wiring: Wiring) -> MonitorView:
    """An account at this moment, drawn in one piece; while it is down what is said of that."""
    return wiring.see(picture) or at_once(wiring.glance())


def at_once(asked: Coroutine[Any, Any, MonitorView]) -> MonitorView:
    """The answer of somebody who need not wait for anything.

    Raises:
        AssertionError: it waits.
    """
    try:
        asked.send(None)
    except StopIteration as answer:
        view: MonitorView = answer.value
        return view
    raise AssertionError("it waits")
