"""The embedded trade store: whole imports, honest answers, nothing lost between runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from engine.book_rows import RowFigures
from engine.effects import CloseTrades, RowPart
from engine.errors import BadInput, Unreachable
from engine.io.stores.exit_levels import LevelReport
from engine.io.stores.sqlite import SqliteStore
from engine.model import ExitLevel, Side
from tests.engine.test_trades import AT_S, PARSED

SHORT = replace(PARSED, id=2, security_id=104900, action=Side.SELL, price_paise=1205, order_id="1002")


@pytest.fixture
def path(tmp_path):
    """Where the store of this test lives."""
    return tmp_path / "data" / "trades.sqlite3"


@pytest.fixture
def store(path):
    """An empty store."""
    return SqliteStore(path)


def edit(path, statement: str, *values) -> None:
    """What the owner does by hand with another tool."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(statement, values)


async def test_rows_come_back_as_they_went_in(path, store):
    """Import, restart, read: every column survives to the paisa and the second."""
    rows = (
        replace(PARSED, timestamp_s=AT_S + 0.25),
        SHORT,
        replace(PARSED, account="family", price_paise=None),
        replace(PARSED, order_id="1004", rule_set="aggressive_profits", margin_paise=6_432_105),
    )
    assert (await store.import_rows(rows)).added == rows
    found = await SqliteStore(path).open_rows()
    assert [replace(row, id=0) for row in found] == [replace(row, id=0) for row in rows]
    assert len({row.id for row in found}) == 4


async def test_what_is_read_again_as_it_was_is_the_same_answer(path, store, monkeypatch):
    """The very object, rows and levels alike, so that nobody has to look at it; no row is parsed for it."""
    await store.import_rows([PARSED, SHORT])
    await store.import_levels([ExitLevel(0, 101, "stop_loss", "primary", "percentage", Decimal(-30), None)])
    rows, levels = await store.open_rows(), await store.exit_levels()
    monkeypatch.setattr("engine.io.stores.trade_rows.parse_row", None)
    monkeypatch.setattr("engine.io.stores.exit_levels.read_level", None)
    edit(path, "UPDATE trades SET price = price")  # written, not changed
    assert await store.open_rows() is rows
    assert await store.exit_levels() is levels


_EDITS = {
    "quantity = 130": lambda row: replace(row, quantity=130),
    "quantity = '130'": lambda row: replace(row, quantity=130),  # text in a column of numbers is a number
    "strategy = 'other'": lambda row: replace(row, strategy="other"),
    "price = NULL": lambda row: replace(row, price_paise=None),
}


@pytest.mark.parametrize("edited", _EDITS)
async def test_only_a_row_that_has_changed_is_understood_anew(path, store, edited):
    """The other one stays the object it was; the changed one says what it says now, and back again."""
    await store.import_rows([PARSED, SHORT])
    one, other = await store.open_rows()
    edit(path, f"UPDATE trades SET {edited} WHERE id = 1")  # noqa: S608 - a constant above
    changed, still = await store.open_rows()
    assert still is other
    assert changed == _EDITS[edited](one)
    was = (one.quantity, one.strategy, f"{one.price_paise / 100:.2f}")
    edit(path, "UPDATE trades SET quantity = ?, strategy = ?, price = ? WHERE id = 1", *was)
    assert await store.open_rows() == (one, other)


async def test_a_row_that_went_and_came_back_and_one_that_is_broken_are_seen(path, store):
    """Closed it is missing, opened again it is there; a word nobody knows is a fault until it is mended."""
    await store.import_rows([PARSED, SHORT])
    both = await store.open_rows()
    edit(path, "UPDATE trades SET order_status = 'CLOSED' WHERE id = 1")
    assert await store.open_rows() == both[1:]
    edit(path, "UPDATE trades SET order_status = 'OPEN', action = 'HOLD' WHERE id = 1")
    for _ in range(2):
        with pytest.raises(BadInput, match="HOLD"):
            await store.open_rows()
    edit(path, "UPDATE trades SET action = ? WHERE id = 1", str(PARSED.action))
    assert [replace(row, order_status="") for row in await store.open_rows()] == [
        replace(row, order_status="") for row in both
    ]


