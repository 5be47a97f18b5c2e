"""Alerts that wait to be seen, over a real Telegram on loopback and a clock that is moved on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.faults import Fault
from engine.accounts import People
from engine.chat_tuning import ChatTuning
from engine.effects import Alert
from engine.escalation import Ladder
from engine.model import Urgency, position_id
from engine.words import Secret
from sandbox.telegram_server import Message as Bubble
from sandbox.telegram_server import Query, TelegramServer
from tests.bot.house import (
    OWNER,
    Core,
    QuickClock,
    alert,
    answered,
    card,
    house,
    make_chat,
    message_with,
    position,
    question,
    running,
    telegram,
)
from tests.support.ntfy import Ntfy, ntfy

HIGH = Urgency.HIGH
RAVI = 7007
AGAIN = "NOT SEEN"


@dataclass
class Scene:
    """A chat that runs, its Telegram, its core and its clock."""

    server: TelegramServer
    core: Core
    clock: QuickClock

    def ring(self, topic: str = "stop", about: int | None = 3359) -> None:
        """A HIGH alert, of a position or of none."""
        one = alert(HIGH, topic)
        place = None if about is None else position_id("default", about)
        self.core.give(replace(one, position=place))

    def again(self, chat_id: int | None = None) -> list[Bubble]:
        """The repeats in a chat."""
        return [message for message in self.server.sent(chat_id) if AGAIN in message.text]

    async def heard_again(self, count: int, chat_id: int | None = None) -> Bubble:
        """Wait for so many repeats."""
        await self.server.wait_for(lambda _: len(self.again(chat_id)) >= count)
        return self.again(chat_id)[-1]

    async def quiet_for(self, seconds: float) -> int:
        """Let time pass and the watch look, which a reply proves: how many repeats there are."""
        looked = self.core.chat.rooms.alarms.look  # the watch's own turn, without waiting for it
        self.clock.skip(seconds)
        looked(unreached=False, ending=lambda _topic, _of: False)
        self.server.phone.send("/help")
        helps = len([m for m in self.server.sent() if m.text.startswith("Commands")])
        await self.server.wait_for(
            lambda here: len([m for m in here.sent() if m.text.startswith("Commands")]) > helps
        )
        return len(self.again())

    async def press(self, bubble: Bubble, button: str, user: int | None = None) -> Query:
        """Press a button and wait for its toast."""
        query = self.server.phone.tap(bubble.id, button, user=user)
        await answered(self.server, query)
        return query


@asynccontextmanager
async def scene(
    tmp_path: Path, tuning: ChatTuning | None = None, people: People | None = None
) -> AsyncIterator[Scene]:
    """A house with one position, and its chat."""
    clock = QuickClock(speed=4)
    core = Core(picture=house(position()))
    if people is not None:
        core.people = people
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path, tuning=tuning)):
        yield Scene(server, core, clock)


async def test_a_high_alert_is_told_again_and_louder_until_somebody_presses_seen(tmp_path: Path):
    """Each repeat is a message of its own with more red; Seen ends it and is written under the message."""
    async with scene(tmp_path) as now:
        now.ring()
        first = await message_with(now.server, "High stop")
        assert first.buttons == ["Seen"]
        now.clock.skip(60)
        second = await now.heard_again(1)
        now.clock.skip(120)
        third = await now.heard_again(2)
        assert (second.text.count("🔴"), third.text.count("🔴")) == (2, 3)
        assert "3359" in third.text
        press = await now.press(third, "Seen")
        assert press.toast == "Seen. It rings no more."
        await now.server.wait_for(lambda _: "Seen by Asha" in third.text)
        assert third.buttons == []
        assert await now.quiet_for(3_600) == 2
        assert (await now.press(first, "Seen")).toast == "Seen already, or over."


async def test_it_rings_on_after_a_try_that_failed_and_left_nothing_to_send(tmp_path: Path):
    """A picture timed out and was let go: that Telegram was silent then says nothing of now."""
    async with scene(tmp_path) as now:
        now.ring()
        await message_with(now.server, "High stop")
        now.core.chat.rooms.send_faults.seen(Fault.SILENT, now.clock.now_s())
        now.clock.skip(60)
        await now.heard_again(1)
        await now.server.wait_for(lambda _: not now.core.chat.health().faults)


async def test_normal_and_medium_alerts_have_no_seen_and_do_not_repeat(tmp_path: Path):
    """Only what is HIGH rings until it is heard."""
    async with scene(tmp_path) as now:
        now.core.give(alert(Urgency.MEDIUM, "medium"))
        medium = await message_with(now.server, "Medium medium")
        assert medium.buttons == []
        assert await now.quiet_for(3_600) == 0


@pytest.mark.parametrize(
    "words",
    [
        "/p 3359", "/rules 3359", "/why 3359", "/pnl 3359", "/payoff 3359", "/exit 3359", "/exit half 3359",
        "/exit all", "/set 3359 stop -1", "/snooze 3359", "/resume 3359",
    ],
)  # fmt: skip
async def test_a_command_about_the_position_has_seen_it(tmp_path: Path, words: str):
    """Whoever turns to a position has heard what rang about it; what is about another rings on."""
    async with scene(tmp_path) as now:
        now.ring()
        now.ring("house", about=None)
        await message_with(now.server, "High house")
        now.server.phone.send(words)
        await now.server.wait_for(lambda _: len(now.core.chat.rooms.alarms.open) == 1)
        now.clock.skip(60)
        assert "High house" in (await now.heard_again(1)).text


async def test_a_command_about_another_position_has_seen_nothing(tmp_path: Path):
    """An id is compared, not guessed."""
    async with scene(tmp_path) as now:
        now.ring()
        await message_with(now.server, "High stop")
        now.server.phone.send("/p 335")
        await message_with(now.server, "No position 335")
        now.clock.skip(60)
        await now.heard_again(1)


@pytest.mark.parametrize("words", ["/trades 3359", "/log 3359", "/audit 3359", "/code 3359"])
async def test_a_number_that_is_no_position_has_seen_nothing(tmp_path: Path, words: str):
    """A count of lines, or a code, may happen to be a position's number."""
    async with scene(tmp_path) as now:
        now.ring()
        await message_with(now.server, "High stop")
        now.server.phone.send(words)
        assert await now.quiet_for(0) == 0
        assert now.core.chat.health().unseen == 1


