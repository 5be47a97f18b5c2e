"""The card of a question follows the market on the phone, and only a yes to what it shows sends orders."""

from __future__ import annotations

import pytest

from engine.model import Mode
from tests.e2e.outside import WAIT_S, button_of, held, monitor, orders_of, sandbox
from tests.e2e.test_margin import question_of

pytestmark = pytest.mark.timeout(90)


#: So narrow that the sandbox's own market leaves it within seconds.
TIGHT = {"CONFIRM_TOLERANCE_RUPEES": "0", "CONFIRM_TOLERANCE_PCT": "0"}


async def test_a_yes_to_old_figures_is_shown_the_new_ones_and_the_next_counts(tmp_path):
    """The same message: an older edition's press sends nothing, the newest one's does, once.

    Unless prices are, at that moment, what the old edition says: then it is no old one.
    """
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO, rules="", **TIGHT):
        phone = world.telegram
        question = await question_of(world, 3361)
        first = button_of(question, "Exit now")
        await phone.wait_for(lambda s: _drawn(s, question) > 0, WAIT_S)
        phone.phone.tap(question.id, first)
        await phone.wait_for(lambda s: _moved(s, question) or _ended(s, question), WAIT_S)
        if _moved(phone, question):
            assert orders_of(world, 3361) == []
            assert phone.messages[question.id].buttons == ["Exit now", "Cancel"]
            phone.phone.tap(question.id, "Exit now")
            await phone.wait_for(lambda s: _ended(s, question), WAIT_S)
        for _ in range(2):
            phone.phone.tap(question.id, first)
        assert len(orders_of(world, 3361)) in {0, 2}


async def test_a_yes_within_the_tolerance_is_one_exit(tmp_path):
    """As usual, whatever the market has done in a few seconds."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO, rules=""):
        phone = world.telegram
        question = await question_of(world, 3361)
        assert "Shorts first, then longs" in question.text
        assert "No answer: nothing is sent" in question.text
        phone.phone.tap(question.id, "Exit now")
        await phone.wait_for(lambda s: "Verified flat" in s.messages[question.id].text, WAIT_S)
        assert set(held(world, 3361).values()) == {0}
        assert len(orders_of(world, 3361)) == 2


def _drawn(server, question) -> int:
    """Which edition the message shows."""
    return int(button_of(server.messages[question.id], "Exit now").rpartition("y")[2] or 0)


def _moved(server, question) -> bool:
    return "Prices have moved" in server.messages[question.id].text


def _ended(server, question) -> bool:
    text = server.messages[question.id].text
    return "Verified flat" in text or "moved again" in text
