"""The generated market: deterministic, plausible, and with strings to pull."""

from __future__ import annotations

import csv
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import InstrumentKind, Right, Segment
from sandbox.black76 import greeks, price, smile
from sandbox.ist import moment_s
from sandbox.market import Market
from sandbox.master import compact, detailed
from sandbox.walk import Phase, Temper
from tests.sandbox.conftest import MORNING_S


def _books(market: Market) -> list[tuple[object, ...]]:
    return [(key, market.quote(key)) for key in market.instruments]


def test_the_same_seed_makes_the_same_day_however_often_one_looks() -> None:
    """Underlyings depend on seed and moment alone, books too when somebody looks every two seconds."""
    often, sometimes, seldom = (Market(MORNING_S, seed=7, pace=20) for _ in range(3))
    for quarter in range(1, 41):
        often.step(MORNING_S + quarter / 4)
        if quarter in {1, 9, 12, 20, 27, 35, 40}:
            sometimes.step(MORNING_S + quarter / 4 + 0.1)
    seldom.step(MORNING_S + 10)
    assert _books(often) == _books(sometimes)
    symbols = ("NIFTY", "BANKNIFTY", "RELIANCE", "ASTRAL")
    assert [often.spot_paise(s) for s in symbols] == [seldom.spot_paise(s) for s in symbols]
    twin = Market(MORNING_S, seed=7, pace=20)
    twin.step(MORNING_S + 10)
    assert _books(twin) == _books(seldom)
    assert Market(MORNING_S, seed=8).quote(often.option("NIFTY", 25_300, Right.CALL).key) is not None


def test_every_book_is_on_the_grid_ordered_and_uncrossed() -> None:
    """Bids fall, asks rise, bid below ask, all on the tick, quantities in whole lots."""
    market = Market(MORNING_S, pace=50)
    market.step(MORNING_S + 30)
    for instrument in market.instruments.values():
        quote = market.quote(instrument.key)
        assert quote is not None
        if instrument.kind is InstrumentKind.INDEX:
            assert not quote.bids
            continue
        assert quote.asks
        assert quote.bid_paise < quote.ask_paise
        assert all(a.price_paise > b.price_paise > 0 for a, b in pairwise(quote.bids))
        assert all(a.price_paise < b.price_paise for a, b in pairwise(quote.asks))
        for level in quote.bids + quote.asks:
            assert level.price_paise % instrument.tick_paise == 0
            assert level.quantity > 0
            assert level.quantity % instrument.lot == 0
        assert quote.lower_circuit_paise <= quote.ask_paise <= quote.upper_circuit_paise


def test_spreads_widen_away_from_the_money() -> None:
    """In ticks of their price, far options are dearer to trade."""
    market = Market(MORNING_S)
    near, far = (market.option("NIFTY", strike, Right.CALL) for strike in (25_300, 26_500))

    def share(option) -> float:
        quote = market.quote(option.key)
        assert quote is not None
        return (quote.ask_paise - quote.bid_paise) / quote.ask_paise

    assert share(far) > 2 * share(near)


def test_set_spot_takes_the_chain_along() -> None:
    """A jump of the index lifts calls and sinks puts at once."""
    market = Market(MORNING_S)
    call, put = (market.option("NIFTY", 25_300, right) for right in (Right.CALL, Right.PUT))
    before = [market.quote(at.key) for at in (call, put)]
    market.set_spot("NIFTY", 25_600)
    after = [market.quote(at.key) for at in (call, put)]
    assert market.spot_paise("NIFTY") == 2_560_000
    assert after[0].bid_paise > before[0].ask_paise
    assert after[1].ask_paise < before[1].bid_paise
    assert {call.key, put.key} <= market.take_changes()
    assert market.take_changes() == set()


def test_a_frozen_market_stands_still_until_thawed() -> None:
    """Nothing changes, not even quantities, and nothing is told."""
    market = Market(MORNING_S, pace=100)
    market.freeze()
    before = _books(market)
    market.step(MORNING_S + 5)
    assert _books(market) == before
    assert market.take_changes() == set()
    market.thaw()
    market.step(MORNING_S + 6)
    assert market.take_changes()


def test_a_pinned_quote_stays_until_released() -> None:
    """What a test says a book is, it is; one side may be empty."""
    market = Market(MORNING_S, pace=100)
    option = market.option("BANKNIFTY", 57_200, Right.PUT)
    market.set_quote(option.key, 0, 12_345, quantity=30)
    market.step(MORNING_S + 5)
    quote = market.quote(option.key)
    assert quote is not None
    assert (quote.bids, quote.ask_paise, quote.asks[0].quantity) == ((), 12_345, 30)
    market.release(option.key)
    market.step(MORNING_S + 10)
    released = market.quote(option.key)
    assert released is not None
    assert released.bids


def test_a_glide_arrives_where_it_was_told_to() -> None:
    """Whatever the noise on the way, the price is there at the end."""
    market = Market(MORNING_S, pace=50)
    market.glide("NIFTY", 25_500, over_s=5, after_s=2)
    market.step(MORNING_S + 7)
    assert market.spot_paise("NIFTY") == 2_550_000


def test_volume_only_grows_and_open_interest_breathes_within_its_extremes() -> None:
    """Contracts are opened and closed; whole lots always, and an index has none."""
    market = Market(MORNING_S, pace=20)
    key = market.option("NIFTY", 25_300, Right.CALL).key
    seen = []
    for second in range(60):
        market.step(MORNING_S + second)
        seen.append(market.quote(key))
    assert all(before.volume <= after.volume for before, after in pairwise(seen))
    assert len({q.oi for q in seen}) > 10
    assert all(q.oi_low <= q.oi <= q.oi_high and q.oi % 65 == 0 for q in seen)
    index = next(at for at in market.instruments.values() if at.kind is InstrumentKind.INDEX)
    assert market.quote(index.key).oi == 0


