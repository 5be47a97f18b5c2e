"""Recorded days as a market."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path

import pytest

from engine.model import InstrumentKind, Right, Segment, instrument_key
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.master import detailed
from sandbox.replay import RecordedMarket, SpeedClock
from tests.sandbox.conftest import buy

HEAD = "ts,underlying,expiry,strike,right,ltp,bid,bid_qty,ask,ask_qty,volume,oi,chg_oi,iv,spot,stale\n"
DAYS = Path(__file__).resolve().parents[3] / "shared" / "data" / "days"
EXPIRY = date(2025, 9, 2)


def _moment(clock: str, day: str = "2025-08-29") -> float:
    return datetime.fromisoformat(f"{day}T{clock}+05:30").timestamp()


def row(clock: str, cells: str, day: str = "2025-08-29", symbol: str = "NIFTY") -> str:
    return f"{day}T{clock}+05:30,{symbol},2025-09-02,24500,CE,{cells}\n"


def write_day(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "day.csv.gz"
    path.write_bytes(gzip.compress((HEAD + "".join(rows)).encode()))
    return path


def _market(tmp_path: Path, *rows: str) -> RecordedMarket:
    return RecordedMarket(write_day(tmp_path, *rows))


def test_quotes_follow_the_recording(tmp_path) -> None:
    """Nothing before its moment; what did not change is not told again."""
    market = _market(
        tmp_path,
        row("09:24:16", "100.00,99.50,750,100.50,1500,10,7,0,12.1,24400.05,0"),
        row("09:25:21", "100.00,99.50,750,100.50,1500,10,7,0,12.1,24400.05,1"),
        row("09:26:26", "101.00,100.50,750,101.50,1500,12,7,0,12.1,24410.00,0"),
    )
    option = market.option("NIFTY", 24_500, Right.CALL, EXPIRY)
    nifty = instrument_key(Segment.IDX_I, 13)
    market.step(market.start_s - 1)
    assert market.quote(option.key) is None
    market.step(market.start_s)
    assert market.take_changes() == {option.key, nifty}
    quote = market.quote(option.key)
    assert quote is not None
    assert (quote.bid_paise, quote.ask_paise, quote.asks[0].quantity) == (9_950, 10_050, 1_500)
    assert option.lot == 75
    market.step(_moment("09:25:21"))
    assert market.take_changes() == set()
    market.step(_moment("09:30:00"))
    assert market.take_changes() == {option.key, nifty}
    assert market.quote(nifty).ltp_paise == 2_441_000


def test_pages_older_than_one_seen_are_dropped(tmp_path) -> None:
    """Marked so, or given away by a falling volume; a new day begins anew."""
    market = _market(
        tmp_path,
        row("09:24:16", "100.00,99.50,750,100.50,1500,10,7,0,,,0"),
        row("09:25:16", "90.00,89.50,750,90.50,1500,11,7,0,,,2"),
        row("09:26:16", "80.00,79.50,750,80.50,1500,9,7,0,,,0"),
        row("09:16:00", "70.00,69.50,750,70.50,1500,1,7,0,,,0", day="2025-09-01"),
    )
    option = market.option("NIFTY", 24_500, Right.CALL, EXPIRY)
    market.step(_moment("15:30:00"))
    assert market.quote(option.key).ltp_paise == 10_000
    market.step(_moment("15:30:00", "2025-09-01"))
    assert market.quote(option.key).ltp_paise == 7_000


def test_a_day_of_last_prices_gets_made_up_quotes(tmp_path) -> None:
    """One per cent from bid to ask, rounded outward."""
    market = _market(tmp_path, row("09:24:16", "100.05,,,,,10,7,0,,,0"))
    market.step(market.start_s)
    quote = market.quote(market.option("NIFTY", 24_500, Right.CALL, EXPIRY).key)
    assert quote is not None
    assert (quote.bid_paise, quote.ask_paise, quote.ltp_paise) == (9_950, 10_060, 10_005)


def test_the_exchange_trades_on_a_recorded_day(tmp_path) -> None:
    """Orders fill at the recorded side, up to the recorded quantity."""
    market = _market(tmp_path, row("09:24:16", "100.00,99.50,750,100.50,150,10,7,0,,24400.05,0"))
    market.step(market.start_s)
    exchange = Exchange(market)
    exchange.open_account(DEFAULT_CLIENT, "sandbox-token", market.start_s)
    option = market.option("NIFTY", 24_500, Right.CALL, EXPIRY)
    order = exchange.place(buy(option, quantity=225, price=100.5), market.start_s)
    exchange.advance(market.start_s + 1)
    assert [(trade.price_paise, trade.quantity) for trade in order.trades] == [(10_050, 150)]


def test_each_underlying_is_what_it_is_and_trades_where_it_does(tmp_path) -> None:
    """SENSEX is an index whose options trade at the other exchange; a lot given beats the table's."""
    rows = (row("09:24:16", "100.00,99.50,20,100.50,20,10,7,0,,81000,0", symbol=s) for s in ("SENSEX", "TCS"))
    market = RecordedMarket(write_day(tmp_path, *rows), lots={"SENSEX": 10})
    market.step(market.start_s)
    sensex = market.option("SENSEX", 24_500, Right.CALL, EXPIRY)
    assert (sensex.segment, sensex.lot, sensex.index_option) == (Segment.BSE_FNO, 10, True)
    assert sensex.underlying == instrument_key(Segment.IDX_I, 51)
    stock = market.option("TCS", 24_500, Right.CALL, EXPIRY)
    assert (stock.segment, stock.lot, stock.index_option) == (Segment.NSE_FNO, 1, False)
    lines = detailed(market.instruments.values(), market).splitlines()[1:]
    assert sorted(line.split(",")[0] for line in lines) == ["BSE", "BSE", "NSE", "NSE"]


def test_an_empty_file_says_so(tmp_path) -> None:
    """No rows is no market."""
    with pytest.raises(ValueError, match="read no rows"):
        _market(tmp_path)


def test_the_clock_runs_as_fast_as_it_is_told() -> None:
    """A minute a second."""
    real = iter([100.0, 100.0, 102.0])
    clock = SpeedClock(1_000.0, 60.0, lambda: next(real))
    assert clock() == 1_000.0
    assert clock() == 1_120.0


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("2025-08-29_NIFTY_1min_quotes", 600),
        ("2026-08-18_NIFTY_1min_ltp_expiry", 200),
        ("2019-05-20_index_and_stocks_15min_quotes", 1_000),
    ],
)
def test_real_days_can_be_played(name, least) -> None:
    """Every recorded contract gets a quote, uncrossed books stay as recorded."""
    path = DAYS / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"recorded days are not beside this checkout ({path.name})")
    market = RecordedMarket(path)
    market.step(market.start_s + 1_800)
    quoted = [key for key in market.instruments if market.quote(key) is not None]
    assert len(quoted) >= least * 0.5
    options = [i for i in market.instruments.values() if i.kind is InstrumentKind.OPTION]
    assert len(options) >= least
    assert len({i.key for i in options}) == len(options)