async def test_a_column_that_is_named_as_it_should_be_is_read_from_then_on(path, store):
    """Rows are not taken for those that they were, though all other cells are alike."""
    await store.import_rows([replace(PARSED, rule_set="aggressive_profits")])
    edit(path, "ALTER TABLE trades RENAME COLUMN rule_set TO rule_sets")
    assert (await store.open_rows())[0].rule_set == ""
    edit(path, "ALTER TABLE trades RENAME COLUMN rule_sets TO rule_set")
    assert (await store.open_rows())[0].rule_set == "aggressive_profits"


async def test_an_empty_store_is_an_answer(store):
    """A store that was read and has no open rows says so with an empty list."""
    assert await store.open_rows() == ()


async def test_importing_again_adds_nothing_and_reports_it(store):
    """The same order, strategy, contract and moment twice is one leg, in one file or in two."""
    report = await store.import_rows([PARSED, SHORT, PARSED])
    assert (report.added, report.already) == ((PARSED, SHORT), (PARSED,))
    more = replace(SHORT, id=3, order_id="1003")
    report = await store.import_rows([PARSED, more])
    assert (report.added, report.already) == ((more,), (PARSED,))
    assert len(await store.open_rows()) == 3


async def test_an_import_that_contradicts_the_store_changes_nothing(store):
    """The same order with another quantity is a question for the owner, not a second leg."""
    await store.import_rows([PARSED])
    with pytest.raises(BadInput) as caught:
        await store.import_rows([SHORT, replace(PARSED, id=9, quantity=850, price_paise=1)])
    first, second = str(caught.value).split("\n")
    assert first.startswith("row 9: order 1001 of strategy 3359 is stored already (trades row 1)")
    assert "with quantity 425, read 850" in first
    assert "price_paise" in second
    assert len(await store.open_rows()) == 1


async def test_closing_is_idempotent_and_survives_a_second_import(path, store):
    """A closed row keeps its first exit price, leaves the open rows, and is not opened by importing again."""
    await store.import_rows([PARSED, SHORT])
    await store.close_rows(CloseTrades({1: 5460, 77: 1}, AT_S + 60))
    await store.close_rows(CloseTrades({1: 9999}, AT_S + 120))
    assert [row.id for row in await store.open_rows()] == [2]
    report = await store.import_rows([PARSED])
    assert report.already == (PARSED,)
    assert [row.id for row in await store.open_rows()] == [2]
    with closing(sqlite3.connect(path)) as other:
        cells = other.execute(
            "SELECT order_status, exit_price, closed_at FROM trades WHERE id = 1"
        ).fetchone()
    assert cells == ("CLOSED", "54.60", "2026-02-03T09:21:00+05:30")


async def test_a_part_taken_off_a_row_becomes_a_closed_row_of_its_own_once(path, store):
    """425 units become 300 open and 125 closed, also when it is written again or the row was changed."""
    await store.import_rows([PARSED, SHORT])
    part = RowPart(1, 425, 300, 5460)
    for _ in range(2):
        await store.reduce_rows(
            [part, RowPart(2, 1, 0, None), RowPart(77, 5, 1, None)], AT_S + 60, "260203001"
        )
    assert [(row.id, row.quantity) for row in await store.open_rows()] == [(1, 300), (2, SHORT.quantity)]
    with closing(sqlite3.connect(path)) as other:
        (cells,) = other.execute(
            "SELECT quantity, price, order_id, exit_price, closed_at FROM trades "
            "WHERE order_status = 'CLOSED'"
        ).fetchall()
    assert cells == (125, "57.00", "1001/260203001", "54.60", "2026-02-03T09:21:00+05:30")


async def test_importing_again_after_a_part_was_closed_changes_nothing(store):
    """The file still says 425: those are the 300 that are open and the 125 that are not."""
    await store.import_rows([PARSED])
    await store.reduce_rows([RowPart(1, 425, 300, 5460)], AT_S + 60, "260203001")
    await store.reduce_rows([RowPart(1, 300, 200, 5500)], AT_S + 90, "260203002")
    report = await store.import_rows([PARSED])
    assert report.already == (PARSED,)
    assert [row.quantity for row in await store.open_rows()] == [200]
    with pytest.raises(BadInput, match="with quantity 425, read 500"):
        await store.import_rows([replace(PARSED, quantity=500)])


