"""Rows of files into a Supabase project: whole, once, and as the embedded store would judge them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from engine.__main__ import main
from engine.effects import CloseTrades, RowPart
from engine.errors import BadInput, Declined, SourceError, Unreachable
from engine.io.exporter import export_csv, export_levels_csv
from engine.io.importer import import_csv, import_levels_csv, summary
from engine.io.stores.exit_levels import LevelReport
from engine.io.stores.sqlite import SqliteStore
from engine.io.stores.supabase_export import SupabaseExport
from engine.io.stores.supabase_gate import Gate
from engine.io.stores.supabase_import import SupabaseImport
from engine.trades import parse_csv
from engine.words import Secret
from tests.engine.test_trades import ASTRAL, AT_S, COLUMNS, PARSED
from tests.support.legacy import LEGACY
from tests.support.postgres import HOSTED, migrations
from tests.support.supabase import client_of, house_on

SHORT = ASTRAL.replace("104871,BUY,CE,1500", "104872,SELL,CE,1600").replace(",1001,", ",1002,")
LEVELS = "strategy_id,exit_type,level_name,trigger_type,trigger_value,close_percentage,enabled\n"
STOP = "3359,stop_loss,primary,percentage,50.125,,true\n"
STEP = "3359,profit_target,scaling_50,percentage,20,50,true\n"


@pytest.fixture
def take(shop):
    """Where rows go in, with the secret key."""
    return SupabaseImport(shop.gate)


@pytest.fixture
def file(tmp_path):
    """A CSV file with two legs."""
    path = tmp_path / "mine.csv"
    path.write_text(f"{COLUMNS}\n{ASTRAL}\n{SHORT}\n")
    return path


def bare(rows):
    """Rows without the ids that a store gives them, in the order of their legs."""
    return sorted((replace(row, id=0) for row in rows), key=lambda row: row.order_id)


async def test_a_file_fills_the_table_and_is_watched_and_again_adds_nothing(shop, take, file):
    """The monitor's own store reads what was written; one line of the audit has the ids."""
    assert summary(await import_csv(file, take)) == "2 rows added."
    assert summary(await import_csv(file, take)) == "0 rows added, 2 there already (rows 1, 2)."
    rows = await shop.store.open_rows()
    assert bare(rows)[0] == replace(PARSED, id=0)
    (audit,) = await shop.house.database.rows("select account, actor, kind, detail::text from audit")
    assert (audit["account"], audit["actor"], audit["kind"]) == ("default", "import", "trades imported")
    assert json.loads(audit["detail"]) == {"ids": [row.id for row in rows]}


async def test_what_is_new_in_a_known_file_is_added_beside_it(shop, take, file):
    """Also the rows of another account, and also after the first of them has been closed."""
    await import_csv(file, take)
    (first, _) = await shop.store.open_rows()
    await shop.store.close_rows(CloseTrades({first.id: 5460}, AT_S, "e1", {first.id: 425}))
    file.write_text(f"account,{COLUMNS}\n,{ASTRAL}\n,{SHORT}\nfamily-2,{ASTRAL}\n")
    report = await import_csv(file, take)
    assert [row.account for row in report.added] == ["family-2"]
    assert [row.account for row in await shop.store.open_rows()] == ["default", "family-2"]


async def test_a_lost_answer_and_a_late_call_add_nothing_twice(shop, take, file):
    """Importing again finds the rows, and the first call carried out once more writes none."""
    shop.faults.lose_reply(path="rpc/import_trades")
    with pytest.raises(Unreachable):
        await import_csv(file, take)
    assert summary(await import_csv(file, take)) == "0 rows added, 2 there already (rows 1, 2)."
    late = [{"add": True} | json.loads(row) for row in await _as_json(shop)]
    answer = await shop.gate.call("import_trades", rows=late, seen=[])
    assert answer["added"] is None
    assert len(await shop.ids()) == 2


async def _as_json(shop):
    rows = await shop.house.database.rows("select to_jsonb(t)::text as row from trades t order by id")
    return [each["row"] for each in rows]


async def test_two_imports_at_once_add_each_row_once(shop, file):
    """Neither knows of the other; the database lets one in after the other."""

    async def one():
        return await import_csv(file, SupabaseImport(shop.gate))

    reports = await asyncio.gather(*(one() for _ in range(4)))
    assert sorted(len(report.added) for report in reports) == [0, 0, 0, 2]
    assert len(await shop.ids()) == 2


