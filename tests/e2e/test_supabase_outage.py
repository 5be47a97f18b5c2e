"""The database is away for an hour, dozens of exits run flat meanwhile: then every row is as the broker says.

Some positions go in three exits (two parts, then what is left), some rows are changed by hand while nobody
can read them. Nothing of it is lost, doubled, out of order, or off by a paisa.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal

import pytest

from engine.effects import Alert, Card
from engine.model import Side, Urgency
from engine.orders import read_correlation_id
from tests.e2e.supabase_world import living, supabase_world, until
from tests.support.stage import FIRST

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.slow,
    # A wart of the client's, which reads the code of a close through the old names.
    pytest.mark.filterwarnings(
        "ignore:ConnectionClosed.code is deprecated:DeprecationWarning",
        "ignore:ConnectionClosed.reason is deprecated:DeprecationWarning",
    ),
]

CONDORS, LOTS, PARTED = 24, 4, 6
#: Those that go in three exits.
IN_PARTS = range(FIRST, FIRST + PARTED)
#: A quarter of the combinations at 2 % of the most that can be made, another at 4 %.
LEVELS = """
insert into strategy_exit_levels
    (strategy_id, exit_type, level_name, trigger_type, trigger_value, close_percentage)
select id, 'profit_target', 'scaling_' || at, 'percentage', at, 25
from generate_series($1::int, $2::int) id, unnest(array[2, 4]) at
"""
MINUTES = 60.0
#: Longs are sold while shorts of other exits stand: no lack of margin is meant here.
FUNDS_PAISE = 10**11
RULES = """
[default]
confirm_s = 0
time_exit_dte = "off"
[strategy."Iron Condor"]
stop_loss_rupees = 1000
"""


class Scene:
    """What the market does to the condors, and what a person does to the rows meanwhile."""

    def __init__(self, world):
        self.world, self.stage = world, world.stage
        self.edited = self.closed = 0
        self.stage.exchange.account().funds_paise = FUNDS_PAISE

    async def set(self):
        """Arm the levels of those that go in parts."""
        await self.world.database.rows(LEVELS, IN_PARTS[0], IN_PARTS[-1])

    def gain(self, share):
        """What goes in parts has made this much of its maximum, and a little more; all are quoted anew."""
        for leg in (leg for legs in self.stage.legs.values() for leg in legs):
            quote = self.stage.market.quote(leg.key)
            self.stage.market.set_quote(leg.key, quote.bids[0].price_paise, quote.asks[0].price_paise)
        paid = self._paid()
        for strategy_id in IN_PARTS:
            legs = [(leg, self.stage.planned[leg.security_id] < 0) for leg in self.stage.legs[strategy_id]]
            credit_paise = sum(paid[leg.security_id] * (1 if short else -1) for leg, short in legs)
            cheaper = round(credit_paise * (share + 0.005) / 2 / 5) * 5
            for leg, short in legs:
                bid = paid[leg.security_id] - cheaper * short
                self.stage.market.set_quote(leg.key, bid, bid + leg.tick_paise)

    def lose(self):
        """The shorts of every condor become dearer by more than any stop bears."""
        paid = self._paid()
        for leg in (leg for legs in self.stage.legs.values() for leg in legs):
            dearer = 2000 if self.stage.planned[leg.security_id] < 0 else 0
            bid = paid[leg.security_id] + dearer
            self.stage.market.set_quote(leg.key, bid, bid + leg.tick_paise)

    def _paid(self):
        rows = csv.DictReader(io.StringIO(self.stage.trades_csv()))
        return {int(row["security_id"]): round(float(row["price"]) * 100) for row in rows}

    async def by_hand(self):
        """One row is doubled and another one closed, each of a condor that goes at once."""
        one, two = await self.world.database.rows(
            "select id from trades where strategy_id in ($1, $2) and action = 'SELL' and type = 'PE'"
            " and parent_id is null order by id", IN_PARTS[-1] + 1, IN_PARTS[-1] + 2,
        )  # fmt: skip
        self.edited, self.closed = one["id"], two["id"]
        await self.world.database.rows("update trades set quantity = quantity * 2 where id = $1", self.edited)
        await self.world.database.rows(
            "update trades set order_status = 'CLOSED', exit_price = 1.25 where id = $1", self.closed
        )

    def done(self, rows):
        """Every row is closed and has its figures, but for the two that somebody has changed."""
        ours = [row for row in rows if row["id"] not in {self.edited, self.closed}]
        return all(row["exit_line"] and row["order_status"] == "CLOSED" for row in ours)


def exit_of(order_name):
    """The exit that an order is of, by its name."""
    read = read_correlation_id(order_name)
    assert read is not None
    return read[1]


class Broker:
    """What the exchange says of our orders: units and turnover in paise, by order, by exit and contract."""

    def __init__(self, world):
        self.orders, self.legs = {}, defaultdict(lambda: (0, 0))
        self.sides = {}
        for order in world.stage.exchange.account().orders.values():
            exit_id = exit_of(order.ticket.correlation_id)
            units = sum(trade.quantity for trade in order.trades)
            paise = sum(trade.quantity * trade.price_paise for trade in order.trades)
            leg = (exit_id, order.ticket.instrument.security_id)
            had = self.legs[leg]
            self.orders[order.ticket.correlation_id] = units, paise
            self.legs[leg] = had[0] + units, had[1] + paise
            self.sides[leg] = order.ticket.side

    def price(self, leg):
        """The average of an exit's fills in rupees, rounded to the paisa against us."""
        units, paise = self.legs[leg]
        whole = -(-paise // units) if self.sides[leg] is Side.BUY else paise // units
        return Decimal(whole) / 100


async def agrees(world, scene, exits):
    """Rows of all four tables are as the broker and the file of executions say."""
    intents = await world.until(
        "select *, detail->>'exit_id' as name from exit_intents",
        lambda told: len(told) == exits and all(each["ended_at"] for each in told),
    )
    intents = {each["name"]: each for each in intents}
    broker, rows = Broker(world), await world.rows()
    ours = [row for row in rows if row["exit_id"]]
    legs = {(row["exit_id"], row["security_id"]): row for row in ours}
    by_hand = {row["security_id"] for row in rows if row["id"] in {scene.edited, scene.closed}}
    told = {leg for leg in broker.legs if leg[1] not in by_hand}
    assert legs.keys() == told
    assert len(legs) == len(ours)  # no leg of an exit twice
    for leg, row in legs.items():
        assert (row["order_status"], row["quantity"]) == ("CLOSED", broker.legs[leg][0])
        assert row["exit_price"] == broker.price(leg)
        sign = 1 if row["action"] == "BUY" else -1
        units, paise = broker.legs[leg]
        assert row["realised_pnl"] == sign * (Decimal(paise) / 100 - units * row["price"])

    assert {each["status"] for each in intents.values()} == {"flat"}
    assert {(row["exit_id"], row["closed_at"]) for row in ours} == {
        (name, each["ended_at"]) for name, each in intents.items()
    }
    orders = await world.database.rows("select * from exit_orders")
    assert broker.orders.keys() <= {row["id"] for row in orders}
    assert {row["status"] for row in orders if row["id"] not in broker.orders} <= {"refused", "absent"}
    for row in orders:
        units, paise = broker.orders.get(row["id"], (0, 0))
        assert row["filled"] == units
        assert not units or row["average"] == round(Decimal(paise) / units / 100, 4)
        assert row["intent_id"] == f"default/{exit_of(row['id'])}"
    for strategy_id in world.stage.legs:
        await in_order(world, [each for each in intents.values() if each["strategy_id"] == strategy_id])
    written = (world.home / "logs" / "exit_executions.json").read_text().splitlines()
    assert sorted(json.loads(line)["intent"] for line in written) == sorted(intents)
    return rows, intents.values()


async def in_order(world, intents):
    """These exits reached the rows in the order in which they ended."""
    deeds = await world.database.rows(
        "select ref, min(id) as first from audit where kind in ('trades closed', 'trades reduced')"
        " group by ref order by first"
    )
    moments = {each["name"]: each["ended_at"] for each in intents}
    written = [moments[deed["ref"]] for deed in deeds if deed["ref"] in moments]
    assert written == sorted(moments.values())


def versions(rows, scene, parts):
    """How often each row was changed: entered, each part, closed, its figures; nothing more than once."""
    for row in rows:
        if row["id"] in {scene.edited, scene.closed}:
            continue
        taken_off = parts * (row["strategy_id"] in IN_PARTS)
        assert row["version"] == (2 if row["parent_id"] else 3 + taken_off), row
    stood = {row["id"]: row for row in rows}
    edited, closed = stood[scene.edited], stood[scene.closed]
    assert (edited["order_status"], edited["version"]) == ("TRADED", 2)
    assert (closed["exit_price"], closed["version"]) == (Decimal("1.25"), 2)


async def test_an_hour_without_the_database_in_which_dozens_of_positions_go(database, tmp_path):
    """Parts at once, parts after 25 minutes, everything after 50; the database is back after 61."""
    async with supabase_world(database, tmp_path / "house", condors=CONDORS, lots=LOTS) as world:
        scene = Scene(world)
        await scene.set()
        async with living(world, RULES) as person:

            def ended():
                return sum(card.final for card in person.heard if isinstance(card, Card))

            await person.until(lambda: all(map(person.units, world.stage.legs)))
            await person.until(lambda: world.server.realtime.live and world.looks_as_owner() >= 2)
            await world.server.stop()
            scene.gain(0.02)
            await person.until(lambda: ended() == PARTED)
            world.leap(25 * MINUTES)
            scene.gain(0.04)
            await person.until(lambda: ended() == 2 * PARTED)
            await scene.by_hand()
            world.leap(25 * MINUTES)
            scene.lose()
            await person.until(lambda: ended() == 2 * PARTED + CONDORS)
            assert world.nets == {0}
            assert "The trade store does not take changes" in person.titles
            world.leap(11 * MINUTES)
            await world.server.start()
            await world.until_rows(scene.done)
            await person.until(lambda: "The trade store takes changes again" in person.titles)
            title = f"Trades row {scene.edited} was changed by somebody else"
            told = [alert for alert in person.heard if isinstance(alert, Alert) and alert.title == title]
            assert [alert.urgency for alert in told] == [Urgency.HIGH]
            assert f"Trades row {scene.closed} was closed already" in person.titles
            rows, intents = await agrees(world, scene, CONDORS + 2 * PARTED)
            await in_order(world, intents)
    versions(rows, scene, parts=2)


async def test_a_process_that_is_killed_in_the_midst_of_it_loses_nothing(database, tmp_path):
    """Parts are flat, of the stops some; its successor ends the others half an hour later, without database.

    What the dead one knew and could not write stands in the journal, and is written as if nothing had been.
    """
    async with supabase_world(database, tmp_path / "house", condors=CONDORS, lots=LOTS) as world:
        scene = Scene(world)
        await scene.set()
        async with world.monitor(rules=RULES) as first:
            await until(lambda: world.server.realtime.live and world.looks_as_owner() >= 2)
            await world.server.stop()
            scene.gain(0.02)
            await until(lambda: finals(first) == PARTED)
            scene.lose()
            await until(lambda: finals(first) >= PARTED + 4)
            first.process.kill()
            await first.process.wait()
        flat_at_first = {strategy_id for strategy_id in world.stage.legs if not world.held(strategy_id)}
        assert 4 <= len(flat_at_first) < CONDORS
        await scene.by_hand()
        world.leap(30 * MINUTES)
        async with world.monitor(rules=RULES) as second:
            await until(lambda: world.nets == {0})
            await world.server.start()
            await world.until_rows(scene.done)
            await second.says(f"Trades row {scene.edited} was changed by somebody else")
            rows, _ = await agrees(world, scene, CONDORS + PARTED)
            assert sum("changed by somebody else" in title for title, *_ in second.said) == 1
            assert await second.end() == 0
    versions(rows, scene, parts=1)


def finals(monitor):
    """How many exits have ended, as far as it has said so."""
    return sum(final for *_, final in monitor.said)
