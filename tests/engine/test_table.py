"""The terminal's page, line for line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from engine.messages import FeedState
from engine.model import Action, Mode, Urgency, position_id
from engine.preflight import Light
from engine.readiness import Ready
from engine.table import WIDTH, day_text, terminal_table
from engine.view import AccountView, LegView, MonitorView, PositionState, PositionView, ThresholdView

ASTRAL = PositionView(
    id=position_id("default", 3359),
    account="default",
    strategy_id=3359,
    symbol="ASTRAL",
    strategy="Long Call",
    state=PositionState.WATCHING,
    legs=(LegView("ASTRAL 24 FEB 1500 CE", 425, 5_700, 5_460, 0.4),),
    pnl_paise=-1_020_00,
    pnl_pct=-4.2105,
    value_paise=23_205_00,
    action=Action.MONITOR,
    urgency=Urgency.NORMAL,
    reason="No exit conditions triggered",
    thresholds=(
        ThresholdView("profit_target", 12_112_50, "50 % of the debit ₹24,225.00"),
        ThresholdView("stop_loss", -12_112_50, "50 % of the maximum loss ₹24,225.00"),
        ThresholdView("time_exit_dte", None, "7 days or fewer to expiry on 24 Feb 2026 (17 Feb, 15:00)"),
    ),
    dte=21,
)
QUIET = MonitorView(
    at_s=datetime.fromisoformat("2026-02-03T09:21:07+05:30").timestamp(),
    mode=Mode.EXECUTE,
    sandbox=False,
    halted=False,
    degraded="",
    feed=FeedState.LIVE,
    feed_detail="",
    data_age_s=0.4,
    cached_prices=12,
    subscribed=14,
    session_open=True,
    session_text="open until 15:30",
    positions=(ASTRAL,),
)
EMPTY = replace(QUIET, positions=(), data_age_s=None, feed=FeedState.CONNECTING)

QUIET_PAGE = """\
Prahari · execute · open until 15:30 · Tue 03 Feb 2026, 09:21:07 IST

Strategy        Symbol           P&L  Action    Urgency    Reason
--------------  --------  ----------  --------  ---------  ----------------------------
3359 Long Call  ASTRAL    −₹1,020.00  MONITOR   NORMAL     No exit conditions triggered
                             −4.21 %

Real-time        on, last data 0.4 s ago
WebSocket        live
Cached prices    12
Subscribed       14 instruments
Portfolio value  ₹23,205.00
P&L              −₹1,020.00
Closed now       unknown

Thresholds
  3359 ASTRAL Long Call, 21 days to expiry
    +425 ASTRAL 24 FEB 1500 CE  ₹57.00 → ₹54.60 (0.4 s old)
    profit_target             +₹12,112.50  50 % of the debit ₹24,225.00
    stop_loss                 −₹12,112.50  50 % of the maximum loss ₹24,225.00
    time_exit_dte                          7 days or fewer to expiry on 24 Feb 2026 (17 Feb, 15:00)"""

STRANGLE = replace(
    ASTRAL,
    id=position_id("family", 3360),
    account="family",
    strategy_id=3360,
    symbol="BANKNIFTY",
    strategy="Short Strangle, far and wide",
    state=PositionState.EXITING,
    legs=(
        LegView("BANKNIFTY 24 FEB 58000 CE", -300, 12_005, None, None),
        LegView("BANKNIFTY 24 FEB 52000 PE", -300, 9_500, 31_240, 95.0),
    ),
    pnl_paise=-12_34_567_05,
    pnl_pct=-191.3,
    value_paise=None,
    action=Action.CLOSE_IMMEDIATELY,
    urgency=Urgency.HIGH,
    reason="P&L −₹12,34,567.05 is at or below the stop −₹1,29,030.00 (2 × the credit ₹64,515.00)",
    thresholds=(
        ThresholdView("stop_credit_multiple", -1_29_030_00, "2 × the credit ₹64,515.00"),
        ThresholdView(
            "stop_loss",
            None,
            "a share of the maximum loss needs a defined risk; use stop_loss_rupees, stop_credit_multiple or "
            "stop_margin for this position",
            available=False,
        ),
    ),
)
LOST = replace(
    ASTRAL,
    strategy_id=3361,
    state=PositionState.INVALID,
    legs=(),
    pnl_paise=None,
    pnl_pct=None,
    value_paise=None,
    urgency=Urgency.HIGH,
    reason="row 12: NSE_FNO has no contract with security id 99",
    thresholds=(),
    unprotected=True,
    dte=None,
)
FLAT = replace(LOST, strategy_id=3362, state=PositionState.FLAT, reason="verified flat", unprotected=False)
BARE = replace(ASTRAL, strategy_id=3363, strategy="", thresholds=(), unprotected=True, pnl_pct=None)
BUSY = replace(
    QUIET,
    mode=Mode.SIMULATE,
    sandbox=True,
    halted=True,
    degraded="the broker's positions could not be read",
    feed=FeedState.STALE,
    feed_detail="no frame for 12 s, reconnecting",
    data_age_s=125.0,
    positions=(ASTRAL, STRANGLE, LOST, FLAT, BARE),
)
BUSY_PAGE = """\
Prahari · simulate · sandbox · open until 15:30 · Tue 03 Feb 2026, 09:21:07 IST
! HALTED: no automatic exits until /resume
! DEGRADED: the broker's positions could not be read

