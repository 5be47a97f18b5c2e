"""A day that the whole house records while it lives in the sandbox, replayed afterwards."""

from __future__ import annotations

import asyncio

import pytest

from engine.io.packing import pack
from engine.io.recorded import find_day
from engine.io.reruns import RerunRequest, run_recorded
from engine.model import Mode
from engine.recording.entries import Note
from engine.recording.scribe import Scribe
from tests.e2e.outside import WAIT_S, monitor, orders_of, sandbox, text_of
from tests.support.calls import Calls

pytestmark = pytest.mark.timeout(90)

#: The demo's strangle, and the day of `tests.e2e.outside.START`.
STRANGLE, DAY = 3360, "2026-11-18-paper"


async def test_the_house_records_its_day_and_the_replay_finds_the_same_exit(tmp_path):
    """Sockets, feed, journal and recorder as they are; the market stands, so that a fill has one price."""
    home = tmp_path / "home"
    async with sandbox() as world:
        world.dhan.market.freeze()
        async with monitor(world, home, Mode.SIMULATE, RECORD_DAYS="5"):
            flat = text_of("Verified flat: 3360 BANKNIFTY Short Strangle")
            await world.telegram.wait_for(flat, WAIT_S)
    day = find_day(home / "recorded" / DAY)
    before = await asyncio.to_thread(run_recorded, RerunRequest(day))
    (position,) = [each for each in before["positions"] if each["strategy_id"] == STRANGLE]
    assert position["happened"]["status"] == "closed"
    (real,), (again,) = position["happened"]["exits"], position["same_rules"]["exits"]
    assert real["rule"] == again["rule"] == "stop_loss_rupees"
    assert real["at"][:18] == again["at"][:18]
    assert position["difference"] == 0.0
    held = [each for each in before["positions"] if each["strategy_id"] != STRANGLE]
    assert held
    assert {each["difference"] for each in held} == {0.0}
    await asyncio.to_thread(pack, day)
    assert await asyncio.to_thread(run_recorded, RerunRequest(find_day(day.path))) == before


async def without_its_rows(taken):
    """The trade store has been read since the exit has closed its rows there, and that is in the record."""
    while True:
        told = [n.data["rows"] for n in await taken.next() if isinstance(n, Note) and n.kind == "rows"]
        if told and not any(row["strategy_id"] == STRANGLE for row in told[-1]):
            return


async def test_what_happened_is_what_the_exchange_has_traded(tmp_path, monkeypatch):
    """In execute: the fills of the exchange to the paisa, and their charges; the replay errs beside it."""
    home, taken = tmp_path / "home", Calls(monkeypatch, Scribe, "take")
    async with sandbox() as world:
        async with monitor(world, home, Mode.EXECUTE, RECORD_DAYS="5"):
            flat = text_of("Verified flat: 3360 BANKNIFTY Short Strangle")
            await world.telegram.wait_for(flat, WAIT_S)
            await without_its_rows(taken)
        ours = {order.order_id for order in orders_of(world, STRANGLE)}
        trades = [t for t in world.dhan.exchange.account().trades if t.order_id in ours]
    day = find_day(home / "recorded" / DAY.removesuffix("-paper"))
    result = await asyncio.to_thread(run_recorded, RerunRequest(day))
    (position,) = [each for each in result["positions"] if each["strategy_id"] == STRANGLE]
    rows = [row for row in world.outside.trades if row["strategy_id"] == STRANGLE]
    received = sum(round(row["price"] * 100) * row["quantity"] for row in rows)
    paid = sum(trade.quantity * trade.price_paise for trade in trades)
    happened = position["happened"]
    assert happened["status"] == "closed"
    assert round(happened["gross"] * 100) == received - paid
    assert happened["net"] == round(happened["gross"] - happened["charges"], 2)
    assert result["recorded_mode"] == "execute"
    assert position["replay"]["status"] == "closed"
    assert position["replay_error"] == position["difference"]
    loose = tmp_path / "loose.toml"
    loose.write_text('[strategy."Short Strangle"]\nstop_loss_rupees = 9000000\n')
    tried = await asyncio.to_thread(run_recorded, RerunRequest(day, loose))
    (held,) = [each for each in tried["positions"] if each["strategy_id"] == STRANGLE]
    assert held["with_rules"]["exits"] == []
    assert held["notes"] == [], "rows that the real exit closed are still held in the replay"
    assert held["replay"]["status"] == "open"
    kinds = {note.kind for note in day.notes()}
    assert {"place", "outcome", "update", "order", "intent", "audit", "alert", "closed", "book"} <= kinds
