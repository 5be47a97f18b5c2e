"""What the broker holds, put together and named on the phone before it is accepted."""

from __future__ import annotations

import pytest

from engine.io.stores.sqlite import SqliteStore
from tests.e2e.outside import WAIT_S, sandbox, text_of
from tests.e2e.test_broker_source import empty_monitor

pytestmark = pytest.mark.timeout(120)


def number_of(offer):
    """What an offer is called by in /group."""
    return offer.text.split("Watch ")[1].split(" ")[0]


def legs_of(offer):
    """The lines of an offer that are its legs."""
    return [line for line in offer.text.splitlines() if line[:1].isdecimal() and line[1:3] == ". "]


async def new_offers(phone, after, count):
    """So many offers that came after a message, oldest first."""

    def there(server):
        found = [message for message in server.sent() if message.id > after.id and "Watch " in message.text]
        return found if len(found) >= count else None

    return await phone.wait_for(there, WAIT_S)


async def test_offers_are_merged_and_named_on_the_phone(tmp_path):
    """A split, undone by a merge, and a name of one's own: that is what the accepted rows say."""
    async with sandbox(story=False) as world:
        phone = world.telegram
        async with empty_monitor(world, tmp_path):
            first = await phone.wait_for(text_of("NIFTY Custom?"), WAIT_S)
            strangle = await phone.wait_for(text_of("BANKNIFTY Short Strangle?"), WAIT_S)
            call = await phone.wait_for(text_of("ASTRAL Long Call?"), WAIT_S)
            last = max(first, strangle, call, key=lambda message: message.id)
            legs = legs_of(first)
            assert len(legs) == 6
            phone.phone.send(f"/group split {number_of(first)} 1")
            rest, one = await new_offers(phone, last, 2)
            phone.phone.send(f"/group merge {number_of(one)} {number_of(strangle)}")
            refused = await phone.wait_for(text_of("a position has one underlying"), WAIT_S)
            phone.phone.send(f"/group merge {number_of(one)} {number_of(rest)}")
            (whole,) = await new_offers(phone, refused, 1)
            assert legs_of(whole) == legs
            for gone in (one, rest):
                await phone.wait_for(lambda s, at=gone.id: "Offered anew" in s.messages[at].text, WAIT_S)
            phone.phone.send(f"/group name {number_of(whole)} Monday <Book>")
            (named,) = await new_offers(phone, whole, 1)
            assert "NIFTY Monday <Book>?" in named.text
            assert legs_of(named) == legs
            phone.phone.tap(named.id, "Accept")
            await phone.wait_for(lambda s: "Accepted: " in s.messages[named.id].text, WAIT_S)
        rows = await SqliteStore(tmp_path / "trades.sqlite3").open_rows()
        nifty = {row["security_id"] for row in world.outside.trades if row["symbol"] == "NIFTY"}
        assert {row.security_id for row in rows} == nifty
        assert {(row.strategy, row.strategy_id) for row in rows} == {("Monday <Book>", rows[0].strategy_id)}
        assert world.dhan.exchange.log == []