Strategy           Symbol                P&L  Action             Urgency    Reason
-----------------  ---------  --------------  -----------------  ---------  ------------------------
3359 Long Call     ASTRAL         −₹1,020.00  MONITOR            NORMAL     No exit conditions
                                     −4.21 %                                triggered
family/3360 Short  BANKNIFTY  −₹12,34,567.05  CLOSE_IMMEDIATELY  HIGH       P&L −₹12,34,567.05 is at
Strangle, far and                  −191.30 %  exiting                       or below the stop
wide                                                                        −₹1,29,030.00 (2 × the
                                                                            credit ₹64,515.00)
3361 Long Call     ASTRAL            unknown  MONITOR            HIGH       row 12: NSE_FNO has no
                                              invalid                       contract with security
                                                                            id 99
3362 Long Call     ASTRAL                  -  MONITOR            HIGH       verified flat
                                              flat
3363               ASTRAL         −₹1,020.00  MONITOR            NORMAL     No exit conditions
                                              UNPROTECTED                   triggered

Real-time        off, last data 2 min ago
WebSocket        stale: no frame for 12 s, reconnecting
Cached prices    12
Subscribed       14 instruments
Portfolio value  ₹46,410.00, without 2 of 4 (unknown)
P&L              −₹12,36,607.05, without 1 of 4 (unknown)
Closed now       unknown

Thresholds
  3359 ASTRAL Long Call, 21 days to expiry
    +425 ASTRAL 24 FEB 1500 CE  ₹57.00 → ₹54.60 (0.4 s old)
    profit_target             +₹12,112.50  50 % of the debit ₹24,225.00
    stop_loss                 −₹12,112.50  50 % of the maximum loss ₹24,225.00
    time_exit_dte                          7 days or fewer to expiry on 24 Feb 2026 (17 Feb, 15:00)
  family/3360 BANKNIFTY Short Strangle, far and wide, 21 days to expiry
    −300 BANKNIFTY 24 FEB 58000 CE  ₹120.05 → unknown
    −300 BANKNIFTY 24 FEB 52000 PE  ₹95.00 → ₹312.40 (2 min old)
    stop_credit_multiple    −₹1,29,030.00  2 × the credit ₹64,515.00
    stop_loss                              not armed: a share of the maximum loss needs a defined
                                           risk; use stop_loss_rupees, stop_credit_multiple or
                                           stop_margin for this position
  3363 ASTRAL, 21 days to expiry
    +425 ASTRAL 24 FEB 1500 CE  ₹57.00 → ₹54.60 (0.4 s old)
    unprotected: no loss rule guards it"""


def test_one_quiet_position_line_for_line():
    """The owner's own worked example, with connections, totals and thresholds below it."""
    assert terminal_table(QUIET) == QUIET_PAGE


