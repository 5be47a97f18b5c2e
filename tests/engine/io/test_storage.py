"""Which store and which lease the settings mean."""

from __future__ import annotations

import pytest

from engine.effects import CloseTrades
from engine.errors import Unreachable
from engine.io.clock import SystemClock
from engine.io.storage import Storage
from engine.settings import Settings

SUPABASE = {"SUPABASE_URL": "http://127.0.0.1:9", "SUPABASE_SECRET_KEY": "sb_secret_canary"}


class Keeper:
    """A lease that is held under this fence; 0 = it is not."""

    fence = 0


def settings(tmp_path, **more):
    """Those of a monitor of a real account."""
    owner = {"DHAN_CLIENT_ID": "1000000001", "DHAN_ACCESS_TOKEN": "a" * 40, "DATA_DIR": str(tmp_path)}
    chat = {"TELEGRAM_BOT_TOKEN": f"1:{'a' * 35}", "TELEGRAM_CHAT_ID": "1", "TELEGRAM_USER_IDS": "1"}
    return Settings.parse(owner | chat | more)


async def test_each_store_has_a_name_of_its_own(tmp_path):
    """What is remembered of rows is of one file or one project."""
    file = Storage(settings(tmp_path))
    project = Storage(settings(tmp_path, **SUPABASE))
    assert file.identity().startswith("sqlite:")
    assert project.identity() == "supabase:http://127.0.0.1:9"
    await project.close()


async def test_who_has_lost_the_lease_writes_no_rows(tmp_path):
    """Without asking: when nobody holds it the database would take them, whoever's they are by now."""
    storage = Storage(settings(tmp_path, **SUPABASE))
    keeper = Keeper()
    store = storage.store("default", keeper, lambda _alert: None, SystemClock(None))
    job = CloseTrades({1: None}, 5.0)
    with pytest.raises(Unreachable, match="not the owner"):
        await store.close_rows(job)
    keeper.fence = 7
    with pytest.raises(Unreachable) as asked:  # nobody is there
        await store.close_rows(job)
    assert "not the owner" not in str(asked.value)
    await storage.close()
