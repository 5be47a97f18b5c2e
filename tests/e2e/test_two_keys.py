"""The mode and a rule on the phone: lowered by a word, loosened by a code that is typed and a minute."""

from __future__ import annotations

import re

import pytest

from engine import two_keys
from engine.model import Mode
from tests.e2e.outside import WAIT_S, held, monitor, orders_of, sandbox, text_of
from tests.e2e.test_margin import question_of

pytestmark = pytest.mark.timeout(120)

#: Here the minute is shorter: nobody looks at it being whole (`tests/engine/test_two_keys.py` does).
HOLD_S = 3.0


@pytest.fixture(autouse=True)
def _quick_hold(monkeypatch):
    monkeypatch.setattr(two_keys, "HOLD_S", HOLD_S)


async def card_of(phone, words):
    """The card with a code, and the code."""
    card = await phone.wait_for(text_of(words), WAIT_S)
    assert card.buttons == ["Cancel"]
    return card, re.search(r"/code (\d{4})", card.text)[1]  # type: ignore[index]


async def test_the_mode_is_lowered_by_a_word_and_raised_by_a_code_after_a_while(tmp_path):
    """Lowered, nothing is sent by hand either; raised, the exit goes."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.EXECUTE, rules=""):
        phone = world.telegram
        await question_of(world, 3361)  # the house is ready
        phone.phone.send("/mode alert-only")
        await phone.wait_for(text_of("Mode alert-only now, it was execute"), WAIT_S)
        phone.phone.send("/exit 3361")
        await phone.wait_for(text_of("Alert-only mode places no orders"), WAIT_S)
        phone.phone.send("/mode semi-auto")
        card, code = await card_of(phone, "Raise the mode to semi-auto?")
        phone.phone.send("/code 1")
        await phone.wait_for(text_of("Wrong code; 2 more may be tried"), WAIT_S)
        phone.phone.send(f"/code {code}")
        await phone.wait_for(lambda s: "Takes effect" in s.messages[card.id].text, WAIT_S)
        await phone.wait_for(lambda s: "Done: Raise the mode" in s.messages[card.id].text, WAIT_S)
        assert phone.messages[card.id].buttons == []
        phone.phone.send("/mode execute")
        card, code = await card_of(phone, "Raise the mode to execute?")
        phone.phone.send(f"/code {code}")
        await phone.wait_for(lambda s: "Takes effect" in s.messages[card.id].text, WAIT_S)
        phone.phone.send("/stop")
        await phone.wait_for(lambda s: "Not done: Raise" in s.messages[card.id].text, WAIT_S)
        phone.phone.tap(card.id, "Cancel")  # the old button
        phone.phone.send(f"/code {code}")
        await phone.wait_for(text_of("Nothing waits for a code"), WAIT_S)
        phone.phone.send("/mode")
        await phone.wait_for(text_of("Mode semi-auto: each exit waits for your button"), WAIT_S)
        assert orders_of(world, 3361) == []


async def test_a_stop_is_loosened_on_the_phone_and_half_of_a_position_closed(tmp_path):
    """/set asks for the code; the button on the position's card asks about half, in whole lots."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO, rules=""):
        phone = world.telegram
        await question_of(world, 3359)
        phone.phone.send("/set 3359 stop_loss -60%")
        card, code = await card_of(phone, "Loosen stop loss of 3359 NIFTY?")
        assert "Loosening needs two keys." in card.text
        phone.phone.send(f"/code {code}")
        await phone.wait_for(lambda s: "Done: Loosen" in s.messages[card.id].text, WAIT_S)
        before = held(world, 3359)
        phone.phone.send("/p 3359")
        page = await phone.wait_for(_half_button, WAIT_S)
        phone.phone.tap(page.id, "Exit half…")
        question = await phone.wait_for(_half_question, WAIT_S)
        phone.phone.tap(question.id, "Exit now")
        await phone.wait_for(lambda s: " open: 3359" in s.messages[question.id].text, WAIT_S)
        after = held(world, 3359)
        assert {key: after[key] * 2 for key in after} == before


def _half_question(server):
    return next((m for m in server.sent() if re.match(r"Exit \d+ of \d+ of 3359", m.text)), None)


def _half_button(server):
    return next((m for m in server.sent() if "Exit half…" in m.buttons), None)
