"""The chat over real HTTP, against the sandbox's Telegram."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from bot.toasts import FALLBACK
from engine.effects import Alert, Answer, Say
from engine.errors import BadInput
from engine.io.whys import Found
from engine.messages import Actor, Command, Tap, Wish
from engine.model import PositionId, Urgency
from engine.picture import RulesNow
from engine.view import MonitorView, PositionState
from engine.why import Sighting
from sandbox.telegram_json import message_json
from sandbox.telegram_server import TelegramServer
from tests.bot.house import (
    AT_S,
    OWNER,
    TOKEN,
    Core,
    QuickClock,
    alert,
    answered,
    asked,
    card,
    house,
    make_chat,
    message_with,
    one_tap_core,
    position,
    question,
    running,
    telegram,
)


async def test_status_answers_with_the_table(tmp_path: Path):
    """A person who sends /status reads their position at once; the core is not asked."""
    clock = QuickClock()
    core = Core(picture=house(position()))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/status")
        table = await message_with(server, "3359 NIFTY")
        assert table.protected
        assert core.posted == []


async def test_the_command_list_is_the_owners_alone(tmp_path: Path):
    """The owner's chat gets the commands; nobody else's menu shows them."""
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, Core(), clock, tmp_path)):
        await server.wait_for(lambda s: s.calls_of("setMyCommands"))
        names = [each["command"] for each in server.state.commands_for(OWNER, OWNER)]
        assert names == [
            "status",
            "positions",
            "p",
            "pnl",
            "report",
            "payoff",
            "rules",
            "why",
            "orders",
            "trades",
            "health",
            "feed",
            "accounts",
            "set",
            "group",
            "exit",
            "flatten",
            "snooze",
            "stop",
            "resume",
            "mode",
            "code",
            "drill",
            "audit",
            "log",
            "version",
            "help",
        ]
        assert server.state.commands_for(666, 666) == []


@pytest.mark.parametrize(
    ("text", "wish", "strategy_id"),
    [
        ("/exit 3359", Wish.EXIT, 3359),
        ("/exit all", Wish.EXIT, None),
        ("/exit@prahari_sandbox_bot 7", Wish.EXIT, 7),
        ("/stop", Wish.STOP, None),
        ("/resume", Wish.RESUME, None),
        ("/resume 3359", Wish.RESUME, 3359),
    ],
)
async def test_commands_are_posted(tmp_path: Path, text: str, wish: Wish, strategy_id: int | None):
    """Each wish reaches the core with the person's numbers, and /stop asks nothing first."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send(text)
        [command] = await core.wait_for(lambda c: c.of(Command))
        assert command == Command(wish, Actor(OWNER, OWNER, "Asha"), strategy_id)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/start", "watches your option positions"),
        ("/help", "Commands"),
        ("/exit -1", "expected a strategy id like 3359, a symbol, or all"),
        ("/exit half", "after /exit half; expected a strategy id like 3359."),
        ("/positions", "No positions are being watched."),
        ("/p", "I know of no position"),
        ("/p 3359", "No position 3359"),
        ("/p x", "after /p; expected a strategy id"),
        ("/pnl", "Nothing was seen of this session yet."),
        ("/pnl 3359", "No position 3359"),
        ("/pnl year", "expected a strategy id like 3359, or day, week, month"),
        ("/payoff", "I know of no position"),
        ("/payoff 3359", "No open position 3359"),
        ("/rules", "I know of no position"),
        ("/rules 3359", "No open position 3359"),
        ("/rules NIFTY", "expected a strategy id like 3359. Nothing was done."),
        ("/why 3359", "Nothing was seen of 3359 yet"),
        ("/why x", "after /why; expected a strategy id"),
        ("/set", "Set one rule of one position"),
        ("/set 3359 stop_loss", "/set 3359 stop_loss -30%"),
        ("/set stop_loss -30%", "after /set; expected a strategy id"),
        ("/resume x", "Write /resume alone to resume everything."),
        ("/exitall", "I do not know “/exitall”"),
        ("sell everything", "I do not know “sell everything”"),
    ],
)
async def test_words_that_only_get_words_back(tmp_path: Path, text: str, words: str):
    """Greeting, help and misunderstandings never reach the core."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send(text)
        await message_with(server, words)
        assert core.posted == []


async def test_what_is_not_text_gets_words_too(tmp_path: Path):
    """A die, a picture, a voice note: whoever sends one learns that nothing came of it."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        typed = message_json(server.state, server.phone.send("/help"))
        del typed["text"], typed["entities"]
        server.updates.push("message", typed | {"message_id": 77, "dice": {"emoji": "🎲", "value": 3}})
        await message_with(server, "I do not know “that”. Nothing was done.")
        assert core.posted == []


