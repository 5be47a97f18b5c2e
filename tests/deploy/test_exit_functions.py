"""What an exit writes to the database: compared with what was seen, done once, told in the audit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest

from tests.deploy.conftest import call_on
from tests.support.legacy import LEGACY
from tests.support.postgres import HOSTED, Database, migrations

_AT = datetime(2026, 2, 3, 5, tzinfo=UTC)
_INSERT = """
insert into trades (account, strategy_id, symbol, security_id, action, type, strike_price, expiry_date,
                    quantity, price, order_id, order_status, margin)
values ('default', 3359, 'NIFTY', $1, 'BUY', 'PE', 24500, '2026-02-24', 195, 20.05, $2, 'TRADED', 1000.00)
returning id
"""


@pytest.fixture
async def row(database: Database) -> int:
    """The id of an open row of 195 units at version 1."""
    (made,) = await database.rows(_INSERT, 49081, "1")
    return int(made["id"])


def close(call, *rows, exit_id="P-1", account="default"):
    return call("close_trades", account=account, fence=None, exit_id=exit_id, closed_at=_AT, rows=list(rows))


def reduce(call, *parts, exit_id="P-1"):
    return call(
        "reduce_trades", account="default", fence=None, exit_id=exit_id, closed_at=_AT, parts=list(parts)
    )


async def test_version_and_moment_grow_with_every_change(database, row):
    """Whoever changes a row, and whatever they write there, version goes up by one and updated_at is now."""
    seen = []
    for change in ("quantity = 65", "version = 99, updated_at = '2020-01-01'", "symbol = symbol"):
        (after,) = await database.rows(
            f"update trades set {change} where id = $1 returning version, updated_at, now()",  # noqa: S608
            row,
        )
        seen.append(after["version"])
        assert after["updated_at"] >= after["now"]
    assert seen == [2, 3, 4]
    (made,) = await database.rows(
        "insert into engine_heartbeats (id, version) values ('x', 7) returning version"
    )
    assert made["version"] == 1


async def test_rows_are_closed_with_price_moment_and_exit(call, database, row):
    """A row that is as it was seen becomes CLOSED; the answer has its new version, the audit who did it."""
    answer = await close(call, {"id": row, "quantity": 195, "version": 1, "exit_price": "20.1234"})
    assert [(each["id"], each["version"]) for each in answer["done"]] == [(row, 2)]
    (after,) = await database.rows(
        "select order_status, exit_price, closed_at, exit_id, quantity from trades"
    )
    assert after == {
        "order_status": "CLOSED", "exit_price": Decimal("20.1234"), "closed_at": _AT, "exit_id": "P-1",
        "quantity": 195,
    }  # fmt: skip
    (told,) = await database.rows(
        "select actor, kind, ref, detail->'answer'->'done'->0->>'id' as id from audit"
    )
    assert told == {"actor": "engine", "kind": "trades closed", "ref": "P-1", "id": str(row)}


async def test_closing_again_changes_nothing(call, database, row):
    """The same call after a lost answer tells the row as closed already, and it keeps its version."""
    wish = {"id": row, "quantity": 195, "version": 1, "exit_price": "20.00"}
    await close(call, wish)
    again = await close(call, wish)
    assert ([each["id"] for each in again["already"]], again["done"], again["conflicts"]) == ([row], [], [])
    assert (await database.rows("select version from trades")) == [{"version": 2}]


async def test_a_price_that_nobody_knows_stays_empty(call, database, row):
    """Null closes the row without an exit price; no version given means that it is not compared."""
    await database.run("update trades set symbol = 'BANKNIFTY'")
    await close(call, {"id": row, "quantity": 195, "exit_price": None})
    (after,) = await database.rows("select order_status, exit_price from trades")
    assert after == {"order_status": "CLOSED", "exit_price": None}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("quantity = 65", "changed"),
        ("symbol = 'BANKNIFTY'", "changed"),
        ("order_status = ' closed '", "closed"),
        ("order_status = 'EXPIRED'", "closed"),
    ],
)
async def test_what_somebody_else_changed_is_told_and_left(call, database, row, change, why):
    """A row edited meanwhile is a conflict with what was found; the other rows of the call are closed."""
    (other,) = await database.rows(_INSERT, 49085, "2")
    await database.run(f"update trades set {change} where id = {row}")  # noqa: S608
    (found,) = await database.rows("select * from trades where id = $1", row)
    wishes = [{"id": each, "quantity": 195, "version": 1, "exit_price": 20} for each in (row, other["id"])]
    answer = await close(call, *wishes)
    assert [each["id"] for each in answer["done"]] == [other["id"]]
    (conflict,) = answer["conflicts"]
    assert (conflict["id"], conflict["why"], conflict["version"]) == (row, why, 2)
    assert (conflict["quantity"], conflict["order_status"]) == (found["quantity"], found["order_status"])
    assert await database.rows("select * from trades where id = $1", row) == [found]


async def test_a_row_that_another_exit_closed_is_a_conflict(call, row):
    """Closed by us, but in another exit: that is told, for somebody's books are wrong."""
    wish = {"id": row, "quantity": 195, "exit_price": 20}
    await close(call, wish)
    answer = await close(call, wish, exit_id="P-2")
    assert [(each["id"], each["exit_id"]) for each in answer["conflicts"]] == [(row, "P-1")]


