"""A Supabase of one test, and the monitor's store on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from engine.effects import Alert
from engine.io.stores.supabase import SupabaseStore
from engine.io.stores.supabase_gate import Gate
from engine.words import Secret
from tests.support.clock import VirtualClock
from tests.support.postgres import Database
from tests.support.supabase import House, house_on


class Shop:
    """The store in a house, and what it has told.

    Attributes:
        fence: of the lease that is held; None = none.
    """

    def __init__(self, house: House, key: str = "", *, sees_all: bool = True) -> None:
        self.house, self.clock, self.told = house, VirtualClock(), list[Alert]()
        self.fence: int | None = None
        self.gate = Gate(house.server.url, Secret(key or house.server.keys.secret), sees_all=sees_all)
        self.store = SupabaseStore(self.gate, "default", lambda: self.fence, self.told.append, self.clock)

    @property
    def faults(self):
        return self.house.server.faults

    async def ids(self) -> list[int]:
        """The ids of the open rows."""
        return [row.id for row in await self.store.open_rows()]

    async def look(self) -> list[int]:
        """Both tables once, as the performer reads them; the ids of the open rows."""
        ids = await self.ids()
        await self.store.exit_levels()
        return ids

    async def row(self, row_id: int) -> dict:
        """A row as the database has it."""
        (row,) = await self.house.database.rows("select * from trades where id = $1", row_id)
        return row

    def calls(self, words: str = "") -> list[str]:
        """Paths of the REST calls so far whose text has these words."""
        return [path for _, path, _ in self.house.server.rest.calls if words in path]


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """A server on a migrated database, and its client."""
    async with house_on(database) as made:
        yield made


@pytest.fixture
async def shop(house: House) -> AsyncIterator[Shop]:
    """The store with the secret key."""
    made = Shop(house)
    yield made
    await made.store.close()


@pytest.fixture
async def shop_with(house: House) -> AsyncIterator[Callable[..., Shop]]:
    """Makes the store with another key."""
    made: list[Shop] = []

    def make(key: str, *, sees_all: bool) -> Shop:
        made.append(Shop(house, key, sees_all=sees_all))
        return made[-1]

    yield make
    for each in made:
        await each.store.close()
