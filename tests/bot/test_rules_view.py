"""The pages of /rules and /set, from a whole monitor's own picture."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.layout import MESSAGE_LIMIT, plain
from bot.rules_view import rules_pages, usage_page
from engine.effects import Ask
from engine.messages import Command, Wish
from engine.model import Mode
from engine.picture import RulesNow, rules_now
from engine.view import PositionState
from tests.bot.house import position
from tests.engine.makers import strangle
from tests.support.rig import OWNER, Rig

ENTRY = (20, 45, 40, 18)
#: −₹2,600.00.
WORSE = (18, 40, 85, 20)
EVERY_RULE = """
[default]
profit_target = 0.9
trailing_stop = true
stop_loss_rupees = 4000
stop_credit_multiple = 2.0
stop_margin = 0.1
stop_delta = 0.9
stop_underlying = {below = 20000, above = 30000}
exit_at = "15:10"
max_holding_days = 10
theta_burn = 0.5
theta_captured = 0.8
lock_profit = [{reach = 10000, keep = 5000}]
"""


def pages(rig, strategy_id=3359):
    """What /rules shows, markup included."""
    return [page.html for page in rules_pages(rules_now(rig.monitor, strategy_id, rig.now_s), rig.now_s)]


def test_each_rule_has_its_threshold_its_distance_and_its_source():
    """Stops first, then what takes profits, the clock last; the override is bold and says whose it is."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.tell(Command(Wish.SET, OWNER, 3359, rule="profit_target", value="40%"))
    rig.tap(rig.of(Ask)[-1].nonce)
    (text,) = pages(rig)
    assert text == (
        "<b>3359 NIFTY Iron Condor</b>\n"
        "P&amp;L <b>₹0.00</b> · DTE 21\n"
        "credit ₹3,055.00\n"
        "at best +₹3,055.00, at worst −₹9,945.00\n"
        "\n"
        "🟢 <b>Stop loss</b>  −₹4,972.50\n"
        "₹4,972.50 away\n"
        "<i>stop_loss = -0.5 · shipped default</i>\n"
        "\n"
        "🟢 <b>Profit target</b>  +₹1,222.00\n"
        "₹1,222.00 away\n"
        "<b>profit_target = 0.4 · chat, by Asha</b>\n"
        "\n"
        "🟢 <b>Expiry exit</b>\n"
        "24 Feb 15:00, in 21 days\n"
        '<i>expiry_exit = "on" · shipped default</i>\n'
        "\n"
        "🟢 <b>Time exit DTE</b>\n"
        "17 Feb 15:00, in 14 days\n"
        "<i>time_exit_dte = 7 · shipped default</i>"
    )


def test_lights_tell_far_near_and_met():
    """Amber from 0.6 of the way to a stop, red when it is met; alert-only leaves it met."""
    rig = Rig(Mode.ALERT_ONLY, rules="[default]\nstop_loss_rupees = 4000\nstop_loss = -0.2")
    rig.wait(5, *WORSE)
    (text,) = pages(rig)
    assert "🔴 <b>Stop loss</b>  −₹1,989.00\nmet now" in text
    assert "🟠 <b>Stop loss rupees</b>  −₹4,000.00\n₹1,400.00 away" in text
    assert "🟢 <b>Profit target</b>" in text


def test_a_trail_is_green_at_its_peak_amber_near_its_level_and_silent_at_its_floor():
    """Peak ₹1,950.00, level ₹1,365.00: the light goes by what is left of the cushion between them."""
    rig = Rig(Mode.EXECUTE, rules='[default]\ntrailing_stop = true\nprofit_target = "off"')
    rig.wait(1, *ENTRY)
    rig.wait(3, 20, 15, 40, 18)
    assert "🟢 <b>Trailing stop</b>  +₹1,365.00\n₹585.00 away" in pages(rig)[0]
    rig.wait(1, 20, 21, 40, 18)
    assert "🟠 <b>Trailing stop</b>  +₹1,365.00\n₹195.00 away" in pages(rig)[0]
    rig.wait(1, *ENTRY)
    assert "🟢 <b>Trailing stop</b>  +₹1,365.00\nsilent at a P&amp;L of ₹0.00 or less" in pages(rig)[0]


def test_without_prices_no_distance_is_made_up():
    """Unknown is said, never zero."""
    (text,) = pages(Rig(Mode.EXECUTE))
    assert "P&amp;L <b>unknown</b>" in text
    assert "−₹4,972.50\ndistance unknown: no believable price" in text


def test_what_does_not_stand_guard_is_struck_out_with_its_reason():
    """Red where it matters: refused, an expiry exit that is off, a position without any stop."""
    off = '[strategy."Strangle"]\nexpiry_exit = "off"\nstop_credit_multiple = "off"'
    rig = Rig(Mode.EXECUTE, replace(strangle(), strategy="Strangle"), rules=off)
    (text,) = pages(rig)
    assert "🔴 <b>Unprotected</b>: no loss rule guards it" in text
    assert "🔴 <s>Stop loss</s> cannot guard: the risk is not defined" in text
    assert "🔴 <s>Expiry exit</s> switched off\n" in text
    assert "\n<s>Stop credit multiple</s> switched off\n" in text


def test_many_rules_take_as_many_messages_as_they_need():
    """No rule is cut, each message fits, the button is under the last."""
    rig = Rig(Mode.EXECUTE, rules=EVERY_RULE * 1)
    rig.wait(1, *ENTRY)
    now = rules_now(rig.monitor, 3359, rig.now_s)
    shown = rules_pages(now, rig.now_s)
    assert all(len(plain(page.html)) <= MESSAGE_LIMIT for page in shown)
    assert [bool(page.keyboard) for page in shown][-1]
    assert now[0].page is not None
    for line in now[0].page.lines:
        assert f"{line.rule} = " in "".join(page.html for page in shown)


def test_a_position_without_rules_says_why():
    """Flat has nothing left to do; one that cannot be watched is red."""
    flat = RulesNow(position(state=PositionState.FLAT, reason="verified flat"), None)
    bad = RulesNow(position(state=PositionState.INVALID, reason="unknown contract <1>"), None)
    assert "It is verified flat" in rules_pages([flat], 0.0)[0].html
    assert "🔴 <b>Cannot be watched</b>: unknown contract &lt;1&gt;" in rules_pages([bad], 0.0)[0].html


def test_the_picture_knows_flat_and_unknown_positions():
    """After the exit the id is still known; one that never was is not."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(strategy_id=3359, confirmed=True)
    rig.wait(60, *ENTRY)
    (now,) = rules_now(rig.monitor, 3359, rig.now_s)
    assert (now.position.state, now.page) == (PositionState.FLAT, None)
    assert rules_now(rig.monitor, 3360, rig.now_s) == ()


def test_the_usage_has_nothing_to_touch_by_mistake():
    """Every command in it is code, with the id that was written."""
    text = usage_page(3361).html
    assert "/set 3361 stop_loss -30%" in text
    assert not re.search(r"(?<!<code>)/set", text)