async def test_a_position_that_is_not_there_has_not_been_seen(tmp_path: Path):
    """What rings about a position that the account does not show is not ended by asking for it."""
    async with scene(tmp_path) as now:
        now.ring(about=3360)
        await message_with(now.server, "High stop")
        now.server.phone.send("/p 3360")
        await message_with(now.server, "No position 3360")
        assert now.core.chat.health().unseen == 1


async def test_an_answer_to_its_question_has_seen_it(tmp_path: Path):
    """Yes or no: the person was there."""
    async with scene(tmp_path) as now:
        now.ring()
        now.core.give(replace(question(now.clock), position=position_id("default", 3359)))
        asked = await message_with(now.server, "Exit NIFTY Iron Condor?")
        query = now.server.phone.tap(asked.id, "Cancel")
        await now.core.wait_for(lambda core: core.posted)
        assert query.data.endswith(":n")
        assert now.core.chat.rooms.alarms.open == ()


async def test_a_recovery_and_a_verified_exit_end_it(tmp_path: Path):
    """What is over need not be seen."""
    async with scene(tmp_path) as now:
        now.ring("prices-silent", about=None)
        now.ring("stop")
        await message_with(now.server, "High stop")
        now.core.give(alert(Urgency.MEDIUM, "prices-back"))
        assert [each.topic for each in now.core.chat.rooms.alarms.open] == ["stop"]
        now.core.give(card("intent1", "Exiting", final=False))
        assert now.core.chat.rooms.alarms.open
        now.core.give(replace(card("intent1"), done=True, closed=position_id("default", 3359)))
        assert now.core.chat.rooms.alarms.open == ()


