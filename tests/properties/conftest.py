"""What the machine's tests share: thousands of lives log more than anybody reads."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing is logged meanwhile."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def same_dice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis throws the same dice whatever else is loaded.

    It likes to draw the numbers that it finds in the loaded modules of this project, so that what was
    imported before (by which tests came first in this worker) would decide what a derandomized run looks at.
    """
    none = Constants()
    monkeypatch.setattr(providers, "_get_local_constants", lambda: none)
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", LRUCache(1024))
