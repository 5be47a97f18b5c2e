"""The trade store in Supabase: the monitor's own store against PostgreSQL, over the unmodified client."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote

import httpx
import pytest

from engine.book_rows import RowFigures
from engine.effects import CloseTrades, RowPart
from engine.errors import AuthFailed, BadInput, RateLimited, SourceError, Unreachable
from engine.exit_rows import intent_row, order_row
from engine.io.stores.mirror import OVERLAP_S
from engine.io.stores.supabase import FULL_EVERY_S, SupabaseStore
from engine.io.stores.supabase_gate import Conflict, Gate
from engine.model import Urgency
from tests.engine.io.stores.conftest import Shop
from tests.engine.io.test_store_writer import INTENT, ORDER
from tests.support.clock import VirtualClock
from tests.support.legacy import LEGACY
from tests.support.postgres import HOSTED, migrations
from tests.support.supabase import house_on

AT_S = 1_770_090_600.0
LEVEL = (
    "insert into strategy_exit_levels (strategy_id, exit_type, trigger_type, trigger_value, "
    "close_percentage) values (3359, 'profit_target', 'percentage', 50.25, 25)"
)


async def many(house, count, first=1):
    """So many rows, each of a strategy of its own."""
    await house.put()
    await house.database.rows(
        "insert into trades (strategy_id, symbol, security_id, action, type, strike_price, expiry_date, "
        "quantity, price, order_status) select g, symbol, security_id, action, type, strike_price, "
        "expiry_date, quantity, price, order_status from trades, generate_series($1::int, $2::int) g",
        first, first + count - 2,
    )  # fmt: skip


async def test_a_row_is_read_to_the_paisa(shop):
    """Amounts come as text: nothing is lost that a float would lose; a price finer than a paisa is ours."""
    row_id = await shop.house.put(price="12345678.90", margin="999999999.99")
    (row,) = await shop.store.open_rows()
    assert (row.id, row.price_paise, row.margin_paise) == (row_id, 1_234_567_890, 99_999_999_999)
    assert (row.account, row.strike_price_paise, row.quantity) == ("default", 2_450_000, 130)


async def test_more_than_a_page_is_read(shop):
    """A thousand rows are one answer; the store goes on until it has what the database counts."""
    await many(shop.house, 2_501)
    assert len(await shop.ids()) == 2_501
    shop.faults.max_rows = 700
    shop.store.want_all()
    assert len(await shop.ids()) == 2_501


async def test_a_row_whose_status_nobody_knows_is_named_and_not_lost(shop):
    """No status, or an odd one, is a fault of the row: the answer is an error with its id and no list."""
    good = await shop.house.put()
    odd = await shop.house.put(order_status="FOO")
    with pytest.raises(BadInput, match=f"trades row {odd}: order_status"):
        await shop.store.open_rows()
    await shop.house.database.rows("update trades set order_status = ' closed ' where id = $1", odd)
    assert await shop.ids() == [good]


@pytest.mark.parametrize(
    "change", ["update trades set quantity = 65 where id = $1", "update trades set price = 21 where id = $1"]
)
async def test_an_edit_is_seen_by_asking_for_what_is_new(shop, change):
    """After the first read only what has changed comes."""
    await many(shop.house, 50)
    edited, *_ = await shop.look()
    await shop.house.database.rows(change, edited)
    before = {row.id: row for row in await shop.store.open_rows()}
    assert (before[edited].quantity, before[edited].price_paise) in {(65, 2005), (130, 2100)}
    assert shop.store._trades.full_reads == 1


@pytest.mark.parametrize(
    "end", ["delete from trades where id = $1", "update trades set order_status = 'CLOSED' where id = $1"]
)
async def test_what_is_deleted_or_closed_is_missed_by_the_count(shop, end):
    """``updated_at`` does not tell of a deletion: the count does, and then only ids are read."""
    ids = [await shop.house.put() for _ in range(3)]
    await shop.look()
    await shop.house.database.rows(end, ids[1])
    ids.append(await shop.house.put())
    assert await shop.ids() == [ids[0], ids[2], ids[3]]
    assert shop.store._trades.full_reads == 1


async def test_everything_is_read_again_now_and_then(shop):
    """At the start, when somebody wants it, and every so often."""
    await shop.house.put()
    for passed_s, want, reads in [(0, False, 1), (30, False, 1), (30, True, 2), (FULL_EVERY_S, False, 3)]:
        await shop.clock.advance(passed_s)
        if want:
            shop.store.want_all()
        await shop.look()
        assert shop.store._trades.full_reads == reads


@pytest.mark.parametrize("late_s", [0, 30, 90])
async def test_an_edit_that_is_committed_long_after_its_stamp_is_seen_at_the_next_look(shop, late_s):
    """A transaction stays open while others are written: its stamp is older than what was seen of them."""
    edited, other = await shop.house.put(), await shop.house.put(strategy_id=778)
    await shop.look()
    async with shop.house.database.session() as person:
        await person.execute("set session_replication_role = replica")  # no trigger: the stamp is what it was
        transaction = person.transaction()
        await transaction.start()
        await person.execute(
            "update trades set quantity = 65, version = version + 1, "
            "updated_at = clock_timestamp() - make_interval(secs => $2) where id = $1", edited, late_s,
        )  # fmt: skip
        await shop.house.database.rows("update trades set quantity = 195 where id = $1", other)
        await shop.look()
        await shop.clock.advance(late_s)
        await shop.look()
        await transaction.commit()
    await shop.clock.advance(29)
    assert {row.id: row.quantity for row in await shop.store.open_rows()} == {edited: 65, other: 195}
    assert shop.store._trades.full_reads == 1


async def test_levels_are_read_in_full_figures_and_follow_edits(shop):
    """No level at first, then one that is switched off by hand."""
    assert await shop.store.exit_levels() == ()
    await shop.house.database.run(LEVEL)
    (level,) = await shop.store.exit_levels()
    assert (level.value, level.close_pct, level.enabled, level.fault) == (
        Decimal("50.25"), Decimal(25), True, "",
    )  # fmt: skip
    await shop.house.database.run("update strategy_exit_levels set enabled = false")
    (level,) = await shop.store.exit_levels()
    assert not level.enabled


# ------------------------------------------------------------------------------------ emptiness


async def test_an_empty_answer_is_not_believed_when_another_says_that_rows_are_open(shop):
    """A gateway's empty page, and an empty list in the place of rows, are errors, and what is known stays."""
    row_id = await shop.house.put()
    assert await shop.look() == [row_id]
    shop.store.want_all()
    shop.faults.empty()
    with pytest.raises(Unreachable, match="without its count"):
        await shop.store.open_rows()
    assert await shop.ids() == [row_id]


