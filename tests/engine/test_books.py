"""The book of an exit: every figure to the paisa, every sign, and nothing where nothing is known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.books import book_of
from engine.broker_nouns import OrderRequest, Product
from engine.effects import Alert, WriteBook
from engine.intents import Intent, IntentState
from engine.io.tables import charges
from engine.messages import Beat, BeatKind, BooksState, Wish
from engine.model import Action, Mode, Segment, Side, Urgency, Verdict, instrument_key
from engine.orders import Order, OrderState, Trade
from engine.plan import plan_exit
from engine.pricing import Style, Touch
from tests.engine.makers import OPENED, condor, leg, position
from tests.support.broker import Fill, ModelBroker, World
from tests.support.parts import ONE, TWO
from tests.support.parts import rig as scaling
from tests.support.rig import Rig

VERDICT = Verdict("profit_target", Action.CLOSE_POSITION, Urgency.MEDIUM, 174_000, 152_750, 1.0, "target met")
#: By leg, shorts first: the mid at the trigger, and what the exchange traded (units, paise).
CONDOR = (
    (2000, [(25, 2005), (40, 2010)]),  # short put, bought back
    (1400, [(65, 1395)]),  # short call, bought back below the mid
    (800, [(65, 790)]),  # long put, sold
    (600, [(65, 605)]),  # long call, sold above the mid
)


def order(intent, index, trades, name=0, **more):
    """A filled order of a leg, two seconds after the verdict and a second to fill for each leg."""
    leg = intent.legs[index]
    units = sum(units for units, _ in trades)
    request = OrderRequest(f"P-{index}-{name}", leg.key, leg.side, units, 9999, Product.MARGIN)
    told = {f"T{index}{name}{n}": Trade(units, paise, OPENED) for n, (units, paise) in enumerate(trades)}
    made = Order(
        request, intent.id, index, 0, name, OPENED + 2 + index, OrderState.FILLED, f"9{index}{name}",
        units, 1, filled_s=OPENED + 3 + index, trades=told,
    )  # fmt: skip
    intent.orders.append(replace(made, **more))


def exit_of(held, legs=CONDOR, state=IntentState.FLAT):
    """An exit of the position that has traded all of this."""
    plan = plan_exit(held)
    intent = Intent(
        "260203001", held.id, "default", "NIFTY Iron Condor", VERDICT, Style.PATIENT, plan,
        "profit_target", "260203001", OPENED, state,
    )  # fmt: skip
    for index, (mid, trades) in enumerate(legs):
        plan[index].trigger_mid_paise = mid
        if trades:
            order(intent, index, trades)
    return intent


def booked(intent, *, mode=Mode.EXECUTE, table=None):
    """Its book, through JSON and back."""
    return json.loads(json.dumps(book_of(intent, mode, table or charges(), OPENED + 9.5)))


def test_a_condor_of_one_lot_by_hand():
    """Averages, slippage, dated charges and P&L, each as worked out with pencil and paper."""
    book = booked(exit_of(condor()))
    legs = book["legs"]
    assert [each["average_paise"] for each in legs] == [2008.0769, 1395, 790, 605]
    assert [each["slippage_paise"] for each in legs] == [525, -325, 650, -325]
    assert [each["slippage_paise_per_unit"] for each in legs] == [8.0769, -5, 10, -5]
    assert [each["charges_paise"] for each in legs] == [2415, 2398, 2482, 2377]
    assert [each["realised_paise"] for each in legs] == [161_975, 169_325, -78_650, -77_675]
    assert book["slippage_rupees"] == 5.25
    assert book["charges_paise"] == 9_672
    assert book["realised_before_charges_paise"] == 174_975
    assert book["realised_after_charges_paise"] == 165_303
    assert book["seconds"] == {"to_first_order": 2, "to_last_fill": 6, "to_verified_flat": 9.5}
    assert "positive = worse" in book["notes"]["slippage"]
    assert "entry are not included" in book["notes"]["charges"]


def test_who_decided_what_and_each_trade_of_the_exchange_are_in_it():
    """Rule, reason, mode and person; per order its two ids; per trade its id, time, units and price."""
    book = booked(exit_of(condor()), mode=Mode.SEMI_AUTO)
    said = [book[name] for name in ("intent", "position", "rule", "reason", "by", "mode", "state")]
    assert said == [
        "260203001", "default/3359", "profit_target", "target met", "profit_target", "semi-auto", "flat",
    ]  # fmt: skip
    first = book["legs"][0]
    assert (first["name"], first["side"], first["filled"]) == ("NIFTY 24 FEB 24700 PE", "BUY", 65)
    (sent,) = first["orders"]
    assert (sent["correlation_id"], sent["order_id"]) == ("P-0-0", "900")
    at = "2026-02-03T09:20:00.000+05:30"
    assert sent["fills"] == [
        {"trade_id": "T000", "units": 25, "paise": 2005, "at": at},
        {"trade_id": "T001", "units": 40, "paise": 2010, "at": at},
    ]


@pytest.mark.parametrize(
    ("units", "traded", "slippage"), [(-65, 1010, 650), (-65, 990, -650), (65, 990, 650), (65, 1010, -650)]
)
def test_slippage_is_positive_where_it_was_worse_than_the_mid(units, traded, slippage):
    """Dearer than the mid is worse for a buyer, cheaper for a seller; the other way round is negative."""
    book = booked(exit_of(position(leg(units, 25300, "CE", 10)), [(1000, [(65, traded)])]))
    assert book["legs"][0]["slippage_paise"] == slippage
    assert book["legs"][0]["slippage_paise_per_unit"] == slippage / 65
    assert book["slippage_rupees"] == slippage / 100


def test_what_nobody_has_told_is_null_and_never_zero():
    """No price told, no mid, no rates, no entry price: each takes away only what hangs on it."""
    intent = exit_of(condor())
    intent.orders[0] = replace(intent.orders[0], trades={}, average_paise=0)
    book = booked(intent)
    names = ("average_paise", "slippage_paise", "charges_paise", "realised_paise")
    assert [book["legs"][0][name] for name in names] == [None] * 4
    assert [book["legs"][1][name] for name in names] == [1395, -325, 2398, 169_325]
    totals = ("slippage_rupees", "charges_paise", "realised_before_charges_paise")
    assert [book[name] for name in totals] == [None] * 3
    assert not book["legs"][0]["orders"][0]["fills_complete"]
    no_mid = booked(exit_of(condor(), [(None, CONDOR[0][1]), *CONDOR[1:]]))
    assert (no_mid["slippage_rupees"], no_mid["charges_paise"]) == (None, 9_672)
    intent = exit_of(condor())
    assert book_of(intent, Mode.EXECUTE, None, OPENED)["realised_after_charges_paise"] is None
    intent.legs[3].prices_paise.clear()
    assert [booked(intent)[name] for name in totals] == [5.25, 9_672, None]
    currency = replace(exit_of(condor()).legs[0], key=instrument_key(Segment.MCX_COMM, 1))
    intent = exit_of(condor())
    intent.legs[0] = currency
    assert booked(intent)["charges_paise"] is None


def test_the_row_s_average_counts_where_not_every_trade_is_told():
    """One of two trades is told: the average of the order's row stands for both."""
    intent = exit_of(condor())
    first = intent.orders[0]
    told = {name: trade for name, trade in first.trades.items() if trade.units == 25}
    intent.orders[0] = replace(first, trades=told, average_paise=2008)
    assert booked(intent)["legs"][0]["average_paise"] == 2008
    assert booked(intent)["legs"][0]["slippage_paise"] == 8 * 65


