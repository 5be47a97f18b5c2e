"""No database at all: what the broker holds is offered on the phone, accepted, and watched with rules."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from engine.io.stores.sqlite import SqliteStore
from engine.model import Mode
from tests.e2e.outside import START, WAIT_S, held, living, orders_of, sandbox, text_of

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def empty_monitor(world, home, mode=Mode.SIMULATE, rules=""):
    """A monitor whose trade store has no row; its positions come from the broker."""
    home.mkdir(exist_ok=True)
    (home / "rules.toml").write_text(rules)
    env = world.outside.settings | {
        "CLOCK_START": START,
        "DATA_DIR": str(home),
        "RULES_FILE": str(home / "rules.toml"),
        "TRADES_SOURCE": "broker",
    }
    async with living(env, mode):
        yield


async def test_an_account_without_rows_is_protected_by_two_taps(tmp_path):
    """The strangle of the account is offered, accepted, priced, and its stop acts with real orders."""
    never = '[default]\nprofit_target = 10\n[strategy."Short Strangle"]\nstop_loss_rupees = 1000\n'
    async with sandbox() as world, empty_monitor(world, tmp_path, Mode.EXECUTE, never):
        phone = world.telegram
        offer = await phone.wait_for(text_of("BANKNIFTY Short Strangle?"), WAIT_S)
        assert "Dhan does not tell when it was entered" in offer.text
        assert world.dhan.exchange.log == []
        phone.phone.tap(offer.id, "Accept")
        await phone.wait_for(lambda s: "Accepted: " in s.messages[offer.id].text, WAIT_S)
        await phone.wait_for(text_of("Verified flat"), WAIT_S)
        assert set(held(world, 3360).values()) == {0}
        assert len(orders_of(world, 3360)) == 2
        assert orders_of(world, 3361) == []


async def test_offers_are_edited_on_the_phone_and_a_restart_neither_doubles_nor_forgets(tmp_path):
    """Six legs that Dhan carries in come as one: split, accepted, left out; the next process asks nothing."""
    async with sandbox(story=False) as world:
        phone = world.telegram
        async with empty_monitor(world, tmp_path):
            offer = await phone.wait_for(text_of("NIFTY Custom?"), WAIT_S)
            number = offer.text.split("Watch ")[1].split(" ")[0]
            lines = offer.text.splitlines()
            mine = [row["strike_price"] for row in world.outside.trades if row["strategy_id"] == 3361]
            legs = [line[0] for line in lines if any(f" {strike} PE " in line for strike in mine)]
            phone.phone.send(f"/group split {number} {' '.join(legs)}")
            spread = await phone.wait_for(text_of("NIFTY Bull Put Spread?"), WAIT_S)
            condor = await phone.wait_for(text_of("NIFTY Iron Condor?"), WAIT_S)
            call = await phone.wait_for(text_of("ASTRAL Long Call?"), WAIT_S)
            strangle = await phone.wait_for(text_of("BANKNIFTY Short Strangle?"), WAIT_S)
            for message in (spread, condor, call):
                phone.phone.tap(message.id, "Accept")
                await phone.wait_for(lambda s, at=message.id: "Accepted: " in s.messages[at].text, WAIT_S)
            phone.phone.tap(strangle.id, "Leave out")
            await phone.wait_for(lambda s: "Left out: " in s.messages[strangle.id].text, WAIT_S)
        rows = await SqliteStore(tmp_path / "trades.sqlite3").open_rows()
        assert len(rows) == 7
        assert {row.security_id for row in rows} == {
            row["security_id"] for row in world.outside.trades if row["strategy_id"] != 3360
        }
        assert len({row.strategy_id for row in rows}) == 3
        async with empty_monitor(world, tmp_path):
            phone.phone.send("/group")
            await phone.wait_for(text_of("2 contracts were left out"), WAIT_S)
            assert not any("Watch " in message.text for message in phone.sent())
        assert world.dhan.exchange.log == []