async def test_rows_that_were_all_closed_are_believed(shop):
    """The ids that were known are looked at again: they are there and closed."""
    row_id = await shop.house.put()
    await shop.look()
    await shop.house.database.rows("update trades set order_status = 'CLOSED' where id = $1", row_id)
    assert await shop.ids() == []


async def test_a_key_that_row_level_security_blinds_is_no_proof_of_no_positions(shop_with, house):
    """With the publishable key every answer is empty: that is an error, at the start and later."""
    blind = shop_with(house.server.keys.publishable, sees_all=False)
    with pytest.raises(Unreachable, match="row level security hides them"):
        await blind.store.open_rows()
    await house.put()
    with pytest.raises(Unreachable, match="SUPABASE_SECRET_KEY"):
        await blind.store.open_rows()


async def test_a_publishable_key_with_a_policy_of_the_owners_works(shop_with, house):
    """Whoever lets anon read sees rows, and that all are closed."""
    await house.database.run("create policy mine on trades for select to anon using (true)")
    seeing = shop_with(house.server.keys.publishable, sees_all=False)
    row_id = await house.put()
    assert await seeing.ids() == [row_id]
    await house.database.run("update trades set order_status = 'CLOSED'")
    assert await seeing.ids() == []


# --------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, None, RateLimited, "too often"),
        (429, {"message": "slow down"}, RateLimited, "too often"),
        (500, None, Unreachable, "500"),
        (502, None, Unreachable, "502"),
        (503, {"code": "PGRST002", "message": "schema cache"}, Unreachable, "schema cache"),
        (540, None, Unreachable, "paused"),
        (401, {"message": "Invalid API key"}, AuthFailed, "the key is refused"),
        (401, {"code": "PGRST303", "message": "JWT expired"}, AuthFailed, "expired"),
        (403, {"code": "42501", "message": "permission denied"}, AuthFailed, "090400_access.sql"),
        (404, {"code": "PGRST205", "message": "no table"}, Unreachable, "deploy/supabase/migrations"),
        (404, {"code": "PGRST202", "message": "no function"}, Unreachable, "deploy/supabase/migrations"),
        (400, {"code": "42703", "message": "no column"}, Unreachable, "deploy/supabase/migrations"),
        (500, {"code": "57014", "message": "canceling statement"}, Unreachable, "statement timeout"),
        (409, {"code": "PT409", "message": "held", "details": "{}"}, Conflict, "held"),
    ],
)
async def test_an_error_says_what_to_do_and_is_no_empty_answer(shop, status, body, kind, words):
    """Every way in which the API refuses is an error of ours with a sentence, and never a list."""
    shop.faults.fail(status, body=body)
    with pytest.raises(kind, match=words) as raised:
        await shop.store.open_rows()
    assert isinstance(raised.value, SourceError)
    assert shop.gate.key.reveal() not in f"{raised.value!r} {raised.value.__context__!r}"


