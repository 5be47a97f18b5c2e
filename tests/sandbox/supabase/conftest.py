"""A Supabase of one test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.postgres import Database
from tests.support.supabase import House, house_on


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """A server on a migrated database, and its client."""
    async with house_on(database) as made:
        yield made