async def test_rows_that_are_not_there_are_told(call, row):
    """A deleted row, or one of another account, is missing and nothing more."""
    answer = await close(call, {"id": row, "quantity": 195}, {"id": 999, "quantity": 1}, account="other")
    assert answer == {"done": [], "already": [], "conflicts": [], "missing": [row, 999]}


async def test_a_part_becomes_a_row_of_its_own(call, database, row):
    """What is left keeps id and margin share; the part is CLOSED, with everything else of its row."""
    answer = await reduce(call, {"id": row, "before": 195, "after": 130, "version": 1, "exit_price": "21.10"})
    (done,) = answer["done"]
    assert (done["id"], done["version"], done["quantity"]) == (row, 2, 130)
    rows = await database.rows(
        "select id, quantity, margin, order_status, order_id, exit_price, closed_at, parent_id, exit_id, "
        'price, security_id, "timestamp" from trades order by quantity'
    )
    part, whole = rows
    assert (whole["id"], whole["quantity"], whole["margin"]) == (row, 130, Decimal("666.66"))
    assert (whole["order_status"], whole["order_id"], whole["exit_price"]) == ("TRADED", "1", None)
    assert (part["id"], part["quantity"], part["margin"]) == (done["part_id"], 65, Decimal("333.34"))
    assert (part["order_status"], part["order_id"], part["parent_id"]) == ("CLOSED", "1/P-1", row)
    assert (part["exit_price"], part["closed_at"], part["exit_id"]) == (Decimal("21.10"), _AT, "P-1")
    assert [part[same] == whole[same] for same in ("price", "security_id", "timestamp")] == [True] * 3


async def test_a_part_is_taken_once(call, database, row):
    """The same call again tells it as done already; the next exit takes its own part."""
    first = {"id": row, "before": 195, "after": 130, "exit_price": 21}
    await reduce(call, first)
    again = await reduce(call, first)
    assert ([each["id"] for each in again["already"]], again["done"]) == ([row], [])
    await reduce(call, {"id": row, "before": 130, "after": 65, "exit_price": 22}, exit_id="P-2")
    quantities = await database.rows("select quantity, order_id from trades order by id")
    assert [(each["quantity"], each["order_id"]) for each in quantities] == [
        (65, "1"),
        (65, "1/P-1"),
        (65, "1/P-2"),
    ]


async def test_a_part_stays_taken_when_its_row_is_closed(call, row):
    """A repeated part after the close of the rest is still 'already', not a conflict."""
    first = {"id": row, "before": 195, "after": 130, "exit_price": 21}
    await reduce(call, first)
    await close(call, {"id": row, "quantity": 130, "exit_price": 22}, exit_id="P-2")
    assert [each["id"] for each in (await reduce(call, first))["already"]] == [row]


@pytest.mark.parametrize("change", ["quantity = 65", "symbol = 'X'", "order_status = 'CLOSED'"])
async def test_no_part_is_taken_off_a_row_that_changed(call, database, row, change):
    """Another quantity, version or a closed row: told as a conflict, nothing written."""
    await database.run(f"update trades set {change}")  # noqa: S608
    before = await database.rows("select * from trades")
    answer = await reduce(call, {"id": row, "before": 195, "after": 130, "version": 1, "exit_price": 21})
    assert [each["id"] for each in answer["conflicts"]] == [row]
    assert await database.rows("select * from trades") == before


