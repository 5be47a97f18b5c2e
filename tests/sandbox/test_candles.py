"""Bars of the day, over the charts' endpoints."""

from __future__ import annotations

from datetime import date

import pytest

from sandbox.ist import moment_s

OPENING_S = moment_s(date(2026, 2, 3), 9, 15)


@pytest.fixture
async def ask(call, server, market, clock, option):
    """The charts of a contract that trades at 342, 339 and 341 from 09:21 on, and at 340.50 from 09:22 on."""
    server.limits.enforced = False
    for second, bid in ((360, 34_150), (390, 33_850), (419, 34_050), (420, 34_000)):
        clock.now = OPENING_S + second
        market.set_quote(option.key, bid, bid + 100)
        await server.step()

    async def asked(path="intraday", **more):
        body = {
            "securityId": str(option.security_id),
            "exchangeSegment": "NSE_FNO",
            "instrument": "OPTIDX",
            "fromDate": "2026-02-03 09:21:00",
            "toDate": "2026-02-03",
        }
        return await call("POST", f"/charts/{path}", body | more)

    return asked


async def test_a_minute_is_a_bar(ask, option) -> None:
    """First, highest, lowest and last price, what traded in it, and its true UTC beginning."""
    status, body = await ask(oi=True)
    assert status == 200
    assert body["timestamp"] == [OPENING_S + 360, OPENING_S + 420]
    assert [body[name][0] for name in ("open", "high", "low", "close")] == [342.0, 342.0, 339.0, 341.0]
    assert body["volume"][1] == option.lot
    assert len(body["open_interest"]) == 2
    assert all(isinstance(value, float) for column in body.values() for value in column)


@pytest.mark.parametrize(("minutes", "start_s"), [(5, 300), (15, 0), (25, 0), ("60", 0)])
async def test_longer_bars_begin_at_the_opening(ask, minutes, start_s) -> None:
    """Counted from 09:15, whatever the hour says."""
    _, body = await ask(interval=minutes)
    assert body["timestamp"] == [OPENING_S + start_s]
    assert (body["open"], body["high"], body["low"], body["close"]) == ([342.0], [342.0], [339.0], [340.5])
    assert "open_interest" not in body


async def test_a_part_of_the_day_can_be_asked_for(ask) -> None:
    """Moments are Indian wall-clock texts."""
    _, body = await ask(toDate="2026-02-03 09:22:00")
    assert body["timestamp"] == [OPENING_S + 360]
    _, body = await ask(fromDate="2026-02-03")
    assert body["timestamp"] == [OPENING_S + second for second in (300, 360, 420)]


@pytest.mark.parametrize(
    "more", [{"interval": 7}, {"fromDate": "yesterday"}, {"toDate": None}, {"toDate": "2026-02-01"}]
)
async def test_a_question_without_an_answer_has_the_charts_own_shape(ask, more) -> None:
    """RS-9005."""
    status, body = await ask(**more)
    assert (status, body["internalErrorCode"]) == (400, "RS-9005")


async def test_the_day_so_far_is_one_bar(ask) -> None:
    """It begins at midnight in India, and the last day asked for does not count."""
    _, body = await ask("historical", fromDate="2026-02-03", toDate="2026-02-04")
    assert (body["timestamp"], body["high"]) == ([moment_s(date(2026, 2, 3), 0)], [342.0])
    assert (await ask("historical", fromDate="2026-02-03"))[0] == 400