def test_each_slice_pays_for_itself_on_the_day_it_was_sent():
    """Two orders of a leg, one of them after the tax was raised: two brokerages, two rates."""
    intent = exit_of(position(leg(130, 25300, "CE", 10)), [(1000, [])])
    order(intent, 0, [(65, 100_000)], name=0)
    order(intent, 0, [(65, 100_000)], name=1, sent_s=OPENED + 60 * 86_400)
    old, new = (table.order_paise(Segment.NSE_FNO, Side.SELL, 65, 100_000) for table in charges().rates)
    assert new > old
    assert booked(intent)["charges_paise"] == old + new


def test_books_of_parts_add_up_to_the_whole():
    """Three rows at three prices in three exits, the rest of one by another: each unit is counted once."""
    rows = [replace(leg(65, 25300, "CE", price), row_id=n) for n, price in enumerate((10, 12, 17), start=1)]
    held = position(*rows)
    made = []
    for before in range(3):
        intent = exit_of(held, [(2000, [(65, 2000)])])
        intent.legs[0].before = 65 * before
        intent.legs[0].before_paise = 65 * before * 2000
        made.append(booked(intent)["legs"][0]["realised_paise"])
    assert sum(made) == 3 * 65 * 2000 - 65 * (1000 + 1200 + 1700)


