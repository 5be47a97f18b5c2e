"""Channels beside Telegram, against an ntfy on loopback that refuses, hangs or is away."""

from __future__ import annotations

import asyncio
import logging

import pytest

from engine.io.other_channels import OtherChannels
from tests.support.ntfy import ntfy


async def test_an_alert_reaches_ntfy():
    """Title, words and the owner's priority arrive."""
    async with ntfy() as server:
        assert await OtherChannels([server.address]).send("NOT SEEN: Stop loss", "3359 lost more") == ""
    [heard] = server.heard
    assert (heard["topic"], heard["title"]) == ("canary-topic-0001", "NOT SEEN: Stop loss")
    assert heard["message"] == "3359 lost more"
    assert heard["priority"] == "max"


@pytest.mark.parametrize("status", [401, 500])
async def test_a_refusal_is_told_without_the_address(status: int, caplog: pytest.LogCaptureFixture):
    """Which channel and of how many, but neither topic nor password, in the answer and in the log."""
    caplog.set_level(logging.DEBUG)
    async with ntfy() as server:
        server.status = status
        why = await OtherChannels([server.address]).send("title", "text")
    assert why == "ntfy (1 of 1) refused it or could not be reached"
    assert "canary" not in caplog.text


async def test_one_that_hangs_holds_up_neither_the_loop_nor_the_other():
    """It is given up after its time, and not asked again by a second thread while the first one hangs."""
    async with ntfy() as slow, ntfy() as quick:
        slow.hangs = True
        channels = OtherChannels([slow.address, quick.address], limit_s=1.0)
        assert not await channels.load()
        sending = asyncio.ensure_future(channels.send("first", "text"))
        await slow.wait_asked(1)
        await quick.wait_asked(1)
        assert not sending.done()
        assert await sending == "ntfy (1 of 2) did not answer in 1 s"
        assert (await channels.send("second", "text")).startswith("ntfy (1 of 2) still hangs")
        assert [heard["title"] for heard in quick.heard][:1] == ["first"]
        assert slow.asked == 1


async def test_one_that_is_away_is_told_and_heard_again_when_it_is_back():
    """A refused connection ends nothing."""
    async with ntfy() as server:
        channels = OtherChannels([server.address])
    assert await channels.send("lost", "text") == "ntfy (1 of 1) refused it or could not be reached"
    async with ntfy(server):
        assert await channels.send("back", "text") == ""
    assert [heard["title"] for heard in server.heard] == ["back"]


async def test_an_address_of_no_kind_is_told():
    """What apprise does not know is not passed over in silence."""
    channels = OtherChannels(["nonsense://x"])
    why = "nonsense (1 of 1) is an address that apprise does not understand"
    assert await channels.load() == why
    assert await channels.send("title", "text") == why


async def test_a_mistake_within_is_told_and_does_not_keep_the_channel(monkeypatch: pytest.MonkeyPatch):
    """The thread's own end says what it was, by the log's hook; the next alert is tried all the same."""
    heard: list[str] = []
    monkeypatch.setattr("threading.excepthook", lambda hook: heard.append(hook.exc_type.__name__))
    async with ntfy() as server:
        channels = OtherChannels([server.address])
        [channel] = channels._channels
        with monkeypatch.context() as broken:
            broken.setattr(channel, "_notify", lambda title, _text: {"": ""}[title])
            assert await channels.send("one", "text") == "ntfy (1 of 1) failed"
        assert await channels.send("two", "text") == ""
    assert heard == ["KeyError"]