def test_violent_phases_come_and_go() -> None:
    """The market begins quiet and has both tempers within an hour."""
    temper = Temper(seed=1)
    seen = [temper.advance(0.25) for _ in range(4 * 3_600)]
    assert seen[0] is Phase.QUIET
    assert {Phase.QUIET, Phase.VIOLENT} == set(seen)
    assert seen.count(Phase.VIOLENT) < seen.count(Phase.QUIET)


def test_expiries_are_the_tuesdays_to_come() -> None:
    """Three of them, the first at least two days off; a start on a Tuesday waits for the next."""
    assert Market(MORNING_S).expiries == (date(2026, 2, 10), date(2026, 2, 17), date(2026, 2, 24))
    given_dates = (date(2026, 2, 9), date(2026, 3, 2))
    assert Market(MORNING_S, expiries=given_dates).expiries == given_dates


def test_an_expiry_on_a_holiday_is_the_session_before() -> None:
    """Tuesday 24 November 2026 is a holiday: the monthly contracts expire on Monday the 23rd."""
    market = Market(moment_s(date(2026, 11, 18), 10))
    assert market.expiries == (date(2026, 11, 23), date(2026, 12, 1), date(2026, 12, 8))
    flags = {
        row["SM_EXPIRY_DATE"]: row["EXPIRY_FLAG"]
        for row in csv.DictReader(detailed(market.instruments.values(), market).splitlines())
        if row["UNDERLYING_SYMBOL"] == "NIFTY" and row["INSTRUMENT"] == "OPTIDX"
    }
    assert flags == {"2026-11-23": "M", "2026-12-01": "W", "2026-12-08": "W"}


def test_the_other_exchange_is_there_too() -> None:
    """SENSEX options trade on BSE, expire on a Thursday, and their index has a tick of one paisa."""
    market = Market(moment_s(date(2026, 11, 18), 10))
    option = market.option("SENSEX", 82_500, Right.CALL)
    assert (option.segment, option.lot, option.expiry) == (Segment.BSE_FNO, 20, date(2026, 12, 10))
    rows = {row["SEM_SMST_SECURITY_ID"]: row for row in csv.DictReader(compact([option]).splitlines())}
    row = rows[str(option.security_id)]
    assert (row["SEM_EXM_EXCH_ID"], row["SEM_EXPIRY_DATE"]) == ("BSE", "2026-12-10 15:30:00")
    assert row["SEM_TRADING_SYMBOL"] == "SENSEX-Dec2026-82500-CE"
    assert market.quote(option.key).bid_paise > 0


def test_time_value_lasts_until_the_close_of_the_expiry_day() -> None:
    """Since August 2026 that is 15:40, not half past three."""
    market = Market(moment_s(date(2026, 12, 1), 15, 30), expiries=[date(2026, 12, 1)])
    option = market.option("NIFTY", 25_300, Right.CALL)
    assert market.sensitivities(option)[1].vega > 0
    market.step(moment_s(date(2026, 12, 1), 15, 40))
    assert market.sensitivities(option)[1].vega == 0


def test_an_unlisted_contract_is_named_in_the_error() -> None:
    """A wrong strike in a test says so."""
    with pytest.raises(KeyError, match=r"NIFTY .* 25301 CE"):
        Market(MORNING_S).option("NIFTY", 25_301, Right.CALL)


_levels = st.floats(50, 100_000)


@settings(max_examples=200)
@given(forward=_levels, strike=_levels, years=st.floats(0.0005, 1), vol=st.floats(0.05, 1.5))
def test_black_76_keeps_parity_and_bounds(forward, strike, years, vol) -> None:
    """Call less put is forward less strike, and no price is below intrinsic or above its limit."""
    call, put = (price(forward, strike, years, vol, call=right) for right in (True, False))
    slack = 1e-9 * (forward + strike)
    assert call - put == pytest.approx(forward - strike, abs=slack)
    assert max(0.0, forward - strike) - slack <= call <= forward + slack
    assert max(0.0, strike - forward) - slack <= put <= strike + slack


def test_black_76_known_value_and_slopes() -> None:
    """A textbook price, and greeks that agree with small moves of the price."""
    assert price(100, 100, 1.0, 0.2, call=True) == pytest.approx(7.9656, abs=1e-4)
    at = greeks(25_300, 25_500, 0.05, 0.12, call=True)

    def value(forward: float = 25_300, years: float = 0.05, vol: float = 0.12) -> float:
        return price(forward, 25_500, years, vol, call=True)

    assert at.delta == pytest.approx((value(forward=25_301) - value(forward=25_299)) / 2, rel=1e-3)
    assert at.gamma == pytest.approx(value(forward=25_301) - 2 * value() + value(forward=25_299), rel=1e-2)
    assert at.vega == pytest.approx((value(vol=0.125) - value(vol=0.115)), rel=1e-3)
    assert at.theta == pytest.approx((value(years=0.05 - 1 / 3650) - value()) * 10, rel=1e-2)


def test_at_expiry_only_intrinsic_value_is_left() -> None:
    """No time, no extra."""
    assert price(25_400, 25_300, 0, 0.12, call=True) == 100
    assert price(25_400, 25_300, 0, 0.12, call=False) == 0
    assert greeks(25_400, 25_300, 0, 0.12, call=False).delta == 0


def test_the_smile_favours_puts() -> None:
    """Downside strikes have more volatility than upside ones, both wings more than the middle far out."""
    low, middle, high = (smile(0.12, 25_000, strike, 0.05) for strike in (24_000, 25_000, 26_000))
    assert low > middle
    assert low > high