def test_trouble_is_visible_line_for_line():
    """Halted, degraded, stale, exiting, invalid, flat, unprotected and unknown each say so."""
    assert terminal_table(BUSY) == BUSY_PAGE


def test_nothing_is_wider_than_the_terminal():
    """A hundred columns hold the widest page here; a wider terminal gives reasons more room."""
    assert max(map(len, terminal_table(BUSY).split("\n"))) <= WIDTH
    assert len(terminal_table(BUSY, 160).split("\n")) < len(terminal_table(BUSY).split("\n"))


def test_no_positions_is_a_sentence_and_no_total():
    """An empty house does not print a portfolio of ₹0.00."""
    page = terminal_table(EMPTY)
    assert "No positions are being watched." in page
    assert "₹" not in page
    assert "Real-time        off, no data yet" in page


def test_unknown_is_never_zero():
    """With no P&L known at all the totals are unknown; with some known, the missing are counted."""
    assert "P&L              unknown" in terminal_table(replace(QUIET, positions=(LOST,)))
    assert "P&L              −₹1,020.00, without 1 of 2 (unknown)" in terminal_table(
        replace(QUIET, positions=(ASTRAL, LOST, FLAT))
    )
    assert "₹0.00" not in terminal_table(BUSY)


def test_old_data_is_not_real_time():
    """A live socket whose last data is old, and fresh quotes by REST, are both not real time."""
    assert "Real-time        off, last data 11.0 s ago" in terminal_table(replace(QUIET, data_age_s=11.0))
    assert "Real-time        off, last data 0.4 s ago" in terminal_table(replace(QUIET, feed=FeedState.REST))


def test_an_accounts_day_stands_beside_its_limits():
    """Loss, profit and trailing level; unknown is said, and so is a limit that has spoken."""
    day = AccountView("default", -420_000, (), 600_000, None, None, "")
    assert "Day default      −₹4,200.00 of −₹6,000.00\n" in terminal_table(replace(QUIET, accounts=(day,)))
    assert day_text(replace(day, profit_paise=900_000, trailing_paise=500_000)) == (
        "−₹4,200.00 of −₹6,000.00 or +₹9,000.00, ends at +₹5,000.00"
    )
    blind = replace(day, day_paise=None, blind=(position_id("default", 7),))
    assert day_text(blind) == "unknown of −₹6,000.00; no price: default/7"
    assert day_text(replace(day, loss_paise=None, fired="day_trailing")) == (
        "−₹4,200.00; day_trailing has spoken today"
    )


def test_the_way_out_and_what_is_suspect_stand_beside_the_mark():
    """What closing averages, how much of a large leg the book takes, and why a price is not believed."""
    legs = (
        LegView("NIFTY 24 NOV 25300 CE", -130, 4_000, 3_215, 0.4, exit_paise=3_225, covered=130),
        LegView("NIFTY 24 NOV 25500 CE", 1300, 1_800, 1_790, 0.4, covered=650),
        LegView(
            "NIFTY 24 NOV 25700 CE",
            65,
            900,
            None,
            3.0,
            fault="further apart than the strikes by ₹1,155.00, beside NIFTY 24 NOV 25500 CE and more text",
        ),
    )
    page = terminal_table(
        replace(QUIET, positions=(replace(ASTRAL, legs=legs, closing_pnl_paise=-1_234_56),))
    )
    assert (
        """
    −130 NIFTY 24 NOV 25300 CE  ₹40.00 → ₹32.15 (0.4 s old), out ₹32.25
    +1300 NIFTY 24 NOV 25500 CE  ₹18.00 → ₹17.90 (0.4 s old), out 650 of 1300
    +65 NIFTY 24 NOV 25700 CE  ₹9.00 → unknown (3.0 s old)
      suspect: further apart than the strikes by ₹1,155.00, beside NIFTY 24 NOV 25500 CE and more
      text
    closed now −₹1,234.56 after charges
"""
        in page
    )
    assert max(map(len, page.split("\n"))) <= WIDTH


