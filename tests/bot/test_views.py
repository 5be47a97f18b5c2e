"""/start, /help and the picker of /exit, exactly as they are sent."""

from __future__ import annotations

import re

from bot.views import help_page, picker_page, start_page
from engine.messages import Actor
from engine.view import PositionState
from tests.bot.house import house, position


def test_start_does_nothing_and_says_who_you_are():
    """/start greets with mode, count and the person's ids."""
    assert start_page({"default": house(position())}, Actor(42, 43, "Asha <b>")).html == (
        "<b>Prahari</b> watches your option positions.\n"
        "<b>SIMULATE</b> · sandbox: orders are simulated, nothing reaches the broker.\n"
        "1 position in view.\n"
        "\n"
        "You are Asha &lt;b&gt; (user 42, chat 43).\n"
        "Try /status, then /exit. It asks before anything happens. /help has the rest."
    )


def test_help_has_nothing_to_touch_by_mistake():
    """A phone sends a command that is touched in a text, so the help sets them all as code."""
    assert not re.search(r"(?<!<code>)/(status|rules|why|set|exit|stop|resume)", help_page().html)


def test_the_picker_offers_what_can_be_exited():
    """One button each, all of them in red, and a word about what is not offered."""
    view = house(position(), position(3360, pnl_paise=-5_150), position(3361, state=PositionState.EXITING))
    page = picker_page({"default": view})
    assert page.html == (
        "<b>Exit which position?</b>\nNothing happens before you confirm.\nNot offered: 3361 exiting."
    )
    assert [(b.text, b.data, b.style) for row in page.keyboard for b in row] == [
        ("3359 NIFTY Iron Condor · +₹1,527", "p:3359", ""),
        ("3360 NIFTY Iron Condor · −₹51", "p:3360", ""),
        ("All 2 positions", "p:all", "danger"),
    ]


def test_the_picker_never_says_flat():
    """Without a position it says what it knows, and why it may not know more."""
    page = picker_page({"default": house(degraded="the trade store cannot be read")})
    assert page.html == ("I know of no position to exit.\n⚠️ <b>Degraded</b>: the trade store cannot be read")
    assert page.keyboard == ()


def test_the_picker_names_accounts_when_there_are_several():
    """Two accounts may hold the same strategy id."""
    page = picker_page({"default": house(position(), position(account="wife"))})
    assert [row[0].text.split(" ")[0] for row in page.keyboard] == ["default/3359", "wife/3359", "All"]


def test_a_long_picker_ends_with_a_hint():
    """More buttons than a thumb scrolls are left to /exit with an id."""
    page = picker_page({"default": house(*[position(n) for n in range(40)])})
    assert len(page.keyboard) == 31
    assert page.html.endswith("10 more: write <code>/exit ID</code>.")


def test_an_unknown_result_on_a_button_is_never_a_zero():
    """A position without a price is offered all the same, its P&L unknown."""
    [[button]] = picker_page({"default": house(position(pnl_paise=None))}).keyboard
    assert button.text == "3359 NIFTY · P&L unknown"


def test_a_long_name_gives_way_to_the_result():
    """A phone cuts a long button at its end, so the strategy's name goes before the P&L does."""
    strangle = position(3360, symbol="BANKNIFTY", strategy="Short Strangle", pnl_paise=-1_061_400)
    [[button]] = picker_page({"default": house(strangle)}).keyboard
    assert button.text == "3360 BANKNIFTY · −₹10,614"