@pytest.mark.parametrize("after", [195, 200, 0, -65, None])
async def test_a_part_that_makes_no_sense_takes_everything_back(call, database, row, after):
    """A part of nothing, or one that leaves nothing, fails the whole call with all its rows."""
    (other,) = await database.rows(_INSERT, 49085, "2")
    good = {"id": row, "before": 195, "after": 65, "exit_price": 1}
    with pytest.raises(asyncpg.DataError, match="leaves something and takes something"):
        await reduce(call, good, {"id": other["id"], "before": 195, "after": after})
    assert await database.rows("select distinct quantity from trades") == [{"quantity": 195}]
    assert not await database.rows("select * from audit")


async def test_an_old_tables_own_columns_go_with_the_part(postgres):
    """JSON, other people's NOT NULL columns, a unique order id with little room: the part still fits in."""
    old = await postgres.database(HOSTED, LEGACY, *migrations())
    terms = {"account": "default", "fence": None, "exit_id": "P-default-260203001", "closed_at": _AT}
    part = {"id": 1, "before": 130, "after": 65, "version": 1, "exit_price": "21.10"}
    await call_on(old, "reduce_trades", parts=[part], **terms)
    rows = await old.rows(
        "select quantity, order_id, notes::text, mine, updated_at from trades where id <> 2 order by id"
    )
    assert [(row["quantity"], row["mine"], row["notes"]) for row in rows] == [
        (65, "keep", '{"by": "hand"}')
    ] * 2
    assert [row["order_id"] for row in rows] == ["112111182198", "112111182198/P-defau"]
    await call_on(old, "close_trades", rows=[{"id": 1, "quantity": 65, "exit_price": "1.00"}], **terms)
    await postgres.drop(old)


async def test_the_moment_of_an_old_table_is_utc(postgres):
    """An updated_at without time zone is UTC wherever the session is that changes the row."""
    old = await postgres.database(HOSTED, LEGACY, *migrations())
    await old.run("set timezone = 'Asia/Kolkata'", "update trades set mine = 'changed'")
    rows = await old.rows("select updated_at, now() at time zone 'utc' as utc from trades")
    assert all(abs(row["utc"] - row["updated_at"]).total_seconds() < 60 for row in rows)
    await postgres.drop(old)


@pytest.mark.parametrize("account", ["null", "''", "' '"])
async def test_a_row_without_an_account_is_the_defaults(call, database, row, account):
    """As the monitor reads it: an empty account is 'default'."""
    await database.run("alter table trades alter column account drop not null")
    await database.run(f"update trades set account = {account}")  # noqa: S608
    answer = await reduce(call, {"id": row, "before": 195, "after": 65, "exit_price": 1})
    assert [each["id"] for each in answer["done"]] == [row]
    answer = await close(call, {"id": row, "quantity": 65, "exit_price": 1}, exit_id="P-2")
    assert [each["id"] for each in answer["done"]] == [row]


_INTENT = {
    "id": "P-1", "strategy_id": 3359, "rule": "stop_loss", "status": "working", "pnl": "-4972.50",
    "created_at": "2026-02-03T10:00:00+05:30", "detail": {"legs": 4},
}  # fmt: skip
_ORDER = {
    "id": "P-1-1-1-1", "security_id": 49081, "side": "SELL", "quantity": 65, "limit_price": "20.05",
    "status": "PENDING", "sent_at": "2026-02-03T10:00:01+05:30",
}  # fmt: skip


def record(call, intent, *orders, account="default"):
    return call("record_exit", account=account, fence=None, intent=intent, orders=list(orders))


async def test_an_exit_is_written_with_its_orders(call, database):
    """Intent, orders and audit come in one transaction, amounts exact."""
    answer = await record(call, _INTENT, _ORDER)
    assert answer == {"id": "P-1", "status": "working", "version": 1, "word": None, "orders_written": 1}
    (intent,) = await database.rows("select account, rule, pnl, detail->>'legs' as legs from exit_intents")
    assert intent == {"account": "default", "rule": "stop_loss", "pnl": Decimal("-4972.50"), "legs": "4"}
    (order,) = await database.rows("select intent_id, limit_price, filled, account from exit_orders")
    assert order == {"intent_id": "P-1", "limit_price": Decimal("20.05"), "filled": 0, "account": "default"}
    assert [row["kind"] for row in await database.rows("select kind from audit")] == ["exit recorded"]


