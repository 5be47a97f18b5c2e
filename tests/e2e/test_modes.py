"""The same exit in all four modes, through real sockets: REST, feed, order updates, Bot API."""

from __future__ import annotations

import pytest

from engine.model import Mode
from tests.e2e.outside import AT_ONCE, WAIT_S, held, monitor, orders_of, sandbox, text_of

pytestmark = pytest.mark.timeout(90)


async def ask_for_exit(phone, strategy_id=3361):
    """Type /exit 3361, read the preview, and tap Exit now."""
    phone.phone.send(f"/exit {strategy_id}")
    question = await phone.wait_for(text_of(f"Exit {strategy_id}"), WAIT_S)
    phone.phone.tap(question.id, "Exit now")
    return question


async def test_simulate_exits_on_paper_and_no_changing_call_reaches_the_exchange(tmp_path):
    """The rule's exit and a hand's exit both end verified flat on paper; Dhan hears of neither."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SIMULATE):
        phone = world.telegram
        await phone.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
        question = await ask_for_exit(phone)
        await phone.wait_for(lambda s: "Verified flat" in s.messages[question.id].text, WAIT_S)
        assert world.dhan.exchange.log == []
        assert all(held(world, 3360).values())


async def test_flatten_on_the_phone_is_a_typed_word_a_button_and_a_card(tmp_path):
    """Without the word only words; then a question, whose message becomes the card of the steps."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SIMULATE, rules=""):
        phone = world.telegram
        phone.phone.send("/flatten")
        await phone.wait_for(text_of("/flatten everything"), WAIT_S)
        phone.phone.send("/flatten everything")
        question = await phone.wait_for(text_of("Flatten everything (on paper)?"), WAIT_S)
        phone.phone.tap(question.id, "Flatten everything")
        await phone.wait_for(lambda s: "Flat: the whole" in s.messages[question.id].text, 2 * WAIT_S)
        assert "nothing reached Dhan" in phone.messages[question.id].text
        assert (world.dhan.exchange.log, world.dhan.exchange.account().killed) == ([], False)


async def test_alert_only_tells_and_no_changing_call_reaches_the_exchange(tmp_path):
    """The verdict arrives as an alert; /exit is answered with a sentence; Dhan hears of neither."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.ALERT_ONLY):
        phone = world.telegram
        await phone.wait_for(text_of("Alert-only: nothing was sent"), WAIT_S)
        phone.phone.send("/exit 3361")
        await phone.wait_for(text_of("Alert-only mode places no orders"), WAIT_S)
        assert world.dhan.exchange.log == []


async def test_semi_auto_sends_one_exit_for_one_question_however_often_it_is_tapped(tmp_path):
    """Three taps on the question: two orders, one a leg, verified flat, the position is zero."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO):
        phone = world.telegram
        question = await phone.wait_for(text_of("exit 3360 BANKNIFTY Short Strangle?"), WAIT_S)
        assert world.dhan.exchange.log == []
        for _ in range(3):
            phone.phone.tap(question.id, "Exit now")
        await phone.wait_for(lambda s: "Verified flat" in s.messages[question.id].text, WAIT_S)
        assert set(held(world, 3360).values()) == {0}
        assert len(orders_of(world, 3360)) == 2


async def test_execute_sends_one_exit_for_one_verdict_without_a_tap(tmp_path):
    """The rule acts alone: two orders, verified flat, nothing else of the account is touched."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.EXECUTE):
        phone = world.telegram
        await phone.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
        assert set(held(world, 3360).values()) == {0}
        assert len(orders_of(world, 3360)) == 2
        assert orders_of(world, 3361) == []


async def test_a_changed_rules_file_acts_without_a_restart(tmp_path):
    """By the first file nothing is due; the owner saves another one, and its stop speaks."""
    never = "[default]\nprofit_target = 10\n"
    async with sandbox() as world, monitor(world, tmp_path, Mode.ALERT_ONLY, rules=never):
        phone = world.telegram
        phone.phone.send("/status")
        await phone.wait_for(text_of("3360"), WAIT_S)
        (tmp_path / "rules.toml").write_text("[default]\nprofit_target = 50\nstop = 1\n")
        said = await phone.wait_for(text_of("The rules file has faults"), WAIT_S)
        assert "line 2: [default] profit_target: read 50" in said.text
        assert "line 3: [default] stop: unknown key" in said.text
        (tmp_path / "rules.toml").write_text(AT_ONCE)
        await phone.wait_for(text_of("The rules have changed"), WAIT_S)
        await phone.wait_for(text_of("Alert-only: nothing was sent"), WAIT_S)
