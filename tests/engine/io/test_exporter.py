"""Exporting the trade store: what comes out goes in again."""

from __future__ import annotations

import asyncio
import stat
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.__main__ import main
from engine.book_rows import RowFigures
from engine.effects import CloseTrades, RowPart
from engine.io.exporter import export_csv
from engine.io.importer import import_csv
from engine.io.stores.sqlite import SqliteStore
from engine.model import Side, TradeRow
from engine.row_ends import RowEnd
from engine.trade_cells import CLOSED_STATUSES, EMPTY, OPEN_STATUSES
from tests.engine.io.stores.test_sqlite import SHORT, edit
from tests.engine.test_trades import ASTRAL, AT_S, COLUMNS, PARSED

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(
    lambda word: word == word.strip() and word.lower() not in EMPTY
)
AMOUNTS = st.none() | st.integers(-(10**10), 10**10)
ENDS = st.builds(
    RowEnd,
    price_paise=st.none() | st.integers(0, 10**8),
    at_s=st.none() | st.integers(10**15, 2 * 10**15).map(lambda at_us: at_us / 10**6),
    realised_paise=AMOUNTS,
    charges_paise=AMOUNTS,
    slippage_paise=AMOUNTS,
    line=WORDS,
)
ROWS = st.lists(
    st.builds(
        TradeRow,
        id=st.just(0),
        account=st.sampled_from(["default", "family-2"]),
        strategy_id=st.integers(1, 9_999_999_999),
        symbol=st.sampled_from(["NIFTY", "M&M", "BAJAJ-AUTO", "SENSEX"]),
        strategy=WORDS,
        security_id=st.integers(0, 2**31),
        action=st.sampled_from(Side),
        type=st.sampled_from(["CE", "PE"]),
        strike_price_paise=st.integers(1, 10**8),
        expiry_date=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
        quantity=st.integers(1, 10**6),
        price_paise=st.none() | st.integers(1, 10**8),
        order_id=WORDS,
        order_status=st.sampled_from(sorted(OPEN_STATUSES | CLOSED_STATUSES)),
        timestamp_s=st.integers(1_000_000_000, 2_000_000_000).map(float),
        rule_set=WORDS,
        margin_paise=st.none() | st.integers(1, 10**10),
        end=ENDS,
    ).map(lambda row: replace(row, end=None) if row.order_status in OPEN_STATUSES else row),
    max_size=5,
    unique_by=lambda row: (row.strategy_id, row.order_id, row.timestamp_s, row.security_id),
)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_whatever_is_exported_can_be_imported_and_is_the_same(rows):
    """Open and ended rows, with commas, quotes, line ends and empty cells: all of them come back."""
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(_round_trip(Path(home), rows))


async def _round_trip(home: Path, rows):
    one, two = SqliteStore(home / "one.sqlite3"), SqliteStore(home / "two.sqlite3")
    await one.import_rows(rows)
    for closed in (False, True):
        text, number = await export_csv(one, closed=closed)
        assert number == sum((row.order_status in CLOSED_STATUSES) is closed for row in rows)
        (home / "out.csv").write_text(text, encoding="utf-8", newline="")
        assert len((await import_csv(home / "out.csv", two)).added) == number
        assert not (await import_csv(home / "out.csv", one)).added
    for closed in (False, True):
        first, second = [await store.export_rows(closed=closed) for store in (one, two)]
        assert [row | {"id": 0} for row in first] == [row | {"id": 0} for row in second]
        told = [None if row.end is None else row.end.price_paise for row in rows]
        wanted = [paise for row, paise in zip(rows, told, strict=True) if (row.end is not None) is closed]
        assert [_paise(row["exit_price"]) for row in first] == wanted


def _paise(cell):
    return None if cell is None else int(cell.replace(".", ""))


def test_an_exit_survives_the_trip_with_its_parts(house, capsys):
    """A row of which a part was taken off, and that part with its price: the same cells elsewhere."""
    store = SqliteStore(house / "data" / "trades.sqlite3")
    asyncio.run(store.reduce_rows([RowPart(1, 425, 100, 6105)], AT_S + 90, "P-1"))
    figures = RowFigures(1, "P-1", "P-1/1", whole=False, realised_paise=-131625, charges_paise=4711,
                         slippage_paise=-25)  # fmt: skip
    assert asyncio.run(store.note_exits([figures])) == ()
    for name, more in (("open.csv", []), ("closed.csv", ["--closed"])):
        assert main(["export", *more, "--out", str(house / name)]) == 0
        assert main(["import", str(house / name)]) == 0
        assert "0 rows added" in capsys.readouterr().out
    other = SqliteStore(house / "other.sqlite3")
    for name in ("open.csv", "closed.csv"):
        asyncio.run(import_csv(house / name, other))
    for closed in (False, True):
        assert asyncio.run(other.export_rows(closed=closed)) == asyncio.run(store.export_rows(closed=closed))
    ended = asyncio.run(other.export_rows(closed=True))
    assert [(row["exit_price"], row["realised_pnl"], row["exit_line"]) for row in ended] == [
        ("11.80", None, None), ("61.05", "-1316.25", "P-1/1"),
    ]  # fmt: skip


