"""The pinned summary, held against what a phone should show (`tests/bot/snapshots`).

After a wanted change: ``PRAHARI_SNAPSHOTS=write make test ARGS=tests/bot/test_summary.py``; then read what
has changed in the files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.layout import COLUMNS, MESSAGE_LIMIT, plain
from bot.summary import LISTED, health_words, listed, summary_page, summed
from engine.messages import FeedState
from engine.model import Mode, Urgency, position_id
from engine.view import PositionState, PositionView
from tests.bot.house import AT_S, house, position

SNAPSHOTS = Path(__file__).parent / "snapshots"

LOUD = position(
    3360, symbol="BANKNIFTY", urgency=Urgency.HIGH, pnl_paise=-13_11_990_00, state=PositionState.STUCK
)
HELD = position(3361, urgency=Urgency.MEDIUM, state=PositionState.HELD, pnl_paise=-84_650)
BLIND = position(3362, symbol="ASTRAL", pnl_paise=None)
FLAT = position(3363, state=PositionState.FLAT, pnl_paise=None)
LONG = position(
    123_456_789_012, id=position_id("HUF_OF_THE_FAMIL", 123_456_789_012), account="HUF_OF_THE_FAMIL",
    state=PositionState.UNWATCHED, pnl_paise=-(10**13),
)  # fmt: skip
BUSY = house(position(closing_pnl_paise=1), HELD, FLAT, LOUD, BLIND, LONG, mode=Mode.SEMI_AUTO)
CALM = house(position(closing_pnl_paise=142_120), mode=Mode.EXECUTE, sandbox=False)
SICK = house(
    HELD, halted=True, degraded="no answer", troubles=("a", "b"), feed=FeedState.STALE, data_age_s=43.0
)
DOWN = house(down=True, degraded="Account SELF is down: its journal cannot be opened")

PAGES = {
    "summary_calm": summary_page(summed({"default": CALM}), AT_S),
    "summary_busy": summary_page(summed({"default": BUSY}), AT_S),
    "summary_several": summary_page(summed({"HUF": CALM, "SELF": DOWN, "M & D": SICK}), AT_S),
    "summary_none": summary_page(summed({"default": house()}), AT_S),
    "summary_stopped": summary_page(summed({"default": CALM}), AT_S, stopped=True),
}


@pytest.mark.parametrize("name", PAGES)
def test_each_summary_is_as_it_was_read_and_found_good(name: str):
    """It changes on the phone only where its snapshot changes too."""
    kept = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("PRAHARI_SNAPSHOTS") == "write":
        kept.write_text(PAGES[name].html + "\n", encoding="utf-8")
    assert PAGES[name].html + "\n" == kept.read_text(encoding="utf-8")


positions = st.builds(
    position,
    st.integers(1, 10**17),
    symbol=st.sampled_from(("", "NIFTY", "MIDCPNIFTY <& an endless name of an index>")),
    state=st.sampled_from(PositionState),
    urgency=st.sampled_from(Urgency),
    pnl_paise=st.none() | st.integers(-(10**13), 10**13),
    account=st.sampled_from(("default", "HUF_OF_THE_FAMIL")),
)


@given(st.lists(positions, max_size=6), st.integers(1, 9), st.integers(1, 8))
def test_whatever_is_held_it_is_one_message_in_columns_with_the_loudest_first(
    book: list[PositionView], accounts: int, times: int
):
    """No line is wider than 32, no id is cut, and nobody who is loud stands below somebody who is not."""
    views = {f"account{n}": house(*book * times) for n in range(accounts)}
    html = summary_page(summed(views), AT_S).html
    assert len(plain(html)) <= MESSAGE_LIMIT
    blocks = [plain(block) for block in re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)]
    assert all(len(line) <= COLUMNS for block in blocks for line in block.split("\n"))
    for view in views.values():
        shown = listed(view, len(views))
        assert [p.urgency for p in shown] == sorted((p.urgency for p in shown), reverse=True)
        assert len(shown) <= LISTED
        assert all(str(p.strategy_id) in html for p in shown)


def test_what_is_wrong_is_counted_in_one_line():
    """The line names the feed first; well, it has no sign and no command."""
    assert health_words(CALM) == "Feed live"
    assert health_words(house(session_open=False, feed=FeedState.STOPPED)) == "Market closed · feed stopped"
    assert health_words(SICK) == (
        "⚠️ Feed stale, data 43 s old · halted · degraded · 2 troubles: <code>/status</code>"
    )