def test_rows_that_cancel_each_other_out_are_realised_with_the_last_unit():
    """Two lots bought at 10, one sold at 12, the last at 11: the pair made something too."""
    held = position(
        replace(leg(130, 25300, "CE", 10), row_id=1), replace(leg(-65, 25300, "CE", 12), row_id=2)
    )
    book = booked(exit_of(held, [(1100, [(65, 1100)])]))
    assert book["realised_before_charges_paise"] == 65 * (1100 - 1000) + 65 * (1200 - 1000)


def test_what_others_have_closed_has_no_result_of_ours():
    """A leg that is gone without us: nothing is known of it, and so not of the whole."""
    intent = exit_of(condor(), [*CONDOR[:3], (600, [])], IntentState.CLOSED_OUTSIDE)
    intent.legs[3].quantity = 0
    book = booked(intent)
    assert (book["legs"][3]["closed_by_others"], book["legs"][3]["realised_paise"]) == (65, None)
    assert book["legs"][0]["realised_paise"] == 161_975
    assert book["realised_before_charges_paise"] is None
    assert book["charges_paise"] == 2415 + 2398 + 2482
    intent = exit_of(condor(), [*CONDOR[:3], (600, [(30, 605)])], IntentState.CLOSED_OUTSIDE)
    intent.legs[3].quantity = 30
    book = booked(intent)
    assert (book["legs"][3]["closed_by_others"], book["legs"][3]["realised_paise"]) == (35, -30 * 1195)
    assert book["realised_before_charges_paise"] is None


# ------------------------------------------------------------------------------------- in the house


def lines(made):
    """What the journal keeps for the file, in order."""
    return [value["line"] for _, value in sorted(made.journal.get("book", {}).items())]


def fills_of(line):
    """Every trade that a line tells of."""
    return [fill for leg in line["legs"] for each in leg["orders"] for fill in each["fills"]]


class Scribe(Rig):
    """A rig that keeps what is to be written; its broker's list may be ``off`` by so many units."""

    def __init__(self, *args, **more):
        self.written, self.off = [], 0
        super().__init__(*args, **more)

    def report(self, request):
        told = super().report(request)
        if not any(fill for fill in told.fills):
            return told
        first, *others = told.positions
        return replace(told, positions=(replace(first, net_quantity=first.net_quantity + self.off), *others))

    def do(self, effect):
        if isinstance(effect, WriteBook):
            self.written.append(json.loads(json.dumps(effect.line)))
        return super().do(effect)


def test_an_exit_leaves_one_line_when_it_ends_and_a_restart_leaves_no_other():
    """Four orders, one line, equal to what the exchange traded; the journal has it before the file does."""
    made = Scribe(Mode.EXECUTE)
    made.wait(1, 20, 45, 40, 18)
    made.wait(60, 8, 20, 14, 6)
    assert made.flat
    (line,) = made.written
    assert lines(made) == [line]
    traded = {fill.trade_id: (fill.quantity, fill.price_paise) for fill in made.exchange.fills()}
    told = {fill["trade_id"]: (fill["units"], fill["paise"]) for fill in fills_of(line)}
    assert told == traded
    assert [leg["trigger_mid_paise"] for leg in line["legs"]] == [2000, 1400, 800, 600]
    made.start()
    made.wait(5, 8, 20, 14, 6)
    made.tell(Beat(BeatKind.SYNC))
    assert len(made.written) == len(lines(made)) == 1


def test_books_of_a_part_and_of_the_rest_hold_every_trade_once():
    """A quarter, then the half, then all: three books, and together the exchange's whole trade book."""
    made = scaling()
    made.wait(40, *ONE)
    made.wait(40, *TWO)
    made.command(confirmed=True)
    made.wait(60, *TWO)
    assert made.flat
    assert [line["part"] for line in lines(made)] == [
        {"closes": 1, "open": 4, "entry": 4}, {"closes": 1, "open": 3, "entry": 4}, None,
    ]  # fmt: skip
    told = [fill["trade_id"] for line in lines(made) for fill in fills_of(line)]
    assert sorted(told) == sorted(fill.trade_id for fill in made.exchange.fills())
    spent = sum(fill.side.sign * fill.quantity * fill.price_paise for fill in made.exchange.fills())
    entry = sum(leg.quantity * leg.entry_price_paise for leg in made.legs)
    assert sum(line["realised_before_charges_paise"] for line in lines(made)) == -spent - entry


