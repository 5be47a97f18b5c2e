"""Several accounts on one trade store: each sees its own rows, and stumbles over nobody else's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.errors import BadInput
from engine.io.stores.own_rows import OwnRows, Roll
from engine.io.stores.sqlite import SqliteStore
from engine.model import ExitLevel
from tests.engine.test_trades import PARSED


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path):
    return SqliteStore(tmp_path / "trades.sqlite3")


@pytest.fixture
def houses(store, told):
    """Two accounts that run, beside one that is turned off."""
    roll = Roll(["default", "huf"], ["parents"])
    return [OwnRows(store, name, roll, told.append) for name in ("default", "huf")]


def spoil(tmp_path, row_id, account=None):
    """A row that nobody can read; and another account's name, if given."""
    with closing(sqlite3.connect(tmp_path / "trades.sqlite3")) as other, other:
        other.execute("UPDATE trades SET quantity = -1, account = coalesce(?, account) WHERE id = ?",
                      (account, row_id))  # fmt: skip


async def test_each_account_sees_the_rows_that_name_it(store, houses, told):
    """And no other; nobody is told of anything."""
    await store.import_rows([PARSED, replace(PARSED, account="huf")])
    first, huf = [await house.open_rows() for house in houses]
    assert [row.account for row in (*first, *huf)] == ["default", "huf"]
    assert told == []


async def test_a_bad_row_stops_its_own_account_alone(store, houses, tmp_path):
    """The other one's rows are read as if nothing were wrong."""
    await store.import_rows([PARSED, replace(PARSED, account="huf")])
    spoil(tmp_path, 2)
    default, huf = houses
    assert len(await default.open_rows()) == 1
    with pytest.raises(BadInput, match="trades row 2: quantity"):
        await huf.open_rows()


async def test_rows_that_nobody_runs_are_told_once_by_whoever_sees_them(store, houses, told, tmp_path):
    """Turned off, unknown, or no name at all: each row once, however often and by whom it is seen."""
    accounts = ["parents", "stranger", "huf"]
    await store.import_rows([replace(PARSED, account=name) for name in accounts])
    spoil(tmp_path, 3, "my account")
    for _ in range(2):
        for house in houses:
            assert await house.open_rows() == ()
    assert [alert.title for alert in told] == [
        "Nobody watches account my account", "Nobody watches account parents",
        "Nobody watches account stranger",
    ]  # fmt: skip
    assert "it is turned off in the accounts file" in told[1].text
    assert "the accounts file has no such account" in told[2].text
    await store.import_rows([replace(PARSED, account="stranger", order_id="another")])
    await houses[0].open_rows()
    assert len({alert.topic for alert in told}) == len(told) == 4
    assert "name it: 4." in told[3].text


async def test_levels_of_other_accounts_strategies_are_not_ours(store, houses):
    """A level of a strategy that both have goes to both; one of nobody's is seen by both, who tell of it."""
    await store.import_rows([
        PARSED, replace(PARSED, account="huf"), replace(PARSED, account="huf", strategy_id=7),
    ])  # fmt: skip
    level = ExitLevel(0, PARSED.strategy_id, "stop_loss", "primary", "percentage", Decimal(50), None, True)
    await store.import_levels([level, replace(level, strategy_id=7), replace(level, strategy_id=8)])
    seen = []
    for house in houses:
        await house.open_rows()
        seen.append([each.strategy_id for each in await house.exit_levels()])
    assert seen == [[PARSED.strategy_id, 8], [PARSED.strategy_id, 7, 8]]


async def test_on_supabase_a_bad_row_of_another_account_is_passed_over(shop, house):
    """The mirror knows whose a row is even when nothing else in it can be read."""
    await house.database.rows(
        "insert into trades (account, strategy_id, symbol, action, type, strike_price, expiry_date, quantity,"
        " price, order_status, timestamp)"
        " select account, 1, 'NIFTY', 'BUY', 'PE', 24500, '2026-02-24', 65, 20, status, '2026-02-03 09:20+05'"
        " from (values ('default', 'TRADED'), ('huf', 'PUZZLING')) as rows (account, status)"
    )
    roll = Roll(["default", "huf"])
    assert len(await OwnRows(shop.store, "default", roll, shop.told.append).open_rows()) == 1
    with pytest.raises(BadInput, match="PUZZLING"):
        await OwnRows(shop.store, "huf", roll, shop.told.append).open_rows()