async def test_rows_edited_by_hand_are_checked_and_every_bad_one_is_named(path, store):
    """An unknown status or a broken cell raises instead of losing the leg quietly."""
    await store.import_rows([PARSED, SHORT, replace(SHORT, order_id="3")])
    edit(path, "UPDATE trades SET order_status = 'gone?' WHERE id = 1")
    edit(path, "UPDATE trades SET quantity = 'many' WHERE id = 2")
    with pytest.raises(BadInput) as caught:
        await store.open_rows()
    first, second = str(caught.value).split("\n")
    assert first.startswith("trades row 1: order_status: read 'gone?'")
    assert second.startswith("trades row 2: quantity: read 'many'")
    edit(path, "UPDATE trades SET order_status = ' closed ' WHERE id = 1")
    edit(path, "UPDATE trades SET quantity = 425.0, expiry_date = '24/02/2026' WHERE id = 2")
    rows = await store.open_rows()
    assert [(row.id, row.quantity, row.expiry_date) for row in rows] == [
        (2, 425, date(2026, 2, 24)),
        (3, 425, date(2026, 2, 24)),
    ]


async def test_a_file_that_went_away_is_an_error_and_never_an_empty_answer(path, store):
    """A vanished file, a lost table and a file of rubbish all raise: empty would mean flat."""
    await store.import_rows([PARSED])
    edit(path, "DROP TABLE trades")
    with pytest.raises(Unreachable, match="no such table"):
        await store.open_rows()
    path.unlink()
    with pytest.raises(Unreachable, match="unable to open"):
        await store.open_rows()
    with pytest.raises(Unreachable):
        await store.close_rows(CloseTrades({1: 1}, AT_S))
    assert not path.exists()
    path.write_text("this is not a database at all " * 100)
    with pytest.raises(Unreachable, match="not a database"):
        SqliteStore(path)
    with pytest.raises(Unreachable, match="cannot be opened"):
        SqliteStore(path.parent)


async def test_another_programs_lock_is_an_error_in_the_end(path, store, monkeypatch):
    """While somebody else holds the file for writing, closing raises and reading still works."""
    await store.import_rows([PARSED])
    monkeypatch.setattr("engine.io.stores.sqlite._LOCK_WAIT_S", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match="locked"):
            await store.close_rows(CloseTrades({1: 1}, AT_S))
        assert len(await store.open_rows()) == 1
    await store.close_rows(CloseTrades({1: 1}, AT_S))
    assert await store.open_rows() == ()


async def test_a_store_from_before_there_were_sets_gains_the_column(path, store):
    """Opening it adds the column; its rows stay, and an owner may tag them."""
    await store.import_rows([PARSED])
    edit(path, "ALTER TABLE trades DROP COLUMN rule_set")
    again = SqliteStore(path)
    assert [row.rule_set for row in await again.open_rows()] == [""]
    edit(path, "UPDATE trades SET rule_set = 'aggressive_profits'")
    assert [row.rule_set for row in await again.open_rows()] == ["aggressive_profits"]
    with pytest.raises(BadInput, match="with rule_set aggressive_profits, read default"):
        await again.import_rows([replace(PARSED, rule_set="default")])


OLD_SCHEMA = """
CREATE TABLE trades (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL DEFAULT 'default',
    strategy_id INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL DEFAULT '',
    security_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    type TEXT NOT NULL,
    strike_price TEXT,
    expiry_date TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    price TEXT,
    order_id TEXT NOT NULL DEFAULT '',
    order_status TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    exit_price TEXT,
    closed_at TEXT
);
CREATE UNIQUE INDEX trades_once ON trades (account, strategy_id, security_id, order_id, timestamp);
INSERT INTO trades VALUES (
    7, 'default', 3359, 'ASTRAL', 'Long Call', 104871, 'BUY', 'CE', '1500.00', '2026-02-24', 425, '57.00',
    '1001', 'TRADED', '2026-02-03T09:20:00+05:30', NULL, NULL
);
"""