def test_a_stuck_exit_that_comes_true_gets_a_line_that_supersedes_the_first():
    """The broker's list is wrong for a while: first "stuck", with all fills; then "flat", number two."""
    made = Scribe(Mode.EXECUTE)
    made.off = 65
    made.wait(1, 20, 45, 40, 18)
    made.wait(60, 8, 20, 14, 6)
    (stuck,) = made.written
    assert (stuck["state"], stuck["sequence"], stuck["supersedes"]) == ("stuck", 1, None)
    assert stuck["seconds"]["to_verified_flat"] is None
    made.start()
    made.off = 0
    made.tell(Beat(BeatKind.SYNC))
    made.wait(5, 8, 20, 14, 6)
    _, flat = made.written
    assert (flat["state"], flat["sequence"], flat["supersedes"]) == ("flat", 2, 1)
    assert flat["seconds"]["to_verified_flat"] > 30
    assert flat["legs"] == stuck["legs"]
    assert lines(made) == made.written


@pytest.mark.parametrize("traded", [True, False])
def test_an_exit_that_was_stopped_leaves_a_line_when_it_has_traded(traded, monkeypatch):
    """/stop after the shorts are bought back: a line of two legs; before any fill there is none."""
    made = Scribe(Mode.EXECUTE)
    made.wait(1, 20, 45, 40, 18)
    if not traded:
        monkeypatch.setattr(made.exchange, "quote", lambda _tick: [])
    made.command(confirmed=True)
    made.wait(1, 8, 20, 14, 6)
    made.command(Wish.STOP)
    monkeypatch.setattr(made.exchange, "quote", lambda _tick: [])
    made.wait(10, 8, 20, 14, 6)
    assert [line["state"] for line in made.written] == ["aborted"] * traded
    for line in made.written:
        assert {leg["filled"] for leg in line["legs"]} == {0, 65}
        assert {leg["realised_paise"] for leg in line["legs"] if not leg["filled"]} == {0}


def test_exits_that_ended_before_there_were_books_get_none():
    """A journal of an older version: its ended exit is not told with the moment of the upgrade."""
    made = Scribe(Mode.EXECUTE)
    made.wait(1, 20, 45, 40, 18)
    made.wait(60, 8, 20, 14, 6)
    del made.journal["book"]
    made.start()
    made.wait(5, 8, 20, 14, 6)
    assert len(made.written) == 1


def test_what_is_wrong_with_the_file_is_told_and_stops_no_exit():
    """A full disk is an alert of its own, once; the exit goes on to verified flat."""
    made = Scribe(Mode.EXECUTE)
    made.wait(1, 20, 45, 40, 18)
    made.tell(BooksState("cannot be written", "exit_executions.json: No space left on device."))
    made.wait(60, 8, 20, 14, 6)
    (told,) = [alert for alert in made.of(Alert) if "executions" in alert.title]
    assert (told.urgency, told.title) == (Urgency.MEDIUM, "The file of executions cannot be written")
    assert "No space left" in told.text
    assert made.flat


def test_the_mid_of_the_trigger_stays_when_patience_takes_a_new_one():
    """The cap's mid is renewed, by patience and by a graver reason; slippage goes on from the first."""
    world = World(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit(style=Style.PATIENT)
    world.touches = {leg.key: Touch(3000, 3010, 3005) for leg in condor().legs}
    world.run(130.0)
    assert {leg.mid_paise for leg in world.intent.legs if leg.rank == 0} == {3005}
    world.carry(world.desk.hasten(world.intent, world.intent.verdict, world.now_s))
    assert {leg.mid_paise for leg in world.intent.legs} == {3005}
    assert {leg.trigger_mid_paise for leg in world.intent.legs} == {1005}
    assert {leg.trigger_mid_paise for leg in world.restart().legs} == {1005}
    for row in world.records["intent"]["260203001"]["legs"]:
        del row["trigger_mid"]
    assert {leg.trigger_mid_paise for leg in world.restart().legs} == {None}