async def test_set_is_posted_with_its_words_and_a_strangers_is_not(tmp_path: Path):
    """The owner's reaches the core as it was written; nobody else's gets even a word."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        for text in ("/set 3359 stop_loss -1%", "/rules", "/rules 3359", "/why 3359"):
            server.phone.send(text, user=666)
        server.phone.send("/set 3359 stop_loss −30%")
        [command] = await core.wait_for(lambda c: c.of(Command))
        owner = Actor(OWNER, OWNER, "Asha")
        assert command == Command(Wish.SET, owner, 3359, rule="stop_loss", value="−30%", owner=True)
        assert core.posted == [command]
        assert not any(message.chat_id == 666 for message in server.sent())


async def test_group_is_posted_with_its_words_and_a_strangers_is_not(tmp_path: Path):
    """Alone it asks for what is open; its words go to the core as they were written."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/group merge 1 2", user=666)
        server.phone.send("/group")
        server.phone.send("/group name 2 My own condor")
        commands = await core.wait_for(lambda c: len(c.of(Command)) == 2 and c.of(Command))
        owner = Actor(OWNER, OWNER, "Asha")
        assert commands == [
            Command(Wish.GROUP, owner),
            Command(Wish.GROUP, owner, value="name 2 My own condor"),
        ]


async def test_flatten_is_posted_with_its_word_and_a_strangers_is_not(tmp_path: Path):
    """Without the word the core says what it would do; a stranger does not even hear that."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/flatten everything", user=666)
        server.phone.send("/flatten")
        server.phone.send("/flatten everything")
        commands = await core.wait_for(lambda c: len(c.of(Command)) == 2 and c.of(Command))
        owner = Actor(OWNER, OWNER, "Asha")
        assert commands == [Command(Wish.FLATTEN, owner), Command(Wish.FLATTEN, owner, value="everything")]


async def test_p_picks_and_shows_a_card_whose_exit_is_a_question_of_the_core(tmp_path: Path):
    """The picker and the card post nothing; Exit posts the wish, as the picker of /exit does."""
    clock, core = QuickClock(), Core()
    core.picture = house(position(), position(3360))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/p")
        picker = await message_with(server, "Which position?")
        server.phone.tap(picker.id, "i:3360")
        card = await message_with(server, "P&L at mark")
        assert card.buttons == ["Exit…", "Exit half…", "Tighten…", "Snooze…", "Chart", "Why?", "Rules"]
        assert core.posted == []
        server.phone.tap(card.id, "Exit…")
        [command] = await core.wait_for(lambda c: c.of(Command))
        assert (command.wish, command.strategy_id) == (Wish.EXIT, 3360)


async def test_rules_and_why_show_pages_silently_from_picker_and_button(tmp_path: Path):
    """/rules picks, its page has Why?, that one has Rules; nothing of it reaches the core."""
    clock, core = QuickClock(), Core()
    core.picture = house(position(), position(3360))
    core.rules_now = [RulesNow(position(state=PositionState.FLAT, reason="verified flat"), None)]
    look = Sighting(AT_S, 0, 0, 0, (), ())
    core.seen = [Found("default/3359", "", (), look)]
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/rules")
        picker = await message_with(server, "Rules of which position?")
        server.phone.tap(picker.id, "r:3359")
        rules = await message_with(server, "It is verified flat")
        press = server.phone.tap(rules.id, "Why?")
        why = await message_with(server, "Nothing came near a threshold.")
        await answered(server, press)
        assert (press.toast, why.buttons) == ("", ["Rules"])
        assert rules.silent
        assert why.silent
        assert core.posted == []


async def test_the_only_position_needs_no_picker_and_a_broken_journal_is_said(tmp_path: Path):
    """/rules and /why alone are about it; a journal that cannot be read is a sentence."""
    clock, core = QuickClock(), Core()
    core.picture = house(position())
    core.rules_now = [RulesNow(position(state=PositionState.FLAT, reason="verified flat"), None)]
    core.seen = BadInput("journal.sqlite3: cannot be read (disk I/O error)")
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/rules")
        await message_with(server, "It is verified flat")
        server.phone.send("/why")
        await message_with(server, "The journal cannot be read now: journal.sqlite3")


async def test_an_exit_from_picker_to_verified_flat(tmp_path: Path):
    """/exit, a pick, yes: one tap reaches the core, and the question turns into the outcome."""
    clock = QuickClock()
    core = one_tap_core(clock)
    core.picture = house(position(), position(3360))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/exit")
        picker = await message_with(server, "Exit which position?")
        chosen = server.phone.tap(picker.id, "p:3359")
        ask = await asked(server)
        assert ask is picker
        await answered(server, chosen)
        assert not chosen.toast
        assert [key.get("style") for key in ask.keys] == ["danger", None]
        press = server.phone.tap(ask.id, "Exit now")
        await server.wait_for(lambda _: "Verified flat" in ask.text)
        await answered(server, press)
        assert (press.toast, ask.buttons) == ("Exiting.", [])
        [command] = core.of(Command)
        assert (command.wish, command.strategy_id) == (Wish.EXIT, 3359)
        [tap] = core.of(Tap)
        assert tap == Tap("nonce0000", yes=True, by=Actor(OWNER, OWNER, "Asha"), callback_id=press.id)


async def test_a_choice_on_an_alert_reaches_the_core(tmp_path: Path):
    """What is to be made of a difference is asked for by one press; the core asks back."""
    clock, core = QuickClock(), Core()
    choices = (Wish.ADOPT, Wish.UNWATCH)
    differs = Alert(Urgency.HIGH, "d", "They disagree", "So.", PositionId("default/3359"), choices)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(differs)
        message = await message_with(server, "They disagree")
        press = server.phone.tap(message.id, "Stop watching")
        await answered(server, press)
        assert core.posted == [Command(Wish.UNWATCH, Actor(OWNER, OWNER, "Asha"), 3359)]


async def test_two_choices_on_one_picker_are_two_questions(tmp_path: Path):
    """The first takes the picker's place; the other, sent from a phone that lagged, is a new message."""
    clock = QuickClock()
    core = one_tap_core(clock)
    core.picture = house(position(), position(3360))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/exit")
        picker = await message_with(server, "Exit which position?")
        server.phone.tap(picker.id, "p:3359")
        await server.wait_for(lambda _: "Exit now" in picker.buttons)
        server.phone.tap(picker.id, "p:3360")
        other = (await server.wait_for(lambda s: s.sent()[1:]))[0]
        assert other.buttons == picker.buttons
        server.phone.tap(other.id, "c:nonce0001:y")
        await server.wait_for(lambda _: "Verified flat" in other.text)
        assert "Exit now" in picker.buttons