@pytest.mark.parametrize("times", [1, 20])
async def test_rows_that_are_edited_meanwhile_are_looked_at_again(shop, take, file, monkeypatch, times):
    """What was seen is no longer there: it is judged anew; after five edits in a row nothing was added."""
    await import_csv(file, take)
    file.write_text(file.read_text() + SHORT.replace(",1002,", ",1003,"))
    call, edits = Gate.call, iter(range(times))

    async def edited(gate, name, **arguments):
        if arguments["seen"] and next(edits, None) is not None:
            await shop.house.database.run("update trades set strategy = strategy || '!'")
        return await call(gate, name, **arguments)

    monkeypatch.setattr(Gate, "call", edited)
    if times == 1:
        assert len((await import_csv(file, take)).added) == 1
    else:
        with pytest.raises(Unreachable, match=r"nothing was added\. Import the file again"):
            await import_csv(file, take)
    assert len(await shop.ids()) == 2 + (times == 1)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            SHORT.replace(",425,", ",850,"),
            r"row 2: order 1002 .* \(trades row 2\) with quantity 425, read 850",
        ),
        (SHORT.replace("SELL", "HOLD"), "row 2 .*: action: read 'HOLD'"),
        (ASTRAL, "row 2: read the leg of row 1 again"),
        (ASTRAL.replace("104871", ""), "row 2: read the leg of row 1 again"),
    ],
)
async def test_a_file_with_one_bad_row_writes_nothing(shop, take, file, bad, says):
    """Contradictions and legs named twice are told as by the embedded store; the good row stays out."""
    await import_csv(file, take)
    new = ASTRAL.replace(",1001,", ",1009,")
    bad = bad.replace(",1001,", ",1009,")
    file.write_text(f"{COLUMNS}\n{new}\n{bad}\n")
    with pytest.raises(BadInput, match=says):
        await import_csv(file, take)
    assert [row.order_id for row in await shop.store.open_rows()] == ["1001", "1002"]


async def test_a_leg_is_known_without_its_security_id_and_as_people_write_it(shop, take):
    """Other spellings of the same leg are the same leg."""
    await shop.house.put(security_id=None, type="put", action="buy", order_id=" 1 ", price=None)
    (row,) = await shop.store.open_rows()
    assert summary(await take.import_rows([replace(row, security_id=49081)])).startswith("0 rows added")


async def test_a_file_of_before_or_after_a_part_is_known(shop, take, tmp_path):
    """Also when the parts have come by a file themselves, into another project."""
    row = await shop.house.put()
    before = await shop.store.open_rows()
    await shop.store.reduce_rows([RowPart(row, 130, 65, 2110)], AT_S, "e1")
    after = await shop.store.open_rows()
    for rows in (before, after):
        assert not (await take.import_rows(rows)).added
    with pytest.raises(BadInput, match="with quantity 130, read 100"):
        await take.import_rows([replace(before[0], quantity=100)])
    await shop.house.database.run("update trades set parent_id = null")
    assert not (await take.import_rows(before)).added


async def test_a_row_that_cannot_be_understood_stops_the_import(shop, take, file):
    """It may be one of the file's; another strategy's is nobody's business."""
    await shop.house.put(action="HOLD")
    assert len((await import_csv(file, take)).added) == 2
    await shop.house.database.run("update trades set action = 'HOLD' where order_id = '1001'")
    with pytest.raises(BadInput, match=r"trades row \d+: action: read 'HOLD'"):
        await import_csv(file, take)


async def test_out_of_supabase_and_in_again_and_back_is_the_same(shop, take, tmp_path):
    """Open and ended rows through an embedded store, an emptied project, and out once more: cell by cell."""
    ended = await shop.house.put(order_id="2", price="20.06")
    await shop.house.put(price="20.05")
    await shop.store.open_rows()
    await shop.store.close_rows(CloseTrades({ended: 5460}, AT_S, "e1", {ended: 130}))
    export, copy = SupabaseExport(shop.gate, shop.clock.now_s), SqliteStore(tmp_path / "trades.sqlite3")
    path = tmp_path / "rows.csv"
    first = []
    for closed in (False, True):
        first.append((await export_csv(export, closed=closed))[0])
        path.write_text(first[-1])
        assert not (await import_csv(path, take)).added
        await import_csv(path, copy)
    embedded = [(await export_csv(copy, closed=closed))[0] for closed in (False, True)]
    await shop.house.database.run("truncate trades")
    for text in embedded:
        path.write_text(text)
        assert len((await import_csv(path, take)).added) == 1
    for before, closed in zip(first, (False, True), strict=True):
        after = (await export_csv(export, closed=closed))[0]
        assert _without_ids(after) == _without_ids(before)


def _without_ids(text):
    """The rows of a file, read; nothing of their ends is lost."""
    return [replace(row, id=0) for row in parse_csv(text)]


