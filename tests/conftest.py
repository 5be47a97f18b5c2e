"""What holds for every test: it says in one sentence what it shows, and a recorded day is replayed once."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.postgres import Database, Postgres


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


class _ByDay(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Sends all tests whose id says ``[on DAY: …]`` to one worker, pictures and the week to one each.

    (``--dist loadgroup`` would do the same by a mark, but pytest 9.2 and xdist 3.8 lose the mark.)
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/pictures/"):
            return "pictures"  # drawn from the same replays
        if nodeid.startswith("tests/weeks/test_week.py"):
            return "week"  # it passes once
        found = re.search(r"\[on ([^:]+):", nodeid)
        return found[1] if found else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByDay:
    """What decides which worker runs which tests."""
    return _ByDay(config, log)


@pytest.fixture(autouse=True)
def _no_log_of_another_test() -> Iterator[None]:
    """A command line run within a test begins the process's log; it must clean no record of the next test."""
    yield
    if (log := sys.modules.get("engine.io.log")) is not None:
        log._process.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The worker's PostgreSQL; its driver is imported by who needs it, because that takes a while."""
    from tests.support.postgres import served  # noqa: PLC0415 - see above

    with served() as server:
        yield server


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """A migrated database for one test."""
    made = await postgres.migrated()
    yield made
    await postgres.drop(made)
