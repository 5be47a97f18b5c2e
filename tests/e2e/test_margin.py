"""The line on the margin below a question, through real sockets; and that nothing ever waits for it."""

from __future__ import annotations

import pytest

from engine.broker_nouns import OrderStatus
from engine.model import Mode, Right
from tests.e2e.outside import WAIT_S, held, monitor, orders_of, sandbox, text_of

pytestmark = pytest.mark.timeout(90)

MULTI = "/margincalculator/multi"


async def question_of(world, strategy_id):
    """Type /exit until it is taken: at first the broker's positions have not been read."""
    phone, asked = world.telegram, text_of(f"Exit {strategy_id}")
    for tries in range(1, 20):
        phone.phone.send(f"/exit {strategy_id}")
        await phone.wait_for(lambda s, tries=tries: asked(s) or _not_now(s) == tries, WAIT_S)
        if question := asked(phone):
            return question
    raise AssertionError(f"no question about {strategy_id}")


async def question_about(world, strategy_id, words):
    """Ask, and wait until the question says this; its buttons must still be there."""
    question, phone = await question_of(world, strategy_id), world.telegram
    await phone.wait_for(lambda s: words in s.messages[question.id].text, WAIT_S)
    shown = phone.messages[question.id]
    assert shown.buttons == ["Exit now", "Cancel"]
    assert "Expires" in shown.text
    return shown


async def test_a_question_says_that_there_is_margin_enough(tmp_path):
    """The same message, edited; the exit that follows is not refused."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO, rules=""):
        phone = world.telegram
        question = await question_about(world, 3361, "Margin: enough at each step")
        phone.phone.tap(question.id, "Exit now")
        await phone.wait_for(lambda s: "Verified flat" in s.messages[question.id].text, WAIT_S)
        assert set(held(world, 3361).values()) == {0}


async def test_a_rules_question_says_that_buying_back_needs_none(tmp_path):
    """A strangle has no hedge to sell: nothing is asked."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO):
        question = await world.telegram.wait_for(text_of("exit 3360 BANKNIFTY Short Strangle?"), WAIT_S)
        assert "Margin: buying back needs none" in question.text


async def test_a_sale_that_would_be_refused_is_told_before_and_is_refused(tmp_path):
    """The condor's long put also covers a put sold by hand: selling it needs more than is free."""
    async with sandbox() as world:
        exchange, market = world.dhan.exchange, world.dhan.exchange.source
        long_put = market.option("NIFTY", 24_600, Right.PUT)
        by_hand = market.option("NIFTY", 24_400, Right.PUT)
        exchange.carry(by_hand.key, -held(world, 3359)[long_put.security_id], 5_000)
        exchange.account().funds_paise = 30_000_000
        async with monitor(world, tmp_path, Mode.SEMI_AUTO, rules=""):
            words = "24600 PE) would need ₹"
            question = await question_about(world, 3359, words)
            world.telegram.phone.tap(question.id, "Exit now")
            await world.telegram.wait_for(lambda _: _refused(world), WAIT_S)
            (refused, *_) = _refused(world)
            assert refused.ticket.key == long_put.key
            assert refused.reason.startswith("RMS:Margin Exceeds")


@pytest.mark.parametrize("hurt", ["error", "rubbish", "stall"])
async def test_a_margin_that_cannot_be_asked_holds_no_exit_up(tmp_path, hurt):
    """The question says so, if somebody is still reading; yes is yes at once."""
    async with sandbox() as world:
        faults = world.dhan.faults
        if hurt == "stall":
            faults.stall(path=MULTI, times=50, seconds=30.0)
        else:
            body = {"total_margin": {}} if hurt == "rubbish" else None
            faults.error(path=MULTI, times=50, status=200 if body else 502, body=body)
        async with monitor(world, tmp_path, Mode.SEMI_AUTO, rules=""):
            phone = world.telegram
            if hurt == "stall":
                question = await question_of(world, 3361)
            else:
                question = await question_about(world, 3361, "Margin could not be asked")
            phone.phone.tap(question.id, "Exit now")
            await phone.wait_for(lambda s: "Verified flat" in s.messages[question.id].text, WAIT_S)
            assert len(orders_of(world, 3361)) == 2


def _not_now(phone) -> int:
    return sum("Not now:" in message.text for message in phone.sent())


def _refused(world):
    return [o for o in orders_of(world, 3359) if o.status is OrderStatus.REJECTED]
