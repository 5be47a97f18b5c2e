"""/pnl and /payoff over real HTTP: a photo with its numbers, or the numbers alone."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from bot import captions
from engine.accounts import People
from engine.charts import Chart, Scope, Wanted
from engine.effects import Digest
from engine.model import Urgency
from sandbox.telegram_server import Message, TelegramServer
from tests.bot.house import (
    OWNER,
    Core,
    QuickClock,
    alert,
    house,
    make_chat,
    message_with,
    position,
    running,
    telegram,
)
from tests.support.charted import condor_payoff, course, day, month, week

_NO_RIGHT = "Bad Request: not enough rights to send photos to the chat"
PNG = b"\x89PNG"


DRAWN = {
    Wanted(Scope.DAY): (day(),),
    Wanted(Scope.WEEK): (week(),),
    Wanted(Scope.MONTH): (month(),),
    Wanted(Scope.POSITION, 3359): (course(),),
    Wanted(Scope.PAYOFF, 3359): (condor_payoff(),),
}


def photos(server: TelegramServer) -> list[Message]:
    """The photos that stand in the chat."""
    return [message for message in server.sent() if message.body.kind == "photo"]


def data(bubble: Message) -> list[str]:
    """What the first row of buttons sends."""
    assert bubble.body.markup is not None
    return [button["callback_data"] for button in bubble.body.markup["inline_keyboard"][0]]


@pytest.mark.parametrize(
    ("text", "words", "buttons"),
    [
        ("/pnl", "P&L +₹2,385.42", ["Week", "Month"]),
        ("/pnl day", "Closed +₹1,540.00 · open +₹845.42", ["Week", "Month"]),
        ("/pnl week", "Sum of 4 sessions +₹8,922.00", ["Day", "Month"]),
        ("/pnl MONTH", "1 session without a record", ["Day", "Week"]),
        ("/pnl 3359", "Stop loss at −₹4,972.50", ["Payoff", "Position", "Rules"]),
        ("/payoff 3359", "Breakeven 24,653.00 and 25,347.00", ["P&L today", "Position", "Rules"]),
        ("/payoff", "Breakeven 24,653.00 and 25,347.00", ["P&L today", "Position", "Rules"]),
    ],
)
async def test_a_picture_comes_with_its_numbers_and_the_way_on(
    tmp_path: Path, text: str, words: str, buttons: list[str]
):
    """One photo, silent and protected like every reply, the numbers below it; the core is not asked."""
    clock = QuickClock()
    core = Core(picture=house(position()), pictures=DRAWN)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send(text)
        bubble = await message_with(server, words)
        assert photos(server) == [bubble]
        assert (bubble.silent, bubble.protected, bubble.buttons) == (True, True, buttons)
        upload = bubble.body.upload
        assert upload is not None
        assert (upload.content[:4], upload.width, upload.height) == (PNG, 1080, 1350)
        assert core.posted == []


async def test_from_the_card_to_the_payoff_to_the_days_curve_and_on(tmp_path: Path):
    """Chart on a card shows the payoff; its buttons lead to the curve, and a day's to the week."""
    clock = QuickClock()
    core = Core(picture=house(position()), pictures=DRAWN)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/p 3359")
        card = await message_with(server, "Closed now")
        server.phone.tap(card.id, "Chart")
        payoff = await message_with(server, "Breakeven")
        server.phone.tap(payoff.id, "P&L today")
        await message_with(server, "Stop loss at −₹4,972.50 (₹6,182.58 away)")
        server.phone.send("/pnl")
        today = await message_with(server, "open +₹845.42")
        server.phone.tap(today.id, "Week")
        await message_with(server, "Sum of 4 sessions")
        assert len(photos(server)) == 4


async def test_a_photo_that_telegram_refuses_goes_as_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """No right to send photos, or one it cannot read: the same numbers and buttons at once, as text."""
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, Core(pictures=DRAWN), clock, tmp_path)):
        server.faults.fail(400, description=_NO_RIGHT, method="sendPhoto")
        server.phone.send("/pnl week")
        bubble = await message_with(server, "Sum of 4 sessions +₹8,922.00")
        assert (bubble.body.kind, bubble.buttons) == ("text", ["Day", "Month"])
        assert photos(server) == []
        assert "refused a picture" in caplog.text


async def test_a_photo_whose_reply_is_lost_is_not_sent_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """It stands in the chat once, also after the next reply; nobody says it in words besides."""
    caplog.set_level(logging.WARNING)
    clock = QuickClock(speed=10)
    async with telegram(clock) as server, running(make_chat(server, Core(pictures=DRAWN), clock, tmp_path)):
        server.faults.lose_reply(method="sendPhoto")
        server.phone.send("/pnl week")
        await message_with(server, "Sum of 4 sessions")
        server.phone.send("/help")
        await message_with(server, "Commands")
        await clock.sleep(90)
        assert [m.text.count("Sum of 4 sessions") for m in server.sent()].count(1) == 1
        assert len(server.calls_of("sendPhoto")) == 1
        assert "may not have arrived" in caplog.text