async def test_two_taps_from_two_phones_are_one_decision(tmp_path: Path):
    """Yes on one phone and no on the other: both are answered, the core's first one wins."""
    clock = QuickClock()
    core = one_tap_core(clock)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        first = server.phone.tap(ask.id, "Exit now")
        second = server.phone.tap(ask.id, "Cancel")
        third = server.phone.tap(ask.id, "Exit now")
        for press in (first, second, third):
            await answered(server, press)
        assert [p.toast for p in (first, second, third)] == [
            "Exiting.",
            "Already decided.",
            "Already decided.",
        ]
        assert [tap.yes for tap in core.of(Tap)] == [True, False, True]
        await server.wait_for(lambda _: ask.text.startswith("Verified flat"))


async def test_a_stranger_is_ignored_in_all_ways(tmp_path: Path):
    """Commands and taps of others reach nothing and get no answer; the owner is told once, quietly."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        server.phone.send("/exit all", user=666)
        press = server.phone.tap(ask.id, "Exit now", user=666)
        told = await message_with(server, "A stranger at the bot")
        server.phone.send("/status")
        await message_with(server, "No positions are being watched")
        assert told.silent
        assert core.posted == []
        assert not press.answered
        assert server.sent(666) == []
        wanted = [(t.by.user_id, t.what, t.why) for t in core.turned_away]
        assert wanted[0] == (666, "/exit", "stranger")
        assert wanted[1][1].startswith("the button c:")


async def test_a_tap_on_another_message_presses_nothing(tmp_path: Path):
    """A nonce only counts on the very message that its question was sent as."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(alert(Urgency.MEDIUM, "other"))
        other = await message_with(server, "Medium other")
        core.give(question(clock))
        await asked(server)
        forged = server.phone.forge(other.id, "c:nonce0000:y")
        unknown = server.phone.forge(other.id, "c:nonce9999:y")
        await answered(server, forged)
        await answered(server, unknown)
        assert (forged.toast, forged.alert) == ("This question is closed.", True)
        assert unknown.toast == "This question is closed."
        assert core.posted == []


