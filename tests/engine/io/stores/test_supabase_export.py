"""Rows out of a Supabase project: as they stand, to the paisa, and in again wherever they are wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.book_rows import RowFigures
from engine.effects import CloseTrades
from engine.errors import Declined
from engine.io.exporter import export_csv, export_levels_csv
from engine.io.importer import import_csv, import_levels_csv
from engine.io.stores.sqlite import SqliteStore
from engine.io.stores.supabase_export import SupabaseExport
from tests.engine.test_trades import AT_S


async def test_rows_of_supabase_go_into_an_embedded_store_as_they_were(shop, tmp_path):
    """More than a page of them, open and ended ones apart, each with its exit's columns."""
    ended = await shop.house.put()
    await shop.store.close_rows(CloseTrades({ended: 5460}, AT_S, "e1", {ended: 130}))
    await shop.store.note_exits([RowFigures(ended, "e1", "e1/1", True, -12_345, 2_415, None)])
    for number in range(1_005):
        await shop.house.put(order_id=f"o{number}")
    export = SupabaseExport(shop.gate, shop.clock.now_s)
    text, number = await export_csv(export, closed=False)
    assert number == 1_005
    file = tmp_path / "rows.csv"
    copy = SqliteStore(tmp_path / "trades.sqlite3")
    file.write_text(text)
    await import_csv(file, copy)
    bare = [replace(row, id=0) for row in await shop.store.open_rows()]
    assert [replace(row, id=0) for row in await copy.open_rows()] == bare
    text, number = await export_csv(export, closed=True)
    assert number == 1
    assert ",54.6000," in text
    assert text.strip().endswith(",-123.45,24.15,,e1/1")
    file.write_text(text)
    await import_csv(file, copy)
    (row,) = await copy.export_rows(closed=True)
    assert (row["exit_price"], row["realised_pnl"], row["exit_line"]) == ("54.60", "-123.45", "e1/1")


async def test_exit_levels_go_along(shop, tmp_path):
    """Numbers in full."""
    await shop.house.database.rows(
        "insert into strategy_exit_levels (strategy_id, exit_type, level_name, trigger_type, trigger_value,"
        " close_percentage, enabled) values (3359, 'stop_loss', 'primary', 'percentage', 50.125, 100, true)"
    )
    text, number = await export_levels_csv(SupabaseExport(shop.gate, shop.clock.now_s))
    assert number == 1
    file = tmp_path / "levels.csv"
    file.write_text(text)
    copy = SqliteStore(tmp_path / "trades.sqlite3")
    await import_levels_csv(file, copy)
    (level,) = await copy.exit_levels()
    (there,) = await shop.store.exit_levels()
    assert replace(level, id=0) == replace(there, id=0)


async def test_a_table_that_lacks_a_column_gives_out_nothing_and_says_what_to_do(shop):
    """Half a file would be taken for a whole one."""
    await shop.house.database.rows("alter table trades drop column exit_line")
    await shop.house.database.rows("notify pgrst, 'reload schema'")
    with pytest.raises(Declined, match="a column is missing: apply the files of deploy/supabase/migrations"):
        await export_csv(SupabaseExport(shop.gate, shop.clock.now_s), closed=False)