def test_rows_that_came_from_the_broker_are_exported_too(house, monkeypatch, capsys):
    """They lie in the embedded store; those in Supabase do not, and both tools go there instead."""
    for name, word in (
        ("DHAN_CLIENT_ID", "1000000001"), ("DHAN_ACCESS_TOKEN", "a" * 40),
        ("TELEGRAM_BOT_TOKEN", f"1:{'a' * 35}"),
        ("TELEGRAM_CHAT_ID", "1"), ("TELEGRAM_USER_IDS", "1"), ("SUPABASE_URL", "http://127.0.0.1:9"),
        ("SUPABASE_SECRET_KEY", "sb_secret_canary"), ("TRADES_SOURCE", "broker"),
    ):  # fmt: skip
        monkeypatch.setenv(name, word)
    assert main(["export"]) == 0
    assert "3359,ASTRAL" in capsys.readouterr().out
    monkeypatch.setenv("TRADES_SOURCE", "supabase")
    assert main(["export"]) == 2
    assert "Supabase cannot be reached" in capsys.readouterr().err
    (house / "mine.csv").write_text(f"{COLUMNS}\n{ASTRAL}\n")
    assert main(["import", str(house / "mine.csv")]) == 2
    assert "Supabase cannot be reached" in capsys.readouterr().err


def test_an_exit_that_makes_no_sense_is_named(house, capsys):
    """Row, column, what was read and what was expected; of an open row these cells are nobody's business."""
    text = asyncio.run(export_csv(SqliteStore(house / "data" / "trades.sqlite3"), closed=True))[0]
    (house / "bad.csv").write_text(text.replace("11.80", "-11.80"))
    assert main(["import", str(house / "bad.csv")]) == 2
    assert "exit_price: read '-11.80', expected the exit price in rupees, or empty" in capsys.readouterr().err
    (house / "open.csv").write_text(text.replace("11.80", "-11.80").replace("CLOSED", "TRADED"))
    assert main(["import", str(house / "open.csv")]) == 0


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A directory without a .env, and a DATA_DIR in it with one open row and one that has ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    store = SqliteStore(tmp_path / "data" / "trades.sqlite3")
    asyncio.run(store.import_rows([PARSED, SHORT]))
    asyncio.run(store.close_rows(CloseTrades({2: 1180}, AT_S + 60)))
    return tmp_path


def test_open_rows_come_out_as_the_columns_of_import(house, capsys):
    """The header is the one of docs/trades.md; ended rows are left out."""
    assert main(["export"]) == 0
    assert capsys.readouterr().out == (
        "id,account,strategy_id,symbol,strategy,security_id,action,type,strike_price,expiry_date,quantity,"
        "price,order_id,order_status,timestamp,rule_set,margin\n"
        "1,default,3359,ASTRAL,Long Call,104871,BUY,CE,1500.00,2026-02-24,425,57.00,1001,TRADED,"
        "2026-02-03T09:20:00+05:30,,\n"
    )


def test_ended_rows_come_with_their_exits(house, capsys):
    """--closed tells exit price and moment; the file is the owner's alone and is never written over."""
    out = house / "closed.csv"
    assert main(["export", "--closed", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"1 row written to {out}.\n"
    text = out.read_text()
    assert "CLOSED,2026-02-03T09:20:00+05:30,,,11.80,2026-02-03T09:21:00+05:30,,,," in text
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert main(["export", "--out", str(out)]) == 2
    assert "is there already; nothing was written" in capsys.readouterr().err
    assert out.read_text() == text


def test_a_row_that_nobody_understands_is_exported_as_it_stands(house, capsys):
    """A copy must not depend on the rows being right: import names what is wrong."""
    edit(house / "data" / "trades.sqlite3", "UPDATE trades SET action = 'HOLD', price = NULL WHERE id = 1")
    assert main(["export"]) == 0
    assert ",HOLD,CE,1500.00,2026-02-24,425,,1001,TRADED," in capsys.readouterr().out


def test_exit_levels_come_out_and_go_in_again(house, capsys):
    """The rules' own table makes the trip too."""
    levels = "strategy_id,exit_type,trigger_type,trigger_value\n3359,stop_loss,percentage,50.00\n"
    (house / "levels.csv").write_text(levels)
    assert main(["import", "--exit-levels", str(house / "levels.csv")]) == 0
    assert main(["export", "--exit-levels", "--out", str(house / "again.csv")]) == 0
    assert (house / "again.csv").read_text() == (
        "id,strategy_id,exit_type,level_name,trigger_type,trigger_value,close_percentage,enabled\n"
        "1,3359,stop_loss,primary,percentage,50.00,,1\n"
    )
    assert main(["import", "--exit-levels", str(house / "again.csv")]) == 0
    assert "0 rows added, 0 changed, 1 there already." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["export", "--exit-levels", "--closed"])


def test_a_place_that_cannot_be_written_is_a_sentence(house, capsys):
    """No such directory: status 2, and why."""
    assert main(["export", "--out", str(house / "none" / "open.csv")]) == 2
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


def test_the_help_teaches(capsys):
    """--help has examples and exit codes."""
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    told = capsys.readouterr().out
    assert "exit status:" in told
    assert "python -m engine export --closed --out" in told


def test_a_row_is_the_same_after_the_trip(tmp_path):
    """The one leg of the owner's table, exported and imported elsewhere, is that leg."""
    one, two = SqliteStore(tmp_path / "one.sqlite3"), SqliteStore(tmp_path / "two.sqlite3")
    asyncio.run(one.import_rows([PARSED]))
    (tmp_path / "x.csv").write_text(asyncio.run(export_csv(one, closed=False))[0])
    asyncio.run(import_csv(tmp_path / "x.csv", two))
    assert asyncio.run(two.open_rows()) == (replace(PARSED, id=1),)