async def test_a_photo_in_a_flood_or_an_outage_waits_like_every_message(tmp_path: Path):
    """429 and a server error are waited out; it comes once, as a photo."""
    clock = QuickClock(speed=25)
    async with telegram(clock) as server, running(make_chat(server, Core(pictures=DRAWN), clock, tmp_path)):
        server.faults.fail(429, method="sendPhoto", retry_after_s=5)
        server.faults.fail(502, times=2, method="sendPhoto")
        server.phone.send("/pnl")
        await message_with(server, "open +₹845.42", timeout_s=20)
        assert len(photos(server)) == 1
        assert [call.status for call in server.calls_of("sendPhoto")] == [429, 502, 502, 200]


async def test_markup_that_telegram_cannot_read_leaves_the_photo_its_plain_words(tmp_path: Path):
    """The picture goes again with the caption as plain text."""
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, Core(pictures=DRAWN), clock, tmp_path)):
        server.faults.fail(
            400, description="Bad Request: can't parse entities: unsupported", method="sendPhoto"
        )
        server.phone.send("/pnl week")
        await message_with(server, "Sum of 4 sessions +₹8,922.00")
        [photo] = photos(server)
        assert photo.body.formatted.entities == ()


async def test_what_cannot_be_drawn_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Letters that cannot be read cost the picture, not the answer."""

    def broken(chart: Chart, title: str) -> bytes:
        raise OSError("cannot open resource")

    monkeypatch.setattr(captions, "draw", broken)
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, Core(pictures=DRAWN), clock, tmp_path)):
        server.phone.send("/pnl week")
        bubble = await message_with(server, "The picture could not be drawn.")
        assert "Sum of 4 sessions +₹8,922.00" in bubble.text
        assert photos(server) == []
        assert "cannot open resource" in caplog.text


async def test_an_alert_goes_out_while_a_picture_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Drawing holds a worker thread, neither the loop nor the lane of what is urgent."""
    drawing, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(chart: Chart, title: str) -> bytes:
        loop.call_soon_threadsafe(drawing.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        return b""

    monkeypatch.setattr(captions, "draw", slow)
    clock, core = QuickClock(), Core(pictures=DRAWN)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/pnl week")
        await drawing.wait()
        core.give(alert(Urgency.HIGH, "fire"))
        await message_with(server, "High fire")
        assert not any("Sum of" in message.text for message in server.sent())
        go_on.set()
        await message_with(server, "Sum of 4 sessions")


async def test_several_accounts_have_a_picture_each_with_its_name(tmp_path: Path):
    """Name on top, buttons that stay in the account; one by name is one picture."""
    clock = QuickClock()
    owner = People(owners=frozenset({OWNER}))
    cores = [
        Core(account=name, people=owner, pictures=DRAWN, picture=house(position())) for name in ("own", "HUF")
    ]
    async with telegram(clock) as server, running(make_chat(server, cores, clock, tmp_path)):
        server.phone.send("/pnl")
        one = await message_with(server, "own\nP&L today")
        await message_with(server, "HUF\nP&L today")
        server.phone.tap(one.id, "Week")
        weekly = await message_with(server, "own\nP&L this week")
        assert data(weekly) == ["x:/pnl own day", "x:/pnl own month"]
        server.phone.send("/payoff HUF/3359")
        payoff = await message_with(server, "HUF\nNIFTY Iron Condor · 3359")
        assert data(payoff) == ["l:HUF/3359", "i:HUF/3359", "r:HUF/3359"]
        assert len(photos(server)) == 4


async def test_a_house_that_is_down_says_so(tmp_path: Path):
    """There is nothing to draw, and nobody claims that there was nothing."""
    clock = QuickClock()
    core = Core(picture=house(down=True, degraded="Account default is down: its journal is locked"))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/pnl")
        await message_with(server, "is down: its journal is locked")


async def test_the_days_digest_comes_silently_as_a_photo(tmp_path: Path):
    """What the session came to, its week and month, without a sound."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(Digest(day(), (week(), month())))
        bubble = await message_with(server, "The session is over")
        assert (bubble.body.kind, bubble.silent) == ("photo", True)
        assert "This week +₹8,922.00\nThis month +₹27,022.07" in bubble.text


async def test_a_digest_whose_photo_may_not_have_arrived_comes_as_its_words(tmp_path: Path):
    """Nobody has asked for it, so nobody would ask again."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.faults.drop(method="sendPhoto")
        core.give(Digest(day(), (week(), month())))
        bubble = await message_with(server, "The session is over")
        assert bubble.body.kind == "text"
        assert len(server.calls_of("sendPhoto")) == 1


async def test_a_digest_that_was_not_delivered_is_told_by_the_next_life_in_words(tmp_path: Path):
    """A picture is of its moment; its numbers survive the restart."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server:
        make_chat(server, core, clock, tmp_path)
        core.give(Digest(day(), (week(), month())))
        async with running(make_chat(server, Core(), clock, tmp_path)):
            bubble = await message_with(server, "The session is over")
            assert bubble.body.kind == "text"
            assert "This week +₹8,922.00" in bubble.text