async def test_a_button_of_another_version_presses_nothing(tmp_path: Path):
    """Data that nobody reads are answered, not guessed at."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        press = server.phone.forge(ask.id, "confirm_closeall")
        await answered(server, press)
        assert press.toast == "This button is from another version. Nothing was done."
        assert core.posted == []


class BrokenCore(Core):
    """A core whose picture cannot be drawn."""

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """Fail as a bug does."""
        raise ZeroDivisionError("a planted bug")


async def test_a_bug_is_told_and_does_not_end_the_chat(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A handler that fails leaves its traceback in the log and a word in the chat; the next one works."""
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, BrokenCore(), clock, tmp_path)):
        server.phone.send("/status")
        await message_with(server, "That went wrong inside the monitor")
        server.phone.send("/help")
        await message_with(server, "Commands")
    assert "a planted bug" in caplog.text


async def test_being_blocked_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The owner blocks the bot: the log says so before any message is refused."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.block()
        server.phone.unblock()
        server.phone.send("/help")
        await message_with(server, "Commands")
    assert "the bot is now kicked in the owner's chat" in caplog.text.replace(
        "ChatMemberStatus.BANNED", "kicked"
    )


async def test_a_tap_after_a_restart_still_counts(tmp_path: Path):
    """The question outlives the chat that sent it; a tap on it reaches the new one, once."""
    clock = QuickClock()
    async with telegram(clock) as server:
        core = one_tap_core(clock)
        chat = make_chat(server, core, clock, tmp_path)
        async with running(chat):
            core.give(question(clock))
            ask = await asked(server)
            server.phone.send("/help")
            await message_with(server, "Commands")
        press = server.phone.tap(ask.id, "Exit now")
        core = one_tap_core(clock)
        async with running(make_chat(server, core, clock, tmp_path)):
            await answered(server, press)
            await server.wait_for(lambda _: "Verified flat" in ask.text)
        assert len(core.of(Tap)) == 1
        assert len(server.sent()) == 2


async def test_a_tap_on_a_question_whose_receipt_was_lost(tmp_path: Path):
    """Killed before Telegram's receipt: the copy that is tapped counts, and becomes the card."""
    clock = QuickClock()
    async with telegram(clock) as server:
        core = one_tap_core(clock)
        server.faults.lose_reply(method="sendMessage")
        async with running(make_chat(server, core, clock, tmp_path)):
            core.give(question(clock))
            ask = await asked(server)
        press = server.phone.tap(ask.id, "Exit now")
        core = one_tap_core(clock)
        async with running(make_chat(server, core, clock, tmp_path)):
            await answered(server, press)
            await server.wait_for(lambda _: "Verified flat" in ask.text)
        assert press.toast == "Exiting."
        assert len(core.of(Tap)) == 1


async def test_either_copy_of_a_question_can_be_tapped(tmp_path: Path):
    """A lost receipt makes the question appear twice: the copy that is tapped counts and is edited."""
    clock = QuickClock(speed=10)
    core = one_tap_core(clock)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.faults.lose_reply(method="sendMessage")
        core.give(question(clock))
        ask = await asked(server)
        await server.wait_for(lambda s: len(s.sent()) == 2)
        server.phone.send("/help")
        await message_with(server, "Commands")
        press = server.phone.tap(ask.id, "Exit now")
        await answered(server, press)
        assert press.toast == "Exiting."
        await server.wait_for(lambda _: "Verified flat" in ask.text)


async def test_an_update_is_not_run_twice(tmp_path: Path):
    """Killed before it could confirm a command, the next life gets it again and does not run it."""
    clock = QuickClock()
    async with telegram(clock) as server:
        core = Core()
        async with running(make_chat(server, core, clock, tmp_path)):
            server.phone.send("/stop")
            await core.wait_for(lambda c: c.posted)
            server.faults.hang(times=1000, method="getUpdates")
        server.faults.clear()
        core = Core(picture=house(position()))
        async with running(make_chat(server, core, clock, tmp_path)):
            server.phone.send("/status")
            await message_with(server, "3359 NIFTY")
        assert core.posted == []