async def test_thousands_of_rows_go_in_with_one_call(shop, take, tmp_path):
    """And are found again with one."""
    path = tmp_path / "many.csv"
    rows = [ASTRAL.replace("1001", str(n)).replace("3359", str(3_000 + n % 50)) for n in range(3_000)]
    path.write_text("\n".join([COLUMNS, *rows]))
    assert len((await import_csv(path, take)).added) == 3_000
    assert len((await import_csv(path, take)).already) == 3_000
    assert len(shop.calls("rpc/import_trades")) == 2


async def test_an_old_table_is_filled_as_far_as_it_lets_rows_in(postgres, tmp_path, file):
    """Narrow types are no hindrance; another column that must be filled is, with the database's words."""
    old = await postgres.database(HOSTED, LEGACY, *migrations())
    async with house_on(old) as house:
        gate = Gate(house.server.url, Secret(house.server.keys.secret))
        take, levels = SupabaseImport(gate), tmp_path / "levels.csv"
        with pytest.raises(Declined, match="mine"):
            await import_csv(file, take)
        await old.run("alter table trades alter column mine set default ''")
        assert len((await import_csv(file, take)).added) == 2
        levels.write_text(LEVELS + STOP.replace("stop_loss", "profit_target"))
        assert await import_levels_csv(levels, take) == LevelReport(0, 1, 0)
        assert await old.rows("select value::text, is_active from strategy_exit_levels") == [
            {"value": "50.13", "is_active": True}
        ]
        await gate.close()
    await postgres.drop(old)


async def test_exit_levels_are_added_changed_or_known(shop, take, tmp_path):
    """Whole or not at all; what the monitor reads is what the file says."""
    path = tmp_path / "levels.csv"
    path.write_text(LEVELS + STOP + STEP)
    assert await import_levels_csv(path, take) == LevelReport(2, 0, 0)
    out = await export_levels_csv(SupabaseExport(shop.gate, shop.clock.now_s))
    path.write_text(LEVELS + STOP.replace("50.125", "40") + STEP)
    assert await import_levels_csv(path, take) == LevelReport(0, 1, 1)
    assert [str(level.value) for level in await shop.store.exit_levels()] == ["40", "20"]
    path.write_text(out[0])
    assert await import_levels_csv(path, take) == LevelReport(0, 1, 1)
    assert len(await shop.house.database.rows("select * from audit")) == 3
    path.write_text(LEVELS + STOP.replace("50.125", "40") + STEP.replace("20,50", "0,50"))
    with pytest.raises(BadInput, match="read profit_scaling"):
        await import_levels_csv(path, take)
    assert [str(level.value) for level in await shop.store.exit_levels()] == ["50.125", "20"]


async def test_a_key_that_does_not_see_all_is_refused(shop_with, house):
    """What is there already would be added again: nothing is asked."""
    blind = shop_with(house.server.keys.publishable, sees_all=False)
    with pytest.raises(BadInput, match="expected SUPABASE_SECRET_KEY"):
        SupabaseImport(blind.gate)
    async with client_of(house.server, house.server.keys.publishable) as client:
        with pytest.raises(Exception, match="permission denied"):
            await client.rpc("import_trades", {"p_rows": []}).execute()


async def test_a_project_without_the_function_says_what_to_apply(shop, take, file):
    """An older project: nothing is written by another way."""
    await shop.house.database.run("drop function import_trades", "notify pgrst, 'reload schema'")
    with pytest.raises(SourceError, match="apply the files of deploy/supabase/migrations"):
        await import_csv(file, take)


async def test_the_tool_goes_where_the_trades_are(house, file, tmp_path, monkeypatch, capsys):
    """Both files at once, in JSON; DATA_DIR gets no embedded store."""
    for name, word in (
        ("DHAN_CLIENT_ID", "1000000001"), ("DHAN_ACCESS_TOKEN", "a" * 40),
        ("TELEGRAM_BOT_TOKEN", f"1:{'a' * 35}"), ("TELEGRAM_CHAT_ID", "1"), ("TELEGRAM_USER_IDS", "1"),
        ("SUPABASE_URL", house.server.url), ("SUPABASE_SECRET_KEY", house.server.keys.secret),
        ("TRADES_SOURCE", "supabase"), ("DATA_DIR", str(tmp_path / "data")),
    ):  # fmt: skip
        monkeypatch.setenv(name, word)
    monkeypatch.chdir(tmp_path)
    levels = tmp_path / "levels.csv"
    levels.write_text(LEVELS + STOP)
    assert await asyncio.to_thread(main, ["import", str(file), "--exit-levels", str(levels), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "added": [1, 2], "already": [], "exit_levels": {"added": 1, "changed": 0, "already": 0},
    }  # fmt: skip
    assert len(await house.database.rows("select * from trades")) == 2
    assert not (tmp_path / "data" / "trades.sqlite3").exists()
