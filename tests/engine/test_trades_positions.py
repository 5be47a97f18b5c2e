"""Rows become positions, or a sentence why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from engine.model import Instrument, InstrumentKind, Right, Segment, Side, TradeRow
from engine.trades import InvalidPosition, is_open, positions
from tests.engine.test_trades import AT_S, PARSED

TODAY = date(2026, 2, 3)


def option(security_id: int, strike: int, right: Right = Right.CALL, **changed: object) -> Instrument:
    """A NIFTY option of 24 February 2026."""
    made = Instrument(
        Segment.NSE_FNO, security_id, InstrumentKind.OPTION, "NIFTY", f"NIFTY 24 FEB {strike} {right}",
        lot=65, expiry=date(2026, 2, 24), strike_paise=strike * 100, right=right,
    )  # fmt: skip
    return replace(made, **changed)


def leg_row(row_id: int, instrument: Instrument, quantity: int = 65, **changed: object) -> TradeRow:
    """A row that holds this instrument, bought when the quantity is positive."""
    made = replace(
        PARSED,
        id=row_id,
        symbol=instrument.symbol,
        security_id=instrument.security_id,
        action=Side.BUY if quantity > 0 else Side.SELL,
        type=str(instrument.right or "FUT"),
        strike_price_paise=instrument.strike_paise,
        expiry_date=instrument.expiry,
        quantity=abs(quantity),
    )
    return replace(made, **changed)


CALL, PUT, HIGH = option(1, 25300), option(2, 24500, Right.PUT), option(3, 25500)
MASTER = {instrument.key: instrument for instrument in (CALL, PUT, HIGH)}


def only_invalid(*rows: TradeRow, **more: bool) -> InvalidPosition:
    """The one invalid position these rows make."""
    good, (bad,) = positions(rows, MASTER, TODAY, **more)
    assert not good
    return bad


def test_open_rows_of_one_account_and_strategy_are_one_position():
    """Legs are signed by their action, grouped by account and strategy id, closed rows left out."""
    rows = [
        leg_row(1, CALL, -65, timestamp_s=AT_S + 60),
        leg_row(2, PUT, -130, strategy_id=3360, strategy=""),
        leg_row(3, HIGH, 65),
        leg_row(4, PUT, 65, account="family"),
        leg_row(5, PUT, 65, order_status="CLOSED"),
    ]
    good, bad = positions(rows, MASTER, TODAY)
    assert bad == []
    assert [p.id for p in good] == ["default/3359", "default/3360", "family/3359"]
    first = good[0]
    assert [(leg.instrument, leg.quantity, leg.row_id, leg.entry_price_paise) for leg in first.legs] == [
        (CALL, -65, 1, 5700),
        (HIGH, 65, 3, 5700),
    ]
    assert (first.opened_at_s, first.strategy, first.symbol) == (AT_S, "Long Call", "NIFTY")
    assert not is_open(rows[4])


def test_an_unknown_contract_makes_the_position_invalid_and_leaves_the_others():
    """One row that points nowhere stops its own position only, with a sentence naming the row."""
    good, (bad,) = positions(
        [leg_row(1, CALL), leg_row(2, PUT, security_id=99), leg_row(3, HIGH, strategy_id=3360)], MASTER, TODAY
    )
    assert [p.strategy_id for p in good] == [3360]
    assert bad.id == "default/3359"
    assert len(bad.rows) == 2
    assert bad.why == "row 2: NSE_FNO has no contract with security id 99"


def test_a_row_that_disagrees_with_the_contract_of_its_id_is_not_believed():
    """An id that means another strike, right or expiry than the row says is never traded."""
    assert only_invalid(leg_row(1, CALL, strike_price_paise=2_540_000)).why == (
        "row 1: security id 1 is NIFTY 24 FEB 25300 CE (CE ₹25,300.00, 2026-02-24), "
        "the row says CE ₹25,400.00, 2026-02-24"
    )
    assert "the row says PE" in only_invalid(leg_row(1, CALL, type="PE")).why
    assert (
        "the row says CE ₹25,300.00, 2026-03-24"
        in only_invalid(leg_row(1, CALL, expiry_date=date(2026, 3, 24))).why
    )


def test_expired_contracts_odd_lots_and_missing_prices_are_named_together():
    """Every reason a row cannot be watched is told, each with its row."""
    late = date(2026, 2, 25)
    good, (bad,) = positions([leg_row(1, CALL, 60), leg_row(2, PUT, price_paise=None)], MASTER, late)
    assert not good
    assert bad.why == (
        "row 1: NIFTY 24 FEB 25300 CE expired on 2026-02-24; "
        "row 1: 60 is not a whole number of lots of 65; "
        "row 2: NIFTY 24 FEB 24500 PE expired on 2026-02-24; "
        "row 2: the entry price is empty, so no profit or loss can be known"
    )
    assert positions([leg_row(1, CALL)], MASTER, date(2026, 2, 24))[1] == []


def test_a_replay_may_leave_the_price_empty():
    """There an empty price means entered at the first quote."""
    good, bad = positions([leg_row(1, CALL, price_paise=None)], MASTER, TODAY, price_needed=False)
    assert bad == []
    assert good[0].legs[0].entry_price_paise is None


def test_legs_on_two_underlyings_are_no_position():
    """A strategy id used twice for different things is refused rather than valued."""
    bank = option(9, 55000, symbol="BANKNIFTY", display="BANKNIFTY 24 FEB 55000 CE")
    good, (bad,) = positions([leg_row(1, CALL), leg_row(2, bank)], MASTER | {bank.key: bank}, TODAY)
    assert not good
    assert bad.why == "legs on two underlyings: BANKNIFTY, NIFTY"


def test_a_future_is_a_leg_too():
    """A FUT row agrees with a future's instrument by expiry alone."""
    future = Instrument(
        Segment.NSE_FNO, 5, InstrumentKind.FUTURE, "NIFTY", "NIFTY FEB FUT", lot=65, expiry=date(2026, 2, 24)
    )
    good, bad = positions([leg_row(1, future, -65)], {future.key: future}, TODAY)
    assert bad == []
    assert good[0].legs[0].quantity == -65


def test_the_margin_of_a_position_is_what_its_rows_say_together():
    """Per row, or once for all of them; where no row says one it is unknown, not nothing."""
    for margins, whole in (((None, None), None), ((6_432_105, None), 6_432_105), ((100, 200), 300)):
        rows = [
            leg_row(n, one, margin_paise=m)
            for n, (one, m) in enumerate(zip((CALL, PUT), margins, strict=True), 1)
        ]
        (found,), _ = positions(rows, MASTER, TODAY)
        assert found.margin_paise == whole


def test_a_position_is_tagged_with_the_set_its_rows_name():
    """Rows without a word agree with any; the case does not matter; two words are both kept."""
    rows = [leg_row(1, CALL, rule_set="mine"), leg_row(2, PUT), leg_row(3, HIGH, rule_set="MINE")]
    found, _ = positions(rows, {i.key: i for i in (CALL, PUT, HIGH)}, TODAY)
    assert [len(p.rule_sets) for p in found] == [1]
    rows[1] = replace(rows[1], rule_set="other")
    (position,), _ = positions(rows, {i.key: i for i in (CALL, PUT, HIGH)}, TODAY)
    assert position.rule_sets == ("MINE", "other")
