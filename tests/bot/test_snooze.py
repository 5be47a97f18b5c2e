"""/snooze on the phone: a picker, three sensible choices, and the command that the core gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.snooze_view import snooze_page
from engine.messages import Command
from engine.view import ThresholdView
from tests.bot.house import (
    AT_S,
    Core,
    QuickClock,
    answered,
    house,
    make_chat,
    message_with,
    position,
    running,
    telegram,
)


@pytest.mark.parametrize(
    ("written", "value"),
    [("/snooze 3359 30", "30"), ("/snooze 3359 60 5000 below 24500", "60 5000 below 24500")],
)
async def test_a_whole_command_goes_to_the_core_as_it_is_written(tmp_path: Path, written: str, value: str):
    """The core reads the terms, and answers."""
    clock, core = QuickClock(), Core(picture=house(position()))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send(written)
        await core.wait_for(lambda c: c.posted)
    [command] = core.of(Command)
    assert (command.wish, command.strategy_id, command.value) == ("snooze", 3359, value)


async def test_what_is_missing_is_picked(tmp_path: Path):
    """Which position, then how long: three choices, and each press is the command written out."""
    clock, core = QuickClock(), Core(picture=house(position(), position(3360)))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/snooze")
        picker = await message_with(server, "Snooze which position?")
        await answered(server, server.phone.tap(picker.id, "z:3360"))
        page = await message_with(server, "Snooze 3360 NIFTY?")
        assert page.buttons == ["15 min", "60 min", "Until the close"]
        await answered(server, server.phone.tap(page.id, "15 min"))
        await core.wait_for(lambda c: c.posted)
    [command] = core.of(Command)
    assert (command.strategy_id, command.value) == (3360, "15")


async def test_the_card_of_a_position_leads_there(tmp_path: Path):
    """Its Snooze button shows the choices; an id nobody has is named."""
    clock, core = QuickClock(), Core(picture=house(position()))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/p 3359")
        card = await message_with(server, "3359 NIFTY Iron Condor")
        await answered(server, server.phone.tap(card.id, "Snooze…"))
        await message_with(server, "Snooze 3359 NIFTY?")
        server.phone.send("/snooze 335")
        await message_with(server, "No position 335.")
    assert core.posted == []


def test_the_leash_is_a_quarter_of_the_way_to_the_nearest_stop():
    """In steps of ₹500, at least one; with its account named, and an end while it is snoozed."""
    stop = ThresholdView("stop_loss", -497_250, "", distance_paise=-1_250_000)
    far = ThresholdView("stop_loss_rupees", -9_000_000, "", distance_paise=-9_000_000)
    target = ThresholdView("profit_target", 152_750, "", distance_paise=200_000)
    page = snooze_page(
        house(), position(thresholds=(stop, far, target), snooze="quiet until 10:45"), "HUF · "
    )
    buttons = [button for [button] in page.keyboard]
    assert [button.text for button in buttons] == [
        "15 min", "60 min or ₹3,000 worse", "Until the close or ₹3,000 worse", "End its snooze",
    ]  # fmt: skip
    assert buttons[1].data == "x:/snooze HUF 3359 60 3000"
    assert buttons[2].data == "x:/snooze HUF 3359 369 3000"
    assert buttons[3].data == "x:/snooze HUF 3359 off"
    assert all(len(button.data.encode()) <= 64 for button in buttons)


def test_after_hours_the_longest_choice_is_two_hours():
    """There is no close to wait for."""
    shut = house(at_s=AT_S + 8 * 3600, session_open=False)
    assert snooze_page(shut, position(), "").keyboard[2][0].text == "120 min"