async def test_a_command_from_before_is_not_run(tmp_path: Path):
    """An hour-old /exit all that waited at Telegram is explained, not obeyed."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server:
        server.phone.send("/exit all", age_s=3600)
        async with running(make_chat(server, core, clock, tmp_path)):
            told = await message_with(server, "Ignored “/exit all”: it is 60 min old")
            assert "Send it again" in told.text
            assert core.posted == []


async def test_a_corrected_command_is_not_run(tmp_path: Path):
    """Editing /exit 1 to /exit 2 exits nothing; the poll does not even ask for edits."""
    clock, core = QuickClock(), Core(picture=house(position()))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        sent = server.phone.send("/help")
        await message_with(server, "Commands")
        server.phone.edit(sent.id, "/exit all")
        server.phone.send("/status")
        await message_with(server, "3359 NIFTY")
        assert core.posted == []


async def test_a_slow_core_does_not_leave_the_button_spinning(tmp_path: Path):
    """Within a second the press is answered; an alarm that comes later becomes a message."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        press = server.phone.tap(ask.id, "Exit now")
        pressed_s = clock.now_s()
        await answered(server, press)
        assert press.toast == FALLBACK
        assert clock.now_s() - pressed_s < 2.0
        core.give(Answer(press.id, "The position has changed.", alarm=True))
        await message_with(server, "The position has changed.")


async def test_the_core_s_words_reach_only_this_chat(tmp_path: Path):
    """What is said to the host's own command line is not sent to the phone."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(Say(Actor(0, 0, "host"), "For the terminal."))
        core.give(Say(Actor(OWNER, OWNER, "Asha"), "Automation is halted <now>."))
        await message_with(server, "Automation is halted <now>.")
        assert len(server.sent()) == 1


async def test_loud_and_silent(tmp_path: Path):
    """NORMAL makes no sound, MEDIUM and HIGH do; a repetition within its cool-down is not said."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        for urgency in Urgency:
            core.give(alert(urgency, "same topic" if urgency else "first"))
        core.give(alert(Urgency.MEDIUM, "same topic"))
        core.give(alert(Urgency.MEDIUM, "last"))
        await message_with(server, "Medium last")
        normal = await message_with(server, "Normal first")
        high = await message_with(server, "High same topic")
        assert (normal.silent, high.silent) == (True, False)
        assert sum("Medium same topic" in m.text for m in server.sent()) == 1


async def test_a_storm_is_summed_up(tmp_path: Path):
    """Fifty alerts in a moment are a dozen and a summary."""
    clock = QuickClock(speed=20)
    core = Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        for n in range(50):
            core.give(alert(Urgency.MEDIUM, f"topic {n}"))
        summary = await message_with(server, "Storm: 38 more alerts")
        assert "/status shows where everything stands" in summary.text
        await server.wait_for(lambda s: len(s.sent()) == 13)


async def test_a_card_keeps_its_buttons_until_it_is_answered(tmp_path: Path):
    """A question whose card changes can still be answered; after the tap its buttons are gone."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        core.give(card("nonce0000", "Prices moved", final=False))
        await server.wait_for(lambda _: "Prices moved" in ask.text)
        assert ask.buttons == ["Exit now", "Cancel"]
        server.phone.tap(ask.id, "Exit now")
        await core.wait_for(lambda c: c.of(Tap))
        core.give(card("nonce0000", "Exiting", final=False))
        await server.wait_for(lambda _: "⏳ Exiting" in ask.text)
        assert ask.buttons == []


async def test_a_bad_end_is_heard(tmp_path: Path):
    """A stuck exit edits its card, and rings as a message of its own."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        core.give(card("nonce0000", "Stuck: NIFTY", urgency=Urgency.HIGH))
        await server.wait_for(lambda _: "Stuck: NIFTY" in ask.text)
        ring = next(m for m in server.sent() if m.id != ask.id and "Stuck: NIFTY" in m.text)
        assert (ring.silent, ask.buttons) == (False, [])


async def test_a_card_nobody_asked_for_is_one_message(tmp_path: Path):
    """An automatic exit's card is sent once and then edited, even when its states come in a burst."""
    clock = QuickClock(speed=5)
    core = Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(card("x17", "Exiting: NIFTY", final=False))
        await message_with(server, "Exiting: NIFTY")
        core.give(card("x17", "Exiting: 1 of 2", final=False))
        core.give(card("x17", "Verified flat: NIFTY"))
        await message_with(server, "Verified flat: NIFTY")
        assert len(server.sent()) == 1