async def test_a_trouble_whose_end_has_to_prove_itself_does_not_ring_meanwhile(tmp_path: Path):
    """It is perhaps over; when it is not, it rings on."""
    async with scene(tmp_path) as now:
        for topic in ("prices-silent", "prices-back", "prices-silent", "prices-back"):
            now.core.give(alert(HIGH if topic == "prices-silent" else Urgency.MEDIUM, topic))
        gate = now.core.chat.rooms.voice._gate
        assert gate.ending("prices-silent")
        now.core.give(alert(HIGH, "prices-silent"))
        assert not gate.ending("prices-silent")
        assert [each.topic for each in now.core.chat.rooms.alarms.open] == ["prices-silent"]


async def test_several_are_told_in_one_message_and_seen_with_one_press(tmp_path: Path):
    """Three alarms are one repeat, with the age of each; its button ends these three and no later one."""
    async with scene(tmp_path) as now:
        for topic in ("a", "b", "c"):
            now.ring(topic, about=None)
        await message_with(now.server, "High c")
        now.clock.skip(60)
        repeat = await now.heard_again(1)
        assert "3 alerts wait" in repeat.text
        assert all(f"High {topic}" in repeat.text for topic in "abc")
        now.ring("later", about=None)
        await now.press(repeat, "Seen, all 3")
        assert [each.topic for each in now.core.chat.rooms.alarms.open] == ["later"]


async def test_status_says_that_something_waits_to_be_seen(tmp_path: Path):
    """One line, first of all; gone when it is seen."""
    async with scene(tmp_path) as now:
        now.ring()
        rung = await message_with(now.server, "High stop")
        now.clock.skip(30)
        now.server.phone.send("/status")
        page = await message_with(now.server, "SIMULATE")
        assert re.match(r"🔔 1 alert waits to be seen, for [0-9]+ s: High stop\n", page.text)
        assert now.core.chat.health().unseen == 1
        await now.press(rung, "Seen")
        now.server.phone.send("/status")
        await now.server.wait_for(lambda here: any(m.text.startswith("SIMULATE") for m in here.sent()))


async def test_it_rings_on_after_a_restart(tmp_path: Path):
    """Who was not heard before a crash is heard after it; what was seen before stays seen."""
    clock = QuickClock(speed=4)
    core = Core(picture=house(position()))
    async with telegram(clock) as server:
        async with running(make_chat(server, core, clock, tmp_path)):
            now = Scene(server, core, clock)
            now.ring("seen")
            now.ring("unseen")
            await message_with(server, "High unseen")
            await now.press(await message_with(server, "High seen"), "Seen")
        clock.skip(900)
        async with running(make_chat(server, core, clock, tmp_path)):
            repeat = await now.heard_again(1)
            assert re.search("NOT SEEN for 1[5-9] min: High unseen", repeat.text)
            await now.press(await message_with(server, "High unseen"), "Seen")
            assert core.chat is not None
            assert core.chat.health().unseen == 0


async def test_a_viewer_cannot_silence_it(tmp_path: Path):
    """Who may only look may not end what rings for those who act, neither by Seen nor by looking."""
    people = People(operators=frozenset({99}), viewers=frozenset({OWNER}))
    async with scene(tmp_path, people=people) as now:
        now.ring()
        press = await now.press(await message_with(now.server, "High stop"), "Seen")
        assert press.toast == "Not ended: that needs an operator of its account."
        now.server.phone.send("/p 3359")
        await message_with(now.server, "3359 NIFTY Iron Condor")
        assert now.core.chat.health().unseen == 1


async def test_a_second_person_is_called_and_may_only_press_seen(tmp_path: Path):
    """After their minute they get it in their own chat; their commands are not heard, and told to nobody."""
    ladder = Ladder(second_after_s=180.0)
    async with scene(tmp_path, ChatTuning(ladder=ladder, second_user=RAVI)) as now:
        now.server.phone.person(RAVI)
        now.ring()
        await message_with(now.server, "High stop")
        now.clock.skip(60)
        await now.heard_again(1)
        assert now.again(RAVI) == []
        now.clock.skip(120)
        call = await now.heard_again(1, RAVI)
        now.server.phone.send("/stop", user=RAVI)
        press = await now.press(call, "Seen", user=RAVI)
        assert press.toast == "Seen. It rings no more."
        await message_with(now.server, f"Seen by Stranger {RAVI}, the second person: 1 alert.")
        assert now.core.posted == []
        assert not [m for m in now.server.sent() if "A stranger" in m.text]


