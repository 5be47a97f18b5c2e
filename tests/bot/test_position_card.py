"""/positions and /p, held against what a phone should show (`tests/bot/snapshots`).

After a wanted change: ``PRAHARI_SNAPSHOTS=write make test ARGS=tests/bot/test_position_card.py``; then read
what has changed in the files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bot.buttons import Look, Pick, parse
from bot.layout import COLUMNS, plain
from bot.position_card import card_page, positions_pages
from bot.views import look_page
from engine.messages import FeedState
from engine.model import Action, Urgency
from engine.view import GreeksView, LegView, PositionState, ThresholdView
from tests.bot.house import house, position

SNAPSHOTS = Path(__file__).parent / "snapshots"

LONG = position(
    123_456_789,
    account="HUF_OF_THE_FAMIL",
    id="HUF_OF_THE_FAMIL/123456789",
    symbol="MIDCPNIFTY",
    strategy="Broken <Wing> Iron Condor & Friends",
    pnl_paise=-12_34_56_789_50,
    closing_pnl_paise=-12_35_00_000_00,
    legs=(
        LegView("MIDCPNIFTY 24 NOV 2026 12,34,500.00 CE", -130_000, 12_34_567_05, 98_76_543_10, 31.0),
        LegView("MIDCPNIFTY <x> & y", 130, None, None, None, fault="bid above ask & odd", suspects=2),
    ),
    unprotected=True,
    part="closed 1 of 4, 3 open",
    differs="The broker holds 65 more.",
)
UNKNOWN = position(3360, pnl_paise=None, pnl_pct=None, value_paise=None, dte=None, thresholds=())
FULL = position(
    3363,
    urgency=Urgency.HIGH,
    action=Action.ALERT,
    reason="85 % of the way to the stop",
    pnl_paise=-422_650,
    pnl_pct=-138.1,
    closing_pnl_paise=-451_230,
    closing_charges_paise=21_240,
    peak_paise=60_000,
    greeks=GreeksView(-12.34, -0.0213, 31_020.0, -18_455.0),
    thresholds=(
        ThresholdView("profit_target", 152_750, "half", distance_paise=575_400),
        ThresholdView("trailing_stop", 42_000, "peak less 30 %", ratchet=True, distance_paise=-1, met=True),
        ThresholdView(
            "stop_loss", -497_250, "half", distance_paise=-74_600, points=-85.2, underlying_paise=24_915_10
        ),
        ThresholdView("stop_underlying", None, "above 25,100", points=100.0, underlying_paise=25_100_00),
        ThresholdView("stop_delta", None, "delta at 0.4 or beyond"),
    ),
)
FLAT = position(
    3361,
    state=PositionState.FLAT,
    reason="verified flat",
    pnl_paise=None,
    thresholds=(),
    legs=(LegView("NIFTY 24 NOV 25300 CE", 0, 4000, None, None),),
)
INVALID = position(3362, state=PositionState.INVALID, legs=(), pnl_paise=None, reason="no expiry")

SNOOZED = position(snooze="quiet until 10:45, ₹5,000.00 worse (P&L −₹3,472.50), or NIFTY below 24,500.00")

PAGES = {
    "positions_0": positions_pages(house()),
    "positions_1": positions_pages(house(position())),
    "positions_12": positions_pages(
        house(LONG, UNKNOWN, FLAT, INVALID, *(position(4000 + n) for n in range(8)))
    ),
    "p_calm": (card_page(house(), position()),),
    "p_snoozed": (card_page(house(), SNOOZED),),
    "positions_snoozed": positions_pages(house(SNOOZED)),
    "p_long": (card_page(house(), LONG),),
    "p_full": (card_page(house(feed=FeedState.STALE), FULL, "HUF/"),),
    "p_unknown": (card_page(house(), UNKNOWN),),
    "p_flat": (card_page(house(), FLAT),),
    "p_invalid": (card_page(house(), INVALID),),
}


def written(pages):
    """Texts and buttons as a file."""
    parts = []
    for page in pages:
        buttons = ["  ".join(f"[{b.text} {b.data}]" for b in row) for row in page.keyboard]
        parts.append("\n".join([page.html, *buttons]))
    return "\n----\n".join(parts) + "\n"


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_as_it_was_read_and_found_good(name):
    """A page changes on the phone only where its snapshot changes too."""
    kept = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("PRAHARI_SNAPSHOTS") == "write":
        kept.write_text(written(PAGES[name]), encoding="utf-8")
    assert written(PAGES[name]) == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_columns_fit_the_phone_and_are_ascii(name):
    """No line of a block is wider than 32, and nothing in it is drawn wider than a letter."""
    blocks = re.findall(r"<pre>(.*?)</pre>", written(PAGES[name]), re.DOTALL)
    lines = [line for block in blocks for line in plain(block).split("\n")]
    assert all(len(line) <= COLUMNS for line in lines)
    assert "".join(lines).replace("…", "").isascii()


def test_neither_an_id_nor_a_quantity_is_cut():
    """What does not fit beside its amount gets a line of its own."""
    assert "HUF_OF_THE_FAMIL/123456789" in written(PAGES["positions_12"])
    assert " -130000\n" in written(PAGES["p_long"])


def test_exit_is_offered_only_where_one_can_be_and_only_asks():
    """A flat position has the looks alone; each button carries the account."""
    [exits, alerts, looks] = card_page(house(), position(), "HUF/").keyboard
    assert [parse(b.data) for b in exits] == [Pick(3359, "HUF"), Pick(3359, "HUF", half=True)]
    assert [parse(b.data) for b in alerts] == [Look(letter, 3359, "HUF") for letter in "tz"]
    assert [parse(b.data) for b in looks] == [Look(letter, 3359, "HUF") for letter in "gwr"]
    assert [len(row) for row in card_page(house(), FLAT).keyboard] == [2]


def test_the_picker_of_p_looks_and_never_exits():
    """Its buttons have a letter of their own: ``p:`` would ask to exit."""
    [[button]] = look_page({"default": house(position())}, "p").keyboard
    assert parse(button.data) == Look("i", 3359)


def test_an_account_that_does_not_run_has_no_list_rather_than_an_empty_one():
    """Its positions are not none, they are not known."""
    [page] = positions_pages(house(degraded="its journal cannot be opened", down=True), "HUF · ")
    assert plain(page.html) == "HUF · Positions unknown: its journal cannot be opened"
