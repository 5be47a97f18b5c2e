"""Margin and funds asked over real sockets: both spellings, rubbish, silence; nothing is changed by it."""

from __future__ import annotations

import asyncio

import pytest

from engine.broker_nouns import MarginStep, Product
from engine.effects import QueryMargin
from engine.errors import WireError
from engine.io.dhan import margin as adapter
from engine.io.dhan.margin import DhanMargin
from engine.model import Right, Side
from engine.wire.margin import parse_free, parse_margin
from sandbox.exchange import DEFAULT_CLIENT

MULTI = "/margincalculator/multi"


@pytest.fixture
def spread(market, server):
    """A short call and its hedge, held; with the steps that close it, in both orders."""
    short, hedge = (market.option("NIFTY", strike, Right.CALL) for strike in (25_300, 25_500))
    for option, units in ((short, -65), (hedge, 65)):
        market.set_quote(option.key, 10_000, 10_050)
        server.exchange.carry(option.key, units, 10_000)
    back = MarginStep(short.key, Side.BUY, 65, Product.MARGIN, 10_050)
    sale = MarginStep(hedge.key, Side.SELL, 65, Product.MARGIN, 10_000)
    return back, sale


def query(*baskets):
    return QueryMargin("nonce", baskets)


def pair(step):
    """Two orders that change nothing."""
    return step, step._replace(side=Side.SELL if step.side is Side.BUY else Side.BUY)


async def test_shorts_first_frees_and_the_hedge_first_blocks(rest, server, spread):
    """Beside what is held: the spread blocks the distance of its strikes, the short alone far more."""
    back, sale = spread
    held = 200_00 * 65
    good = await DhanMargin(rest).known(query(pair(back), (back,), (back, sale)))
    bad = await DhanMargin(rest).known(query(pair(sale), (sale,), (sale, back)))
    assert (good.failed, good.margins_paise) == ("", (held, 0, 0))
    assert bad.margins_paise[0] == held
    assert bad.margins_paise[1] > 10 * held
    assert bad.margins_paise[2] == 0
    account = server.exchange.accounts[DEFAULT_CLIENT]
    assert good.free_paise == account.cash_paise - held
    assert server.exchange.log == []


async def test_the_other_spelling_is_tried_when_the_first_is_refused(rest, server, spread):
    """And used from then on."""
    server.faults.error(path=MULTI, status=400, body={"errorCode": "DH-905", "errorMessage": "scripts?"})
    made, (back, _) = DhanMargin(rest), spread
    assert (await made.known(query((back,)))).margins_paise == (0,)
    assert made._spelling == 1
    assert (await made.known(query((back,)))).margins_paise == (0,)


@pytest.mark.parametrize("path", [MULTI, "/fundlimit"])
@pytest.mark.parametrize(
    "hurt",
    [
        {"status": 502},
        {"status": 200, "body": {"total_margin": "much", "availabelBalance": None}},
        {"status": 200, "body": {"remarks": "?"}},
        {"status": 429, "body": {"errorCode": "DH-904", "errorMessage": "Rate limit"}},
    ],
)
async def test_an_answer_that_tells_nothing_is_said_to_be_none(rest, server, spread, path, hurt):
    """Whatever the broker says; and it is not asked for ever."""
    server.faults.error(path=path, verb="GET" if path == "/fundlimit" else "POST", times=100, **hurt)
    made = await DhanMargin(rest).known(query(pair(spread[0]), (spread[0],)))
    assert made.failed
    assert made.margins_paise == ()
    assert sum(100 - fault.times for fault in server.faults.rest) <= 2


async def test_a_silent_broker_is_given_up_and_its_books_can_still_be_read(rest, server, spread, monkeypatch):
    """A question on margin holds one of the places for reads, never both."""
    server.faults.stall(path=MULTI, times=10, seconds=1.0)
    made, reached, take = DhanMargin(rest), asyncio.Event(), server.faults.take

    def taken(verb, path):
        if path.endswith(MULTI):
            reached.set()
        return take(verb, path)

    monkeypatch.setattr(server.faults, "take", taken)
    questions = [asyncio.ensure_future(made.known(query((spread[0],)))) for _ in range(4)]
    async with asyncio.timeout(2):
        await reached.wait()
    async with asyncio.timeout(0.2):
        for _ in range(5):
            assert await rest.orders() == []
    assert all(known.failed for known in await asyncio.gather(*questions))


async def test_a_broker_that_is_slow_each_time_is_given_up(rest, server, spread, monkeypatch):
    """No further basket is asked about once the time is over."""
    monkeypatch.setattr(adapter, "DEADLINE_S", -1.0)
    assert "no answer within" in (await DhanMargin(rest).known(query((spread[0],)))).failed


@pytest.mark.parametrize(
    ("body", "paise"),
    [
        ({"total_margin": "900.50", "span_margin": "500.25", "exposure_margin": "100.00"}, 60_025),
        ({"totalMargin": 900.5, "spanMargin": 500.25, "exposure": 100}, 60_025),
        ({"total_margin": "900.50", "span_margin": "0.00", "exposure_margin": "0.00"}, 90_050),
        ({"totalMargin": 900.5}, 90_050),
        ({"total_margin": "0.00", "span_margin": "0.00"}, 0),
    ],
)
def test_both_spellings_of_the_answer_are_read(body, paise):
    """Premium is left out where the parts say what is blocked."""
    assert parse_margin(body) == paise


@pytest.mark.parametrize("body", [[], {}, None, {"total_margin": "-1"}, {"total_margin": "NaN"}])
def test_what_is_no_margin_is_an_error(body):
    """Nothing is taken for zero."""
    with pytest.raises(WireError):
        parse_margin(body)


def test_an_account_may_owe():
    """Dhan's spelling, and the right one."""
    assert parse_free({"availabelBalance": -12.5}) == -1_250
    assert parse_free({"availableBalance": "98440.0"}) == 98_44_000
    with pytest.raises(WireError):
        parse_free({"sodLimit": 1.0})
