"""One question, one exit: the chat with a whole monitor behind it, whatever happens to taps on their way.

Each row of the table that a confirmation has to keep is a test here, but for those shown elsewhere:

| row | shown by |
|---|---|
| edited message | `test_app.test_a_corrected_command_is_not_run`, `test_access` (admissions) |
| old message | `test_app.test_a_command_from_before_is_not_run` |
| command delivered twice | `test_app.test_an_update_is_not_run_twice` |
| button of another version | `test_app.test_a_button_of_another_version_presses_nothing` |
| question sent twice, receipt lost | `test_app.test_either_copy_of_a_question_can_be_tapped` |
| group, member or stranger of it | `test_roles.test_a_group_only_looks_unless_allowed` |
| viewer | `test_roles.test_who_may_answer_what` |
| position changed meanwhile | `tests/engine/test_monitor.py`, fingerprints |
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.presses import CLOSED
from sandbox.telegram_server import Message as Bubble
from sandbox.telegram_server import Query, TelegramServer
from tests.bot.house import QuickClock, make_chat, message_with, running, telegram
from tests.bot.whole import House

ENTRY = (20, 45, 40, 18)
YES, NO = "Exit now", "Cancel"
#: Everything that the chat says goes by one of these.
UI = ("sendMessage", "editMessageText", "editMessageReplyMarkup", "answerCallbackQuery")
LATE = "Already decided or too old."


async def question(server: TelegramServer) -> Bubble:
    """Ask for an exit on the phone, up to its question."""
    server.phone.send("/exit 3359")
    bubble = await message_with(server, "Exit 3359 NIFTY Iron Condor?")
    assert bubble.buttons == [YES, NO]
    return bubble


async def all_answered(server: TelegramServer, presses: list[Query]) -> Counter[str]:
    """The toasts of all presses."""
    await server.wait_for(lambda _: all(press.answered for press in presses), 60.0)
    return Counter(press.toast or "" for press in presses)


async def test_one_tap_is_one_exit(tmp_path: Path):
    """From the command to the card."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        assert await all_answered(server, [server.phone.tap(ask.id, YES)]) == {"Exiting.": 1}
    assert house.exits == 1
    house.end()


async def test_two_hundred_taps_at_once_are_one_exit(tmp_path: Path):
    """Two batches of Telegram's, sixteen handlers side by side: the first tap counts, all are answered."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        presses = [server.phone.tap(ask.id, YES) for _ in range(200)]
        toasts = await all_answered(server, presses)
    assert toasts["Exiting."] == 1
    assert house.exits == 1
    assert set(toasts) <= {
        "Exiting.",
        LATE,
        CLOSED,
        "Received. The outcome follows here.",
    }
    house.end()


async def test_yes_and_no_at_once_have_one_winner(tmp_path: Path):
    """A hundred of each, mixed: one is decided, the other ninety-nine and hundred are not."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        presses = [server.phone.tap(ask.id, (NO, YES)[n % 2]) for n in range(200)]
        toasts = await all_answered(server, presses)
    assert toasts["Exiting."] + toasts["Left alone."] == 1
    assert house.exits == toasts["Exiting."]


async def test_a_stranger_s_tap_is_no_exit(tmp_path: Path):
    """Nor does it close the question for the owner; the audit has it."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        foreign = server.phone.tap(ask.id, YES, user=666)
        await message_with(server, "A stranger at the bot")
        assert (house.exits, foreign.answered) == (0, False)
        assert [knock.by.user_id for knock in house.turned_away] == [666]
        assert await all_answered(server, [server.phone.tap(ask.id, YES)]) == {"Exiting.": 1}
    assert house.exits == 1


@pytest.mark.parametrize("noticed", [False, True])
async def test_a_tap_after_the_end_of_its_minute_is_no_exit(tmp_path: Path, *, noticed: bool):
    """Whether the monitor's pulse or the tap is first to notice."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        house.rig.now_s += 61
        if noticed:
            house.rig.wait(1, *ENTRY)
        [toast] = await all_answered(server, [server.phone.tap(ask.id, YES)])
        assert toast in {LATE, "Too late: this question has expired."}
        house.speak()
        await server.wait_for(lambda _: ask.text.startswith("Expired"))
    assert house.exits == 0


