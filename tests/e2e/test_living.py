"""Messages that stay true, from `python -m bot` to the phone: over stops, deaths and an exit."""

from __future__ import annotations

import signal

import pytest

from engine.model import Mode
from tests.e2e.outside import WAIT_S, environment, held, monitor, process, sandbox, text_of

pytestmark = pytest.mark.timeout(150)


async def test_one_pinned_summary_and_one_card_outlive_a_stop_and_a_death(tmp_path):
    """Stopped they say so; killed they cannot; each successor goes on in the same two messages."""
    async with sandbox() as world:
        env, phone = await environment(world, tmp_path), world.telegram
        async with process(env, "--simulate") as child:
            summary = await phone.wait_for(text_of("As of"), WAIT_S)
            phone.phone.send("/p 3361")
            card = await phone.wait_for(text_of("P&L at mark"), WAIT_S)
            child.terminate()
            said = (await child.communicate())[0].decode()
        assert "Traceback" not in said
        assert summary.text.startswith("⏹ Stopped at 10:15:")
        assert card.text.startswith("⏹ Stopped at 10:15:")
        assert card.buttons == []
        async with process(env, "--simulate") as child:
            await phone.wait_for(lambda _: not summary.text.startswith("⏹"), WAIT_S)
            await phone.wait_for(lambda _: "Exit…" in card.buttons, WAIT_S)
            child.send_signal(signal.SIGKILL)
            await child.wait()
        edits = len(summary.edits), len(card.edits)
        async with process(env, "--simulate"):
            await phone.wait_for(
                lambda _: len(summary.edits) > edits[0] and len(card.edits) > edits[1], 2 * WAIT_S
            )
        living = [m for m in phone.sent() if "As of" in m.text or "P&L at mark" in m.text]
        assert living == [summary, card]
        assert phone.state.chats[summary.chat_id].pinned == [summary.id]
        assert len(phone.calls_of("pinChatMessage")) == 1


async def test_a_card_tells_its_exit_and_ends_with_its_position(tmp_path):
    """From its own button to verified flat; the exchange holds nothing of it."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.EXECUTE, rules=""):
        phone = world.telegram
        await phone.wait_for(text_of("3361 NIFTY"), WAIT_S)
        phone.phone.send("/p 3361")
        card = await phone.wait_for(text_of("P&L at mark"), WAIT_S)
        phone.phone.tap(card.id, "Exit…")
        question = await phone.wait_for(text_of("Exit 3361"), WAIT_S)
        assert question.id != card.id
        phone.phone.tap(question.id, "Exit now")
        await phone.wait_for(lambda _: "Verified flat" in question.text, WAIT_S)
        assert set(held(world, 3361).values()) == {0}
        await phone.wait_for(lambda _: "FLAT" in card.text, 2 * WAIT_S)
        assert card.buttons == ["Why?", "Rules"]
        ended = card.text
        await phone.wait_for(text_of("1 flat"), 2 * WAIT_S)
        assert card.text == ended