def test_how_far_a_rule_is_stands_behind_its_sentence():
    """Rupees, and where the underlying would be; what is unknown is left out."""
    stop = ThresholdView(
        "stop_loss", -4_972_50, "50 % of the maximum loss ₹9,945.00", distance_paise=-4_030_00
    )
    near = replace(stop, points=-62.4, underlying_paise=24_870_10)
    page = terminal_table(
        replace(QUIET, positions=(replace(ASTRAL, symbol="NIFTY", thresholds=(stop,)),)), 160
    )
    assert page.endswith("50 % of the maximum loss ₹9,945.00; ₹4,030.00 away")
    page = terminal_table(
        replace(QUIET, positions=(replace(ASTRAL, symbol="NIFTY", thresholds=(near,)),)), 160
    )
    assert page.endswith("; ₹4,030.00 away; NIFTY 24,870, 62 points away")
    unplaced = replace(near, underlying_paise=None)
    page = terminal_table(
        replace(QUIET, positions=(replace(ASTRAL, symbol="NIFTY", thresholds=(unplaced,)),)), 160
    )
    assert page.endswith("; ₹4,030.00 away; NIFTY 62 points lower")
    silent = replace(stop, distance_paise=None, silent_paise=0)
    page = terminal_table(replace(QUIET, positions=(replace(ASTRAL, thresholds=(silent,)),)), 160)
    assert page.endswith("; silent at a P&L of ₹0.00 or less")


def test_a_position_that_is_partly_closed_says_how_much_is_open():
    """Below the action, beside what is said of it."""
    view = replace(QUIET, positions=(replace(ASTRAL, part="closed 1 of 4, 3 open"),))
    assert "closed 1 of 4, 3 open" in terminal_table(view)
    assert max(map(len, terminal_table(view).splitlines())) <= WIDTH


def test_what_closing_everything_would_leave_stands_beside_the_marks():
    """The sum of all positions that can be closed now, and how many cannot."""
    known = replace(ASTRAL, closing_pnl_paise=-119_020)
    assert "P&L              −₹1,020.00\nClosed now       −₹1,190.20, after charges\n" in terminal_table(
        replace(QUIET, positions=(known,))
    )
    assert "Closed now       −₹1,190.20, without 1 of 2 (unknown), after charges\n" in terminal_table(
        replace(QUIET, positions=(known, replace(ASTRAL, strategy_id=3360), FLAT))
    )


def test_a_position_whose_profit_no_rule_takes_says_so():
    """Below its legs, where an unprotected one says that."""
    page = terminal_table(replace(QUIET, positions=(replace(ASTRAL, profit_exit=False),)))
    assert "\n    no profit exit: no rule takes its profit\n" in page
    assert "no profit exit" not in terminal_table(QUIET)


TOO_MANY = "needs 100 orders, more than 90 of them"


@pytest.mark.parametrize(
    ("ready", "lines"),
    [
        (Ready(Light.GREEN, "exit ready"), ["    exit ready"]),
        (
            Ready(
                Light.RED,
                "exit would be refused: NIFTY 24 FEB 24700 PE: needs 100 orders, more than 90 of them",
            ),
            [
                "    exit would be refused: NIFTY 24 FEB 24700 PE: needs 100 orders, more than 90 of",
                "      them",
            ],
        ),
        (None, []),
    ],
)
def test_each_position_says_whether_its_exit_could_go(ready, lines):
    """Below its legs, wrapped; nothing while it runs."""
    page = terminal_table(replace(QUIET, positions=(replace(ASTRAL, ready=ready),)), 84).splitlines()
    at = next(n for n, line in enumerate(page) if line.startswith("    +425"))
    assert page[at + 1 : at + 1 + len(lines)] == lines
    assert page[at + 1 + len(lines)].startswith("    profit_target")