async def test_a_nonce_on_another_message_is_no_exit(tmp_path: Path):
    """Copied from one button to another, it is of no use."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        server.phone.send("/help")
        other = await message_with(server, "Commands")
        assert ask.body.markup is not None
        data = ask.body.markup["inline_keyboard"][0][0]["callback_data"]
        toasts = await all_answered(server, [server.phone.forge(other.id, data) for _ in range(3)])
    assert toasts == {CLOSED: 3}
    assert house.exits == 0


async def test_two_taps_after_a_restart_between_question_and_answer_are_one_exit(tmp_path: Path):
    """Chat and monitor are new, the journal and the chat's memory are not."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server:
        async with running(make_chat(server, house, clock, tmp_path)):
            ask = await question(server)
        presses = [server.phone.tap(ask.id, YES) for _ in range(2)]
        house = house.restarted()
        async with running(make_chat(server, house, clock, tmp_path)):
            toasts = await all_answered(server, presses)
    assert toasts["Exiting."] == 1
    assert house.exits == 1
    house.end()


async def test_a_tap_that_is_delivered_again_after_a_crash_is_one_exit(tmp_path: Path):
    """Killed before the poll has confirmed the tap: Telegram sends it once more to the next life."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server:
        async with running(make_chat(server, house, clock, tmp_path)):
            ask = await question(server)
            server.phone.tap(ask.id, YES)
            await house.begun()
            server.faults.hang(times=1000, method="getUpdates")
        server.faults.clear()
        house = house.restarted()
        async with running(make_chat(server, house, clock, tmp_path)):
            server.phone.send("/help")
            await message_with(server, "Commands")
    assert house.exits == 1
    house.end()


async def test_while_telegram_refuses_every_word_of_ours_a_tap_is_one_exit(tmp_path: Path):
    """502 to every send, edit and toast: the exit does not wait for any of them."""
    clock, house = QuickClock(speed=10), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        for method in UI:
            server.faults.fail(502, times=10_000, method=method)
        server.phone.tap(ask.id, YES)
        server.phone.tap(ask.id, YES)
        await house.begun()
        house.end()
        server.faults.clear()
    assert house.exits == 1


@pytest.mark.parametrize("method", ["getUpdates", "answerCallbackQuery", "editMessageText"])
async def test_a_tap_whose_answer_is_lost_is_one_exit(tmp_path: Path, method: str):
    """Telegram did it and its reply never came: what is sent again is the word, not the exit."""
    clock, house = QuickClock(speed=10), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        server.faults.lose_reply(times=2, method=method)
        press = server.phone.tap(ask.id, YES)
        await house.begun()
        house.end()
        house.speak()
        await server.wait_for(lambda _: "Verified flat" in ask.text, 60.0)
        await all_answered(server, [press])
    assert house.exits == 1


async def test_a_second_program_with_our_token_costs_no_second_exit(tmp_path: Path):
    """409 for a while: the tap comes late and counts once, and the owner is told of the conflict."""
    clock, house = QuickClock(speed=10), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        server.faults.fail(409, times=5, method="getUpdates")
        presses = [server.phone.tap(ask.id, YES) for _ in range(2)]
        toasts = await all_answered(server, presses)
        assert toasts["Exiting."] == 1
    assert house.exits == 1
    house.end()


async def test_an_old_button_is_no_exit(tmp_path: Path):
    """After the end: neither the answered question's, nor an old picker's, which only asks anew."""
    clock, house = QuickClock(), House()
    async with telegram(clock) as server, running(make_chat(server, house, clock, tmp_path)):
        ask = await question(server)
        assert ask.body.markup is not None
        data = ask.body.markup["inline_keyboard"][0][0]["callback_data"]
        await all_answered(server, [server.phone.tap(ask.id, NO)])
        [toast] = await all_answered(server, [server.phone.forge(ask.id, data)])
        assert toast in {LATE, CLOSED}
        await all_answered(server, [server.phone.forge(ask.id, "p:3359")])
        again = "Exit 3359 NIFTY Iron Condor?"
        await server.wait_for(lambda s: any(again in m.text and m.id != ask.id for m in s.sent()))
    assert house.exits == 0
