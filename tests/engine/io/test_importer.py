"""Importing a CSV file: whole, once, or with every fault named."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.io.importer import import_csv, summary
from engine.io.stores.sqlite import SqliteStore
from tests.engine.test_trades import ASTRAL, COLUMNS


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return SqliteStore(tmp_path / "trades.sqlite3")


@pytest.fixture
def file(tmp_path):
    """A CSV file with the owner's row."""
    path = tmp_path / "mine.csv"
    path.write_bytes(f"\ufeff{COLUMNS}\r\n{ASTRAL}\r\n".encode())
    return path


async def test_a_file_fills_the_store_and_again_adds_nothing(file, store):
    """The first import adds the row, the second says it is there already."""
    assert summary(await import_csv(file, store)) == "1 row added."
    assert summary(await import_csv(file, store)) == "0 rows added, 1 there already (rows 1)."
    (row,) = await store.open_rows()
    assert (row.strategy_id, row.price_paise) == (3359, 5700)


async def test_a_file_with_one_bad_row_leaves_the_store_empty(file, store):
    """Nothing is half-applied."""
    with file.open("a") as more:
        more.write(ASTRAL.replace("BUY", "HOLD"))
    with pytest.raises(BadInput, match=r"row 2 \(line 3\): action: read 'HOLD'"):
        await import_csv(file, store)
    assert await store.open_rows() == ()


async def test_a_file_that_cannot_be_read_says_why(tmp_path, file, store, monkeypatch):
    """No such file, a directory, other encodings and giants are sentences, not tracebacks."""
    with pytest.raises(BadInput, match="cannot be read"):
        await import_csv(tmp_path / "none.csv", store)
    with pytest.raises(BadInput, match="cannot be read"):
        await import_csv(tmp_path, store)
    file.write_bytes(b"strategy_id,\xe9")
    with pytest.raises(BadInput, match="not UTF-8 text at byte 12"):
        await import_csv(file, store)
    monkeypatch.setattr("engine.io.importer._LARGEST_BYTES", 5)
    with pytest.raises(BadInput, match="larger than 5 bytes"):
        await import_csv(file, store)