async def test_a_lost_connection_is_an_error_and_is_not_tried_again_by_the_client(shop):
    """One question is one attempt: whoever asks decides about another."""
    shop.faults.drop()
    with pytest.raises(Unreachable, match="cannot be reached"):
        await shop.store.open_rows()
    assert len(shop.calls()) == 1


async def test_an_answer_that_never_comes_is_an_error_and_not_waited_for(shop):
    """A gateway that holds the connection open: the question ends by our own patience, the next one works."""
    row_id = await shop.house.put()
    impatient = Gate(shop.house.server.url, shop.gate.key, timeout=httpx.Timeout(0.3))
    store = SupabaseStore(impatient, "default", lambda: None, shop.told.append, shop.clock)
    shop.faults.hang()
    with pytest.raises(Unreachable, match="no answer in time"):
        await store.open_rows()
    assert [row.id for row in await store.open_rows()] == [row_id]
    await store.close()


async def test_a_page_of_a_proxys_is_an_error_with_whatever_status_it_comes(shop):
    """HTML with 200: no empty list to a read, and to a write no word that it was done."""
    row_id = await shop.house.put()
    shop.faults.fail(200)
    with pytest.raises(Unreachable, match="cannot be understood"):
        await shop.store.open_rows()
    writes = [
        lambda: shop.store.close_rows(CloseTrades({row_id: 5460}, AT_S, "e1", {row_id: 130})),
        lambda: shop.store.reduce_rows([RowPart(row_id, 130, 65, 1500)], AT_S, "e1"),
        lambda: shop.store.note_exits([RowFigures(row_id, "e1", "e1/1", True, 1, 1, 1)]),
        lambda: shop.store.record_exit(intent_row(INTENT), []),
    ]
    for write in writes:
        shop.faults.fail(200, path="rpc/")
        with pytest.raises(Unreachable, match="cannot be understood"):
            await write()


async def test_nothing_in_the_database_is_told_as_what_it_is(house, shop):
    """Before the migrations: the table is not there, and the sentence says which files to apply."""
    await house.database.run("drop table trades cascade")
    with pytest.raises(Unreachable, match="a table is missing: apply the files"):
        await shop.store.open_rows()


# --------------------------------------------------------------------------------------- writes


async def test_closing_is_written_once_and_may_be_said_again(shop):
    """Price, moment and exit stand in the row; a lost answer and a second call change nothing."""
    row_id = await shop.house.put()
    await shop.look()
    job = CloseTrades({row_id: 5460}, AT_S, "260203001", {row_id: 130})
    shop.faults.lose_reply(path="rpc/close_trades")
    with pytest.raises(Unreachable):
        await shop.store.close_rows(job)
    await shop.store.close_rows(job)
    row = await shop.row(row_id)
    assert (row["order_status"], row["exit_price"], row["exit_id"], row["version"]) == (
        "CLOSED", Decimal("54.6000"), "260203001", 2,
    )  # fmt: skip
    assert row["closed_at"].timestamp() == AT_S
    assert (await shop.ids(), shop.told) == ([], [])


