"""The book of an exit beside the sandbox exchange's own trade book, and the tool that reads it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from engine.__main__ import main
from engine.io.executions import ExecutionsFile, executions_file, read_lines
from engine.io.stores.sqlite import SqliteStore
from engine.model import Mode
from tests.e2e.outside import WAIT_S, held, monitor, orders_of, sandbox, text_of
from tests.support.calls import Calls

pytestmark = pytest.mark.timeout(90)


async def written(path, appended):
    """The file's lines, once one has been written."""
    assert await appended.next()
    return [json.loads(text) for text in read_lines(path)]


async def ended_rows(home, noted):
    """What the trade store's rows say of their end, once both do."""
    while True:
        await noted.next()
        with closing(sqlite3.connect(home / "trades.sqlite3")) as store:
            found = store.execute(
                "SELECT realised_pnl, exit_charges, exit_slippage, exit_line FROM trades "
                "WHERE order_status = 'CLOSED' AND exit_line IS NOT NULL"
            ).fetchall()
        if len(found) == 2:
            return found


@pytest.fixture
def appended(monkeypatch):
    """Each line that goes into the file of executions."""
    return Calls(monkeypatch, ExecutionsFile, "append")


async def test_a_book_is_what_the_exchange_traded_and_the_tool_shows_it(
    tmp_path, monkeypatch, capsys, appended
):
    """Every trade by its id, units, price and second; sums made anew from them; readable while it runs."""
    home, noted = tmp_path / "home", Calls(monkeypatch, SqliteStore, "note_exits")
    async with sandbox() as world, monitor(world, home, Mode.EXECUTE):
        await world.telegram.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
        (book,) = await written(executions_file(home, Mode.EXECUTE), appended)
        ours = {order.order_id for order in orders_of(world, 3360)}
        trades = [trade for trade in world.dhan.exchange.account().trades if trade.order_id in ours]
        assert set(held(world, 3360).values()) == {0}
        ends = await ended_rows(home, noted)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DATA_DIR", str(home))
        assert await asyncio.to_thread(main, ["positions", "--detailed"]) == 0
        page = capsys.readouterr().out
        assert await asyncio.to_thread(main, ["positions", "--detailed", "--json"]) == 0
        (told,) = json.loads(capsys.readouterr().out)
    fills = [
        (fill["trade_id"].rpartition("/")[2], order["order_id"], leg["side"], fill["units"], fill["paise"])
        for leg in book["legs"]
        for order in leg["orders"]
        for fill in order["fills"]
    ]
    assert sorted(fills) == sorted(
        (str(trade.trade_id), trade.order_id, trade.side, trade.quantity, trade.price_paise)
        for trade in trades
    )
    assert all(order["fills_complete"] for leg in book["legs"] for order in leg["orders"])
    assert all(fill["at"] for leg in book["legs"] for order in leg["orders"] for fill in order["fills"])
    rows = [row for row in world.outside.trades if row["strategy_id"] == 3360]
    received = sum(round(row["price"] * 100) * row["quantity"] for row in rows)
    paid = sum(trade.quantity * trade.price_paise for trade in trades)
    assert book["realised_before_charges_paise"] == received - paid
    assert book["charges_paise"] > 2 * 2_360
    slipped = sum(
        trade.quantity * trade.price_paise - trade.quantity * leg["trigger_mid_paise"]
        for leg in book["legs"]
        for trade in trades
        if trade.order_id in {order["order_id"] for order in leg["orders"]}
    )
    assert book["slippage_rupees"] == slipped / 100
    assert 0 <= book["seconds"]["to_first_order"] <= book["seconds"]["to_verified_flat"]
    assert sum(round(float(made) * 100) for made, _, _, _ in ends) == received - paid
    assert sum(round(float(cost) * 100) for _, cost, _, _ in ends) == book["charges_paise"]
    assert sum(round(float(worse) * 100) for _, _, worse, _ in ends) == slipped
    assert {name for *_, name in ends} == {f"{book['intent']}/1"}
    assert (book["mode"], book["rule"], book["by"]) == ("execute", "stop_loss_rupees", "stop_loss_rupees")
    assert "exit_executions.json: 1 line, each follows the one before it" in page
    assert "default/3361" in page
    assert "No live prices here" in page
    assert [line["intent"] for line in told["ended"]] == [book["intent"]]
    assert told["executions"] == [{"name": "exit_executions.json", "lines": 1, "faults": []}]


async def test_an_exit_whose_book_cannot_be_written_ends_flat_and_the_next_start_writes_it(
    tmp_path, appended
):
    """Where the logs belong there is a file: told on the phone; the journal keeps the line meanwhile."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "logs").write_text("in the way")
    path = executions_file(home, Mode.EXECUTE)
    async with sandbox() as world:
        async with monitor(world, home, Mode.EXECUTE):
            await world.telegram.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
            await world.telegram.wait_for(text_of("The file of executions cannot be written"), WAIT_S)
            assert set(held(world, 3360).values()) == {0}
        (home / "logs").unlink()
        async with monitor(world, home, Mode.EXECUTE):
            (book,) = await written(path, appended)
    assert (book["state"], book["position"]) == ("flat", "default/3360")
