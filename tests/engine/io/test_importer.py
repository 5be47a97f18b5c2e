"""Importing a CSV file: whole, once, or with every fault named."""

from __future__ import annotations

import json

import pytest

from engine.__main__ import main
from engine.errors import BadInput
from engine.io.importer import import_csv, import_levels_csv, levels_summary, summary
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


async def test_what_rules_need_beside_the_leg_is_imported_too(file, store):
    """The margin blocked at entry and the set a position is tagged with arrive in the store."""
    file.write_text(f'{COLUMNS},margin,rule_set\n{ASTRAL},"1,64,321.05",conservative_losses\n')
    await import_csv(file, store)
    (row,) = await store.open_rows()
    assert (row.margin_paise, row.rule_set) == (16_432_105, "conservative_losses")


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


LEVELS = (
    "strategy_id,exit_type,level_name,trigger_type,trigger_value\n3359,stop_loss,primary,percentage,50.00\n"
)


async def test_exit_levels_fill_the_store_whole_or_not_at_all(tmp_path, store):
    """A good file is taken and may be changed by a second one; one bad row takes the file down."""
    path = tmp_path / "levels.csv"
    path.write_text(LEVELS)
    said = levels_summary(await import_levels_csv(path, store))
    assert said == "strategy_exit_levels: 1 row added, 0 changed, 0 there already."
    path.write_text(LEVELS.replace("50.00", "40") + "3359,stop_loss,primary,price,0\n")
    with pytest.raises(
        BadInput, match="row 2: trigger_value: read 0, that is stop_loss_rupees = 0, expected"
    ):
        await import_levels_csv(path, store)
    (level,) = await store.exit_levels()
    assert level.value == 50


def test_the_import_tool_takes_either_file_or_both(tmp_path, file, monkeypatch, capsys):
    """And says what it did, in words or in JSON; without any file it says what it expected."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    levels = tmp_path / "levels.csv"
    levels.write_text(LEVELS)
    assert main(["import", str(file), "--exit-levels", str(levels)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 row added.", "strategy_exit_levels: 1 row added, 0 changed, 0 there already.",
    ]  # fmt: skip
    assert main(["import", str(file), "--exit-levels", str(levels), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "added": [], "already": [1], "exit_levels": {"added": 0, "changed": 0, "already": 1},
    }  # fmt: skip
    assert main(["import"]) == 2
    assert "expected FILE.csv, --exit-levels FILE.csv, or both" in capsys.readouterr().err