async def test_an_edit_whose_message_is_gone_is_sent_anew(tmp_path: Path):
    """The owner deleted the question; the outcome comes all the same."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(question(clock))
        ask = await asked(server)
        server.state.delete(ask)
        core.give(card("nonce0000", "Verified flat: NIFTY"))
        await message_with(server, "Verified flat: NIFTY")


async def test_a_webhook_left_by_somebody_is_not_taken_for_a_second_program(tmp_path: Path):
    """It is deleted before the first poll, which would meet a conflict and alarm."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server:
        server.updates.webhook = "https://example.org/hook"
        async with running(make_chat(server, core, clock, tmp_path)):
            server.phone.send("/help")
            await message_with(server, "Commands")
            assert {call.status for call in server.calls_of("getUpdates")} <= {0, 200}


async def test_it_comes_up_when_telegram_does(tmp_path: Path):
    """Started into an outage it waits, keeps what is said, and delivers once Telegram is there."""
    clock, core = QuickClock(), Core()
    server = TelegramServer(token=TOKEN, now=clock.now_s)
    await server.start()
    await server.stop()
    chat = make_chat(server, core, clock, tmp_path)
    async with running(chat):
        core.give(alert(Urgency.HIGH, "early"))
        async with asyncio.timeout(5):
            while not chat.health().faults:
                clock.rested.clear()
                await clock.rested.wait()
        assert chat.health().faults == ("poll: unreachable",)
        assert chat.health().poll_age_s is None
        assert chat.health().waiting_high == 1
        await server.start()
        await message_with(server, "High early")
        server.phone.send("/stop")
        await core.wait_for(lambda c: c.posted)
        age_s = chat.health().poll_age_s
        assert age_s is not None
        assert age_s < 5
    await server.stop()


async def test_alerts_outlive_an_outage_and_a_restart(tmp_path: Path):
    """Said while Telegram is away, delivered by the next life, with how late they are."""
    clock = QuickClock()
    core = Core()
    async with telegram(clock) as server:
        await server.stop()
        async with running(make_chat(server, core, clock, tmp_path)):
            core.give(alert(Urgency.HIGH, "first"))
            core.give(alert(Urgency.NORMAL, "second"))
            core.give(question(clock, left_s=60.0))
        clock.skip(200)
        await server.start()
        async with running(make_chat(server, core, clock, tmp_path)):
            high = await message_with(server, "High first")
            normal = await message_with(server, "Normal second")
            assert "delayed " in high.text
            assert high.id < normal.id
            assert all("Exit NIFTY" not in m.text for m in server.sent()), "an expired question was asked"
        async with running(make_chat(server, Core(), clock, tmp_path)) as _:
            server.phone.send("/help")
            await message_with(server, "Commands")
        assert sum("High first" in m.text for m in server.sent()) == 1


async def test_no_secret_in_any_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """At DEBUG, through refusals, outages and bad answers: the token is in no line of the log."""
    caplog.set_level(logging.DEBUG)
    clock, core = QuickClock(speed=50), Core()
    async with telegram(clock) as server:
        server.faults.fail(401, method="getMe")
        server.faults.fail(404, method="getMe", page="<html>blocked</html>")
        server.faults.drop(method="getMe")
        for code in (401, 404, 409, 502):
            server.faults.fail(code, method="getUpdates")
            server.faults.fail(code, method="sendMessage")
        server.faults.drop(method="getUpdates")
        server.faults.fail(502, method="setMyCommands")
        server.faults.fail(404, method="answerCallbackQuery")
        chat = make_chat(server, core, clock, tmp_path)
        async with running(chat):
            core.give(question(clock, left_s=3000.0))
            ask = await asked(server, timeout_s=60.0)
            press = server.phone.tap(ask.id, "Cancel")
            await answered(server, press)
    text = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert "token refused" in text, "the log must have something to hide"
    assert "canary" not in text
    assert "canary" not in repr(chat.health())


async def test_a_mistake_in_the_look_at_what_is_due_takes_nothing_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """One look fails: the chat does not fall, alerts are told, and a second later it looks again."""
    clock, core, again = QuickClock(20.0), Core(), asyncio.Event()
    async with telegram(clock) as server:
        chat = make_chat(server, core, clock, tmp_path)
        look, mistakes = chat.rooms.voice.look, [LookupError("a mistake of ours")]

        def mistaken() -> None:
            if mistakes:
                raise mistakes.pop()
            look()
            again.set()

        chat.rooms.voice.look = mistaken  # type: ignore[method-assign]
        async with running(chat):
            await asyncio.wait_for(again.wait(), 10.0)
            assert "chat alert watch failed" in caplog.text
            core.give(alert(Urgency.HIGH, "stop"))
            await message_with(server, "High stop")
        assert len(server.calls_of("getMe")) == 1