@pytest.mark.parametrize("name", ["reduce_trades", "record_exit", "note_exits"])
async def test_any_write_whose_answer_was_lost_is_made_again_to_no_harm(shop, name):
    """Done, and the connection ends before the answer, as with a GOAWAY: once more it changes nothing."""
    row_id = await shop.house.put()
    await shop.look()
    figures = [RowFigures(row_id, "e1", "e1/1", False, 100, 7, 3)]
    writes = {
        "reduce_trades": lambda: shop.store.reduce_rows([RowPart(row_id, 130, 65, 1500)], AT_S, "e1"),
        "record_exit": lambda: shop.store.record_exit(intent_row(INTENT), [order_row(ORDER)]),
        "note_exits": lambda: shop.store.note_exits(figures),
    }
    if name == "note_exits":
        await writes["reduce_trades"]()
    shop.faults.lose_reply(path=f"rpc/{name}")
    with pytest.raises(Unreachable):
        await writes[name]()
    tables = ("trades", "exit_intents", "exit_orders")
    counted = [await shop.house.database.rows(f"select count(*) from {table}") for table in tables]  # noqa: S608
    await writes[name]()
    assert counted == [
        await shop.house.database.rows(f"select count(*) from {table}")  # noqa: S608
        for table in tables
    ]
    assert shop.told == []


async def test_a_row_changed_by_hand_meanwhile_is_told_and_left(shop):
    """Its number of units is another one: HIGH, once, with what stands there; it is not overwritten."""
    row_id = await shop.house.put()
    await shop.look()
    await shop.house.database.rows("update trades set quantity = 195 where id = $1", row_id)
    for _ in range(3):
        await shop.look()
        await shop.store.close_rows(CloseTrades({row_id: 5460}, AT_S, "260203001", {row_id: 130}))
    (alert,) = shop.told
    assert alert.urgency is Urgency.HIGH
    assert f"row {row_id}" in alert.title
    assert "195 units" in alert.text
    row = await shop.row(row_id)
    assert (row["order_status"], row["quantity"], row["exit_price"]) == ("TRADED", 195, None)


async def test_a_row_closed_by_hand_or_gone_is_told(shop):
    """Closed by somebody else: its own figures stay; deleted: said too."""
    closed, gone = await shop.house.put(), await shop.house.put()
    await shop.house.database.rows(
        "update trades set order_status = 'CLOSED', exit_price = 9 where id = $1", closed
    )
    await shop.house.database.rows("delete from trades where id = $1", gone)
    await shop.store.close_rows(CloseTrades({closed: 5460, gone: 1}, AT_S, "x", {closed: 130, gone: 130}))
    assert [alert.urgency for alert in shop.told] == [Urgency.MEDIUM] * 2
    assert (await shop.row(closed))["exit_price"] == 9


async def test_a_part_is_taken_off_once(shop):
    """The row keeps what is left, the part is a closed row of its own; said twice it is done once."""
    row_id = await shop.house.put()
    await shop.look()
    for _ in range(2):
        await shop.store.reduce_rows([RowPart(row_id, 130, 65, 1500)], AT_S, "260203001")
    (left,) = await shop.store.open_rows()
    assert (left.id, left.quantity) == (row_id, 65)
    (part,) = await shop.house.database.rows("select * from trades where parent_id = $1", row_id)
    assert (part["quantity"], part["exit_price"], part["order_status"]) == (65, 15, "CLOSED")
    assert shop.told == []
    await shop.store.reduce_rows([RowPart(row_id, 130, 65, 1500)], AT_S, "260203002")
    (alert,) = shop.told
    assert alert.urgency is Urgency.HIGH
    assert "It is watched" in alert.text