async def test_a_strangers_seen_does_nothing(tmp_path: Path):
    """The data of a button is no key."""
    async with scene(tmp_path) as now:
        now.ring()
        rung = await message_with(now.server, "High stop")
        now.server.phone.tap(rung.id, "Seen", user=666)
        await message_with(now.server, "A stranger at the bot")
        assert now.core.chat.health().unseen == 1


def climbing(server: Ntfy) -> ChatTuning:
    """Five minutes, then ntfy."""
    return ChatTuning(ladder=Ladder(channel_after_s=300.0), channels=Secret(server.address))


async def test_it_reaches_the_other_channel_in_the_end(tmp_path: Path):
    """Five minutes unseen, ntfy has it, words and all; seen, it is told nothing more."""
    async with ntfy() as server, scene(tmp_path, climbing(server)) as now:
        now.ring()
        await message_with(now.server, "High stop")
        now.clock.skip(300)
        await server.wait_asked(1)
        await now.server.wait_for(lambda _: now.again())
        assert re.search("NOT SEEN for [5-9] min: High stop", server.heard[0]["title"])
        assert "Something happened." in server.heard[0]["message"]


async def test_a_telegram_that_is_away_brings_it_in_after_a_minute(tmp_path: Path):
    """Nobody hears a chat that cannot be reached, be it since before the start."""
    async with ntfy() as server, scene(tmp_path, climbing(server)) as now:
        await now.server.stop()
        now.ring()
        now.clock.skip(60)
        await server.wait_asked(1)
        assert "High stop" in server.heard[0]["title"]
        assert now.core.chat.health().faults


async def test_a_chat_that_refuses_brings_it_in_after_a_minute(tmp_path: Path):
    """A chat that is not found hears as little as one that cannot be reached; health says what it is."""
    async with ntfy() as server, scene(tmp_path, climbing(server)) as now:
        refusal = {"description": "Bad Request: chat not found"}
        now.server.faults.fail(400, times=500, method="sendMessage", **refusal)
        now.ring()
        now.clock.skip(60)
        await server.wait_asked(1)
        assert "High stop" in server.heard[0]["title"]
        health = now.core.chat.health()
        assert "send: chat not found" in health.faults
        assert health.waiting_high == 1


async def test_a_channel_that_fails_is_told_in_status_and_tried_until_it_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A line that names no address, in /status and in the log; the chat's own repeats go on meanwhile."""
    async with ntfy() as server, scene(tmp_path, climbing(server)) as now:
        server.status = 500
        now.ring()
        now.clock.skip(300)
        await now.heard_again(1)
        await server.wait_asked(1)
        why = "the other channel: ntfy (1 of 1) refused it or could not be reached"
        await now.server.wait_for(
            lambda _: now.core.chat.health().faults or now.server.phone.send("/help") is None
        )
        assert now.core.chat.health().faults == (why,)
        now.server.phone.send("/status")
        page = await message_with(now.server, "SIMULATE")
        assert f"⚠️ {why}" in page.text
        server.status = 200
        await server.wait_asked(2)
        assert server.heard
    assert "canary" not in caplog.text


async def test_a_channel_that_hangs_delays_no_alert(tmp_path: Path):
    """While ntfy takes a call and never answers, the next HIGH alert is in the chat at once."""
    async with ntfy() as server, scene(tmp_path, climbing(server)) as now:
        server.hangs = True
        now.ring()
        now.clock.skip(300)
        await server.wait_asked(1)
        now.core.give(Alert(HIGH, "next", "The next one", "At once."))
        await message_with(now.server, "The next one")
        server.let_go()