async def test_the_same_news_twice_changes_no_version(call, database):
    """A repeated call writes nothing, also not in the audit; one with news adds a line."""
    for _ in range(2):
        answer = await record(call, _INTENT, _ORDER)
    assert (answer["version"], answer["orders_written"]) == (1, 0)
    assert await database.rows("select version from exit_orders") == [{"version": 1}]
    assert len(await database.rows("select * from audit")) == 1
    await record(call, _INTENT, _ORDER | {"status": "cancelled"})
    assert len(await database.rows("select * from audit")) == 2


async def test_news_goes_on_and_never_back(call, database):
    """Fills grow; an older word about the same order is not taken, nor one about an exit that has ended."""
    await record(call, _INTENT, _ORDER)
    filled = _ORDER | {"filled": 65, "average": "20.10", "status": "TRADED", "broker_order_id": "77"}
    ended = _INTENT | {"status": "flat", "ended_at": "2026-02-03T10:00:05+05:30"}
    await record(call, ended, filled)
    answer = await record(call, _INTENT, _ORDER)
    assert (answer["status"], answer["orders_written"]) == ("flat", 0)
    (order,) = await database.rows("select filled, average, status, broker_order_id from exit_orders")
    assert order == {"filled": 65, "average": Decimal("20.10"), "status": "TRADED", "broker_order_id": "77"}


async def test_a_later_word_with_the_same_fills_is_taken_and_an_earlier_one_is_not(call, database):
    """Which of two words is the newer their number says: a call that was given up may be carried out late."""
    asked = _ORDER | {"limit_price": "20.10", "status": "working"}
    await record(call, _INTENT | {"word": 5}, asked)
    later = _INTENT | {"word": 7, "status": "stopping"}
    answer = await record(call, later, asked | {"limit_price": "20.05", "status": "cancelled"})
    assert (answer["word"], answer["orders_written"]) == (7, 1)
    for late in (6, 7):
        answer = await record(call, _INTENT | {"word": late}, asked)
        assert (answer["word"], answer["status"], answer["orders_written"]) == (7, "stopping", 0)
    (order,) = await database.rows("select status, limit_price from exit_orders")
    assert order == {"status": "cancelled", "limit_price": Decimal("20.05")}
    assert len(await database.rows("select * from audit")) == 2


async def test_a_word_that_says_nothing_new_still_bars_what_was_said_before_it(call, database):
    """A limit that went there and back: the word in between, carried out last, is not the last word."""
    await record(call, _INTENT | {"word": 5}, _ORDER)
    await record(call, _INTENT | {"word": 7}, _ORDER)
    await record(call, _INTENT | {"word": 6}, _ORDER | {"limit_price": "20.10"})
    assert await database.rows("select limit_price from exit_orders") == [{"limit_price": Decimal("20.05")}]
    assert len(await database.rows("select * from audit")) == 1


async def test_news_of_an_order_is_taken_after_the_end_of_its_exit(call, database):
    """A fill that came after the cancel: the exit stays as it ended, the order says what it traded."""
    ended = _INTENT | {"status": "aborted", "ended_at": "2026-02-03T10:00:05+05:30"}
    await record(call, ended | {"word": 1}, _ORDER | {"status": "cancelled"})
    await record(call, _INTENT | {"word": 2}, _ORDER | {"status": "filled", "filled": 65})
    assert await database.rows("select status, word from exit_intents") == [{"status": "aborted", "word": 2}]
    (order,) = await database.rows("select status, filled from exit_orders")
    assert order == {"status": "filled", "filled": 65}


async def test_an_exit_of_another_account_is_refused_whole(call, database):
    """Nobody writes into another account's exit, and nothing of the call stays."""
    await record(call, _INTENT)
    with pytest.raises(asyncpg.PostgresError, match="exit P-1 belongs to account default"):
        await record(call, _INTENT | {"status": "flat"}, _ORDER, account="other")
    assert await database.rows("select status from exit_intents") == [{"status": "working"}]
    assert not await database.rows("select * from exit_orders")


async def test_an_order_filled_beyond_its_quantity_is_refused(call, database):
    """The database itself refuses what cannot be."""
    with pytest.raises(asyncpg.CheckViolationError):
        await record(call, _INTENT, _ORDER | {"filled": 66})
    assert not await database.rows("select * from exit_intents")