async def test_what_an_exit_made_is_noted_at_the_row_or_the_part(shop):
    """By the line of the file of executions: later lines win, older ones and repeats change nothing."""
    whole, cut = await shop.house.put(), await shop.house.put()
    await shop.store.close_rows(CloseTrades({whole: 5460}, AT_S, "e0", {whole: 130}))
    await shop.store.reduce_rows([RowPart(cut, 130, 65, 1500)], AT_S, "e1")
    figures = [
        RowFigures(whole, "e0", "e0/1", True, -12_345, 2_415, None),
        RowFigures(cut, "e1", "e1/1", False, 100, 7, 3),
        RowFigures(999, "e2", "e2/1", True, 1, 1, 1),
    ]
    assert await shop.store.note_exits(figures) == (figures[2],)
    assert await shop.store.note_exits([figures[0]._replace(realised_paise=1)]) == ()
    row = await shop.row(whole)
    assert (row["realised_pnl"], row["exit_charges"], row["exit_slippage"]) == (
        Decimal("-123.45"), Decimal("24.15"), None,
    )  # fmt: skip
    (part,) = await shop.house.database.rows("select * from trades where parent_id = $1", cut)
    assert (part["realised_pnl"], part["exit_line"]) == (1, "e1/1")
    assert await shop.store.note_exits([figures[0]._replace(line="e0/2", realised_paise=None)]) == ()
    assert (await shop.row(whole))["realised_pnl"] is None


async def test_figures_are_noted_at_no_row_that_the_exit_has_not_closed(shop):
    """Edited by hand: told as missing, it may be closed yet. Closed by hand: it keeps its own figures."""
    edited, closed = await shop.house.put(), await shop.house.put()
    await shop.look()
    await shop.house.database.rows("update trades set quantity = 195 where id = $1", edited)
    await shop.house.database.rows("update trades set order_status = 'CLOSED' where id = $1", closed)
    job = CloseTrades({edited: 5460, closed: 5460}, AT_S, "e0", {edited: 130, closed: 130})
    await shop.store.close_rows(job)
    of_edited = RowFigures(edited, "e0", "e0/1", True, -12_345, 2_415, 3)
    of_closed = of_edited._replace(row_id=closed)
    assert await shop.store.note_exits([of_edited, of_closed]) == (of_edited,)
    for row in (await shop.row(edited), await shop.row(closed)):
        assert (row["exit_line"], row["realised_pnl"], row["version"]) == (None, None, 2)
    await shop.house.database.rows("update trades set quantity = 130 where id = $1", edited)
    await shop.store.close_rows(job)
    assert await shop.store.note_exits([of_edited]) == ()
    assert (await shop.row(edited))["realised_pnl"] == Decimal("-123.45")


async def test_words_about_an_exit_are_counted_across_restarts_and_clocks_turned_back(shop, shop_with):
    """A later word is above an earlier one, also of a new process whose clock is behind: it is said twice."""
    intent = intent_row(INTENT)
    words = []
    for status in ("working", "stopping"):
        await shop.store.record_exit(intent | {"status": status}, [order_row(ORDER)])
        words += await shop.house.database.rows("select status, word from exit_intents")
    assert [row["status"] for row in words] == ["working", "stopping"]
    assert words[0]["word"] < words[1]["word"]
    behind = shop_with(shop.gate.key.reveal(), sees_all=True)
    behind.clock = behind.store._clock = VirtualClock(AT_S - 7_200)
    await behind.store.record_exit(intent | {"status": "flat"}, [order_row(ORDER)])
    (row,) = await shop.house.database.rows("select status, word from exit_intents")
    assert (row["status"], row["word"]) == ("flat", words[1]["word"] + 1)
    assert len(shop.calls("record_exit")) == 4


async def test_before_the_migration_of_words_exits_are_written_all_the_same(shop):
    """A database that does not count them takes every word as it comes."""
    (older,) = [script for script in migrations() if "leaves no line in the audit" in script]
    await shop.house.database.run("alter table exit_intents drop column word", older)
    await shop.store.record_exit(intent_row(INTENT), [order_row(ORDER)])
    await shop.store.record_exit(intent_row(INTENT | {"state": "stuck"}), [])
    assert await shop.house.database.rows("select status from exit_intents") == [{"status": "stuck"}]


