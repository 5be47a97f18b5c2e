"""``python -m engine import``: whole or not at all, and a sentence for every fault."""

from __future__ import annotations

import asyncio
import json

import pytest

from engine.__main__ import main
from engine.io.stores.sqlite import SqliteStore

HEAD = (
    "strategy_id,symbol,strategy,security_id,action,type,strike_price,expiry_date,quantity,price,order_id,"
    "order_status,timestamp\n"
)
GOOD = "3359,NIFTY,Iron Condor,49081,BUY,PE,24500,2026-02-24,65,20.00,1,TRADED,2026-02-03 09:20:00\n"
OTHER = GOOD.replace("49081", "49085").replace(",1,TRADED", ",2,TRADED")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A directory without a .env, and a DATA_DIR in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path


async def stored(house):
    """The rows of the house's trade store."""
    return await SqliteStore(house / "data" / "trades.sqlite3").open_rows()


async def run(house, text, *flags):
    """Import this text; the exit status."""
    (house / "trades.csv").write_text(text, encoding="utf-8")

    return await asyncio.to_thread(main, ["import", str(house / "trades.csv"), *flags])


async def test_an_import_says_what_it_added_and_a_second_one_adds_nothing(house, capsys):
    """Two rows, then the same two rows."""
    assert await run(house, HEAD + GOOD + OTHER) == 0
    assert await run(house, HEAD + GOOD + OTHER) == 0
    assert capsys.readouterr().out == "2 rows added.\n0 rows added, 2 there already (rows 1, 2).\n"
    assert len(await stored(house)) == 2


async def test_an_import_for_machines_names_the_rows_of_the_file(house, capsys):
    """--json lists the numbers of the rows that were added and of those that were there."""
    await run(house, HEAD + GOOD)
    await run(house, HEAD + GOOD + OTHER, "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"added": [2], "already": [1]}


async def test_one_bad_row_keeps_every_row_out(house, capsys):
    """The fault has its line, what was read and what was expected; the good row is not stored."""
    assert await run(house, HEAD + GOOD + OTHER.replace("BUY", "BYE")) == 2
    assert "row 2 (line 3): action: read 'BYE', expected BUY or SELL" in capsys.readouterr().err
    assert await stored(house) == ()


async def test_a_leg_that_stands_twice_in_one_file_is_not_lost_in_silence(house, capsys):
    """Two equal rows may be two lots or a slip: the owner says which."""
    assert await run(house, HEAD + GOOD + GOOD) == 2
    assert "row 2: read the leg of row 1 again" in capsys.readouterr().err
    assert await stored(house) == ()


async def test_a_data_directory_that_cannot_be_made_is_a_sentence(house, capsys, monkeypatch):
    """DATA_DIR names a file: the setting is named, no traceback."""
    monkeypatch.setenv("DATA_DIR", str(house / "trades.csv"))
    assert await run(house, HEAD + GOOD) == 2
    assert "DATA_DIR" in capsys.readouterr().err