async def test_a_store_of_the_first_version_gains_what_it_lacks_and_keeps_its_rows(path):
    """A file with the schema of then opens, and its rows can be given a margin and a set."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(OLD_SCHEMA)
    for _ in range(2):
        assert await SqliteStore(path).open_rows() == (replace(PARSED, id=7),)
    edit(path, "UPDATE trades SET margin = '64,321.05', rule_set = 'conservative_losses'")
    (row,) = await SqliteStore(path).open_rows()
    assert (row.margin_paise, row.rule_set) == (6_432_105, "conservative_losses")
    assert await SqliteStore(path).note_exits([figures(7)]) == ()


async def test_a_part_takes_its_share_of_the_margin_along_and_nothing_of_it_is_lost(path, store):
    """One of three units goes with a third of the margin; the odd paisa goes with the part."""
    row = replace(PARSED, quantity=3, margin_paise=100_00, rule_set="aggressive_profits")
    await store.import_rows([row])
    await store.reduce_rows([RowPart(1, 3, 2, 5460)], AT_S + 60, "260203001")
    (left,) = await store.open_rows()
    assert (left.quantity, left.margin_paise, left.rule_set) == (2, 66_66, "aggressive_profits")
    assert left == replace(row, id=1).after_part(2)
    with closing(sqlite3.connect(path)) as other:
        cells = other.execute("SELECT margin, rule_set FROM trades WHERE order_status = 'CLOSED'").fetchall()
    assert cells == [("33.34", "aggressive_profits")]
    assert (await store.import_rows([row])).already == (row,)


async def test_a_margin_that_cannot_be_read_is_not_touched_by_a_part(path, store):
    """What the owner wrote stays, to be complained of when it is read."""
    await store.import_rows([PARSED])
    edit(path, "UPDATE trades SET margin = 'about a lakh'")
    await store.reduce_rows([RowPart(1, 425, 300, 5460)], AT_S + 60, "260203001")
    with pytest.raises(BadInput, match="trades row 1: margin: read 'about a lakh', expected the margin"):
        await store.open_rows()


async def test_a_file_without_a_margin_or_a_set_says_nothing_against_those_that_are_stored(path, store):
    """Importing the same rows again without these columns is no contradiction; another margin is."""
    await store.import_rows([replace(PARSED, margin_paise=6_432_105, rule_set="aggressive_profits")])
    assert (await store.import_rows([PARSED])).already == (PARSED,)
    assert [row.margin_paise for row in await store.open_rows()] == [6_432_105]
    with pytest.raises(BadInput, match="with margin_paise 6432105, read 1"):
        await store.import_rows([replace(PARSED, margin_paise=1)])


STOP = ExitLevel(1, 3359, "stop_loss", "primary", "percentage", Decimal("50.00"))
STEP = ExitLevel(
    2, 3359, "profit_target", "scaling_25", "percentage", Decimal("25.5"), Decimal(40), enabled=False
)


async def test_exit_levels_come_back_as_they_went_in(path, store):
    """Import, restart, read: every column survives exactly."""
    assert await store.import_levels([STOP, STEP]) == LevelReport(2, 0, 0)
    assert await SqliteStore(path).exit_levels() == (STOP, STEP)


async def test_importing_an_exit_level_again_changes_it(store):
    """The same strategy, exit type, level and trigger is the same row, with its newest value."""
    await store.import_levels([STOP])
    tighter = replace(STOP, value=Decimal(40))
    assert await store.import_levels([tighter, STEP]) == LevelReport(1, 1, 0)
    assert await store.import_levels([tighter, STEP]) == LevelReport(0, 0, 2)
    assert await store.exit_levels() == (tighter, STEP)


async def test_an_exit_level_spoilt_by_hand_says_so_and_hides_no_other(path, store):
    """The owner's tool writes anything; one bad row is one row."""
    await store.import_levels([STOP, STEP])
    edit(path, "UPDATE strategy_exit_levels SET trigger_value = 'half' WHERE id = 1")
    spoilt, whole = await store.exit_levels()
    assert spoilt.fault.startswith("trigger_value: read 'half', expected a number")
    assert (spoilt.strategy_id, whole) == (3359, STEP)


async def test_a_store_without_its_exit_levels_is_an_error(path, store):
    """A table that has gone is not an empty one."""
    edit(path, "DROP TABLE strategy_exit_levels")
    with pytest.raises(Unreachable, match="no such table"):
        await store.exit_levels()
    assert await SqliteStore(path).exit_levels() == ()


def figures(row_id, line="260203001/1", *, whole=True, realised=-3_05):
    """What an exit made of a row, in short."""
    return RowFigures(row_id, line.partition("/")[0], line, whole, realised, 24_15, None)


def noted(path, row_id):
    """What a row says of its exit."""
    with closing(sqlite3.connect(path)) as other:
        return other.execute(
            "SELECT realised_pnl, exit_charges, exit_slippage, exit_line FROM trades WHERE id = ?", (row_id,)
        ).fetchone()


