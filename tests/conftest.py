"""What holds for every test: it says in one sentence what it shows."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test without its sentence: the report of a failure should be readable as a story.

    Raises:
        pytest.UsageError: names every test that has none.
    """
    mute = {item.nodeid.split("[")[0] for item in items if not _sentence(item)}
    if mute:
        raise pytest.UsageError(
            "a test says in one sentence what it shows; add it to: " + ", ".join(sorted(mute))
        )


def _sentence(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    return (getattr(function, "__doc__", None) or "").strip()