async def test_a_write_under_an_old_fence_is_refused_and_one_under_the_newest_is_done(shop):
    """Another monitor owns the account: nothing is written, and the caller hears of it."""
    row_id = await shop.house.put()
    (lease,) = await shop.house.database.rows("select claim_lease('default', 'other', 30)")
    assert '"fence": 1' in lease["claim_lease"]
    job = CloseTrades({row_id: 5460}, AT_S, "e1", {row_id: 130})
    for fence in (None, 7):
        shop.fence = fence
        with pytest.raises(Conflict, match="not held with fence"):
            await shop.store.close_rows(job)
    assert (await shop.row(row_id))["order_status"] == "TRADED"
    shop.fence = 1
    await shop.store.close_rows(job)
    assert (await shop.row(row_id))["order_status"] == "CLOSED"


async def test_rows_of_another_account_are_written_in_its_name(shop):
    """One monitor may list rows of several accounts: each is closed as its own account's."""
    mine, theirs = await shop.house.put(), await shop.house.put(account="second")
    await shop.look()
    await shop.store.close_rows(CloseTrades({mine: 1, theirs: 1}, AT_S, "e1", {mine: 130, theirs: 130}))
    assert (await shop.ids(), shop.told) == ([], [])


async def test_an_older_table_of_the_owners_works(postgres):
    """Loose types, other names of columns, a moment without zone: read, followed, closed."""
    database = await postgres.database(HOSTED, LEGACY, *migrations())
    async with house_on(database) as house:
        shop = Shop(house)
        (row,) = await shop.store.open_rows()
        assert (row.security_id, row.price_paise, row.order_id) == (49081, 2005, "112111182198")
        (level,) = await shop.store.exit_levels()
        assert (level.value, level.enabled, level.fault) == (Decimal(50), True, "")
        await database.rows("update trades set quantity = 65 where id = $1", row.id)
        await database.run("update strategy_exit_levels set value = 40")
        (row,) = await shop.store.open_rows()
        (level,) = await shop.store.exit_levels()
        assert (row.quantity, level.value) == (65, Decimal(40))
        await shop.store.close_rows(CloseTrades({row.id: 5460}, AT_S, "260203001", {row.id: 65}))
        assert await shop.ids() == []
        assert (await shop.row(row.id))["mine"] == "keep"
        await shop.store.close()
    await postgres.drop(database)


async def test_rows_of_an_older_table_that_have_no_moment_yet_are_read(shop):
    """Its own column may be empty there until the next edit: they stand among the rest, nothing stumbles."""
    await shop.house.database.rows("alter table trades alter column updated_at drop not null")
    one, two = await shop.house.put(), await shop.house.put(strategy_id=778)
    await shop.house.database.rows("alter table trades disable trigger user")
    await shop.house.database.rows("update trades set updated_at = null where id = $1", one)
    assert await shop.ids() == [one, two]
    assert await shop.ids() == [one, two]


async def test_rows_that_have_not_changed_are_the_very_same_answer(shop):
    """Whoever asks sees at a glance that nothing is new, also when everything was read again."""
    await many(shop.house, 50)
    known = await shop.store.open_rows()
    assert await shop.store.open_rows() is known
    shop.store.want_all()
    assert await shop.store.open_rows() is known
    await shop.house.database.rows("update trades set quantity = 65 where id = $1", known[0].id)
    assert (await shop.store.open_rows())[0].quantity == 65


async def test_rows_that_were_all_written_at_once_are_not_read_at_each_look(shop):
    """What comes late by the overlap is still asked for; once that has passed only what is newer is."""
    await many(shop.house, 50)
    ids = await shop.look()
    (newest,) = await shop.house.database.rows("select max(updated_at) as at from trades")
    back = []
    for passed_s in (0, OVERLAP_S - 1, 1, 30):
        await shop.clock.advance(passed_s)
        await shop.look()
        asked = re.findall(r"trades\?.*updated_at=gt\.([^&]*)", unquote(shop.calls("updated_at=gt")[-1]))
        back.append((newest["at"] - datetime.fromisoformat(asked[0])).total_seconds())
    assert back == [OVERLAP_S, OVERLAP_S, OVERLAP_S, 0]
    await shop.house.database.rows("update trades set quantity = 65 where id = $1", ids[0])
    assert {row.id: row.quantity for row in await shop.store.open_rows()}[ids[0]] == 65