async def test_a_row_says_what_its_exit_made_and_the_owner_s_correction_stays(path, store):
    """Rupees with their sign, null for what is unknown; the same line again changes nothing."""
    await store.import_rows([PARSED, SHORT])
    assert await store.note_exits([figures(1), figures(77)]) == (figures(77),)
    assert noted(path, 1) == ("-3.05", "24.15", None, "260203001/1")
    assert noted(path, 2) == (None, None, None, None)
    edit(path, "UPDATE trades SET exit_charges = '25.00'")
    assert await store.note_exits([figures(1)]) == ()
    assert noted(path, 1)[1] == "25.00"
    await store.note_exits([figures(1, "260203001/2", realised=None)])
    assert noted(path, 1) == (None, "24.15", None, "260203001/2")


async def test_what_a_part_made_stands_in_the_part_s_own_row(path, store):
    """Until the part is there its figures come back; the row that stays says nothing of it."""
    await store.import_rows([PARSED, replace(PARSED, account="family")])
    part = figures(2, whole=False)
    assert await store.note_exits([part]) == (part,)
    await store.reduce_rows([RowPart(1, 425, 300, 5460), RowPart(2, 425, 300, 5460)], AT_S, "260203001")
    assert await store.note_exits([part]) == ()
    assert noted(path, 4) == ("-3.05", "24.15", None, "260203001/1")
    assert noted(path, 1) == noted(path, 2) == noted(path, 3) == (None, None, None, None)


BARE = tuple(
    replace(PARSED, id=number, security_id=0, order_id="", type=kind, strike_price_paise=strike)
    for number, (kind, strike) in enumerate((("CE", 2530000), ("PE", 2530000), ("CE", 2550000)), start=1)
)


async def test_legs_without_security_ids_are_told_apart_by_their_contract(store):
    """Three legs entered at one moment under no order id are three rows, and again none."""
    assert (await store.import_rows(BARE)).added == BARE
    assert len((await store.import_rows(BARE)).already) == 3
    assert [row.security_id for row in await store.open_rows()] == [0, 0, 0]


@pytest.mark.parametrize(("first", "second"), [(0, 104871), (104871, 0)])
async def test_a_leg_is_the_same_with_and_without_its_security_id(store, first, second):
    """A file that has learnt the ids, or lost them, doubles nothing."""
    one = replace(BARE[0], security_id=first)
    await store.import_rows([one])
    assert (await store.import_rows([replace(one, security_id=second)])).added == ()
    assert len(await store.open_rows()) == 1


async def test_parts_of_legs_without_ids_are_not_mixed_up(path, store):
    """A part taken off one leg is not counted to its neighbours of the same moment."""
    await store.import_rows(BARE)
    one = (await store.open_rows())[0]
    half = one.quantity // 2
    await store.reduce_rows([RowPart(one.id, one.quantity, one.quantity - half, 100)], AT_S, "x1")
    assert len((await store.import_rows(BARE)).already) == 3
    figures = [RowFigures(row.id, "x1", "x1/1", False, 1, 2, 3) for row in await store.open_rows()]
    assert [missing.row_id for missing in await store.note_exits(figures)] == [2, 3]


async def test_a_store_with_the_older_key_takes_rows_without_ids(path, store):
    """A file of the version before has an index that would see one leg in them."""
    edit(path, "DROP INDEX trades_once_by_contract")
    edit(
        path,
        "CREATE UNIQUE INDEX trades_once ON trades (account, strategy_id, security_id, order_id, timestamp)",
    )
    assert len((await SqliteStore(path).import_rows(BARE)).added) == 3


async def test_one_leg_twice_in_a_file_is_refused_also_when_one_lacks_the_id(store):
    """One of the two is a slip, and which one only the owner knows."""
    twice = [BARE[0], replace(BARE[0], id=9, security_id=104871, quantity=850)]
    with pytest.raises(BadInput, match="row 9: read the leg of row 1 again"):
        await store.import_rows(twice)
    assert await store.open_rows() == ()


def test_a_file_keeps_its_name_and_a_new_one_has_another(tmp_path):
    """Ids of rows mean something in one file alone."""
    one = SqliteStore(tmp_path / "one.sqlite3").identity()
    assert SqliteStore(tmp_path / "one.sqlite3").identity() == one
    (tmp_path / "one.sqlite3").unlink()
    assert SqliteStore(tmp_path / "one.sqlite3").identity() != one
