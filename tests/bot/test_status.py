"""/status, exactly as it is sent: what changes here changes on the owner's phone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.layout import COLUMNS, MESSAGE_LIMIT, plain
from bot.position_card import positions_pages
from bot.status import amount, status_pages
from engine.messages import FeedState
from engine.model import Action, Mode, Urgency
from engine.preflight import Light
from engine.readiness import Ready
from engine.view import (
    AccountView,
    LegView,
    MonitorView,
    PositionState,
    PositionView,
    ThresholdView,
)
from tests.bot.house import house, in_brief, position


def status(view: MonitorView) -> str:
    """The only page of a status."""
    [page] = status_pages(view)
    return page.html


def blocks(html: str) -> list[str]:
    """The lines inside the monospaced blocks, as a phone shows them."""
    return [
        line
        for block in re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)
        for line in plain(block).split("\n")
    ]


def test_a_calm_house():
    """All is well: mode, session, feed and total above; two lines and the thresholds per position."""
    assert status(house(position())) == (
        "<b>SIMULATE</b> · sandbox · 09:21:33 IST\n"
        "Open until 15:30 · feed live\n"
        "P&amp;L <b>+₹1,527.50</b> · value −₹1,527.50\n"
        "<pre>3359 NIFTY      +1,527.50 +49.9%\n"
        "Iron Condor       MONITOR NORMAL\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50</pre>"
    )


def test_a_position_that_is_partly_closed_says_how_much_is_open():
    """A line of its own below the strategy; each level that is left has its threshold."""
    levels = tuple(ThresholdView("profit_scaling", paise, "") for paise in (458_250, 687_375))
    lines = blocks(status(house(position(part="closed 1 of 4, 3 open", thresholds=levels))))
    assert lines == [
        "3359 NIFTY      +1,527.50 +49.9%",
        "Iron Condor       MONITOR NORMAL",
        "closed 1 of 4, 3 open",
        "DTE 5            scale +6,873.75",
        "                 scale +4,582.50",
    ]


def test_the_owners_own_example():
    """The call of the owner's guide: bought 425 at 57.00, last 54.60."""
    astral = position(
        7,
        symbol="ASTRAL",
        strategy="Long Call",
        pnl_paise=-102_000,
        pnl_pct=-4.2105,
        value_paise=2_320_500,
        thresholds=(
            ThresholdView("profit_target", 1_211_250, "50 % of the premium"),
            ThresholdView("stop_loss", -1_211_250, "50 % of the premium"),
            ThresholdView("time_exit_dte", None, "7 days before expiry"),
        ),
        dte=12,
    )
    assert status(house(astral, mode=Mode.EXECUTE, sandbox=False)) == (
        "<b>EXECUTE</b> · 09:21:33 IST\n"
        "Open until 15:30 · feed live\n"
        "P&amp;L <b>−₹1,020.00</b> · value ₹23,205.00\n"
        "<pre>7 ASTRAL        -1,020.00 -4.21%\n"
        "Long Call         MONITOR NORMAL\n"
        "DTE 12         target +12,112.50\n"
        "                 stop -12,112.50</pre>"
    )


def test_the_net_result_and_the_distances_stand_beside_the_mark():
    """What closing now would leave; how far each rule is, by the underlying's price where that is known."""
    far = position(
        symbol="BANKNIFTY",
        closing_pnl_paise=122_760,
        profit_exit=False,
        thresholds=(
            ThresholdView("stop_credit_multiple", -1_23_45_678_00, "", distance_paise=-1_25_00_000_00),
            ThresholdView(
                "trailing_stop", 50_000, "", distance_paise=-102_750, points=-62.4, underlying_paise=24_870_10
            ),
            ThresholdView("stop_underlying", None, "", points=1_234.0, underlying_paise=58_500_00),
            ThresholdView("stop_delta", None, "net delta of 0.5"),
        ),
    )
    assert status(house(far)).split("\n", 2)[2] == (
        "P&amp;L <b>+₹1,527.50</b> · value −₹1,527.50\n"
        "Closed now <b>+₹1,227.60</b> after charges\n"
        "<pre>3359 BANKNIFTY  +1,527.50 +49.9%\n"
        "closed now, net        +1,227.60\n"
        "Iron Condor       MONITOR NORMAL\n"
        "DTE 5              trail +500.00\n"
        "       at 24,870, 62 points away\n"
        "               stop -1,23,45,678\n"
        "                1,25,00,000 away\n"
        "                  stop at 58,500\n"
        "                1234 points away\n"
        "! no profit exit</pre>"
    )
    assert "Closed now" not in status(house(far, position(2)))


def test_a_troubled_house():
    """Halted, degraded, stale: said above; stuck, invalid, held, unprotected: said above and at the row."""
    view = house(
        position(
            1, state=PositionState.FLAT, pnl_paise=None, pnl_pct=None, reason="verified flat", thresholds=()
        ),
        position(
            2,
            state=PositionState.STUCK,
            urgency=Urgency.HIGH,
            reason="The short put has no seller at the cap",
        ),
        position(
            3, state=PositionState.INVALID, pnl_paise=None, reason="100 is not whole lots", thresholds=()
        ),
        position(4, state=PositionState.HELD, reason="waiting for your answer"),
        position(
            5,
            unprotected=True,
            thresholds=(ThresholdView("stop_loss", None, "undefined risk", available=False),),
        ),
        halted=True,
        degraded="the broker's positions have not been read yet",
        feed=FeedState.STALE,
        feed_detail="no data for 43 s",
        data_age_s=43.2,
    )
    assert status(view) == (
        "<b>SIMULATE</b> · sandbox · 09:21:33 IST\n"
        "Open until 15:30 · feed stale, data 43 s old\n"
        "P&amp;L <b>+₹4,582.50</b> · value −₹7,637.50\n"
        "⚠️ without 1 of 5, whose P&amp;L is unknown\n"
        "⚠️ <b>Halted</b>: no automatic exits until <code>/resume</code>\n"
        "⚠️ <b>Degraded</b>: the broker's positions have not been read yet\n"
        "⚠️ <b>Feed</b>: no data for 43 s\n"
        "⚠️ <b>Stuck</b>: 2\n"
        "⚠️ <b>Invalid</b>: 3\n"
        "⚠️ <b>Held</b>: 4\n"
        "⚠️ <b>Unprotected</b>: 5\n"
        "<pre>2 NIFTY         +1,527.50 +49.9%\n"
        "Iron Condor           STUCK HIGH\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50\n"
        "&gt; The short put has no seller at\n"
        "  the cap\n"
        "\n"
        "3 NIFTY                  unknown\n"
        "Iron Condor       INVALID NORMAL\n"
        "DTE 5\n"
        "&gt; 100 is not whole lots\n"
        "\n"
        "4 NIFTY         +1,527.50 +49.9%\n"
        "Iron Condor          HELD NORMAL\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50\n"
        "&gt; waiting for your answer\n"
        "\n"
        "5 NIFTY         +1,527.50 +49.9%\n"
        "Iron Condor       MONITOR NORMAL\n"
        "DTE 5\n"
        "! unprotected: no loss rule\n"
        "! stop off: undefined risk\n"
        "\n"
        "1 NIFTY Iron Condor         FLAT</pre>"
    )


def test_what_the_broker_holds_otherwise_is_said_at_the_row():
    """A position that goes on although the broker holds more: the difference stands below it."""
    text = status(house(position(1, differs="25300 CE: the trade store says -65 units.")))
    assert "! 25300 CE: the trade store says\n  -65 units." in text


def test_an_unknown_result_is_never_a_zero():
    """Without a price the P&L reads unknown, in the row and in the total."""
    view = house(position(pnl_paise=None, pnl_pct=None, value_paise=None))
    assert "P&amp;L <b>unknown</b> · value unknown" in status(view)
    assert "3359 NIFTY               unknown" in status(view)
    assert "0.00" not in status(view)


def test_an_old_price_shows_its_age():
    """A leg whose quote is older than ten seconds is named in its row, in the session only."""
    old = position(legs=(LegView("a", 65, 1, 1, 0.1), LegView("b", 65, 1, 1, 43.0)))
    assert "! price 43 s old" in status(house(old))
    assert "! price" not in status(house(old, session_open=False))


def test_data_that_nobody_waits_for_are_not_old():
    """With nothing subscribed no price can come, so none is missing."""
    assert "feed live\n" in status(house(data_age_s=40.0, subscribed=0)) + "\n"
    assert "data 40 s old" in status(house(data_age_s=40.0, subscribed=4))


def test_nothing_to_watch():
    """An empty house says so in words."""
    html = status(house(session_open=False, session_text="no session on Sun 01 Feb", data_age_s=None))
    assert html == (
        "<b>SIMULATE</b> · sandbox · 09:21:33 IST\n"
        "No session on Sun 01 Feb · feed live, no data yet\n"
        "No positions are being watched."
    )


def test_a_large_book_is_cut_into_pages():
    """Hundreds of positions fill at most three messages; the rest is counted, the troubled come first."""
    book = [position(n) for n in range(1000, 1200)]
    book.append(position(9999, state=PositionState.STUCK))
    pages = status_pages(house(*book))
    assert len(pages) == 3
    assert "<pre>9999 NIFTY" in pages[0].html
    assert all(len(page.html) < MESSAGE_LIMIT + 200 for page in pages)
    shown = sum(page.html.count("Iron Condor") for page in pages)
    assert pages[-1].html.endswith(
        f"and {201 - shown} more; all of them: <code>python -m engine positions</code>"
    )


def test_positions_that_are_known_in_brief_alone_are_counted():
    """They are in the sums and the warnings, and no line is made up for them."""
    full, rest = [position(n) for n in range(1000, 1003)], [position(n) for n in range(1003, 1010)]
    [page] = status_pages(house(*full, *map(in_brief, rest)))
    [whole, *_] = status_pages(house(*full, *rest))
    assert page.html.partition("<pre>")[0] == whole.html.partition("<pre>")[0]
    assert page.html.count("Iron Condor") == len(full)
    assert "\nand 7 more; all of them:" in page.html


def test_what_is_flat_gives_way_where_not_all_can_be_shown():
    """A line about the past takes none from a position that is held."""
    flat = position(1000, state=PositionState.FLAT, pnl_paise=None)
    [page] = status_pages(house(flat, position(1001), in_brief(position(1002))))
    assert "FLAT" not in page.html
    assert page.html.count("Iron Condor") == 1
    assert "\nand 2 more;" in page.html


def test_positions_of_which_none_can_be_shown_are_not_none():
    """A head with their P&L must not stand above a word that nothing is watched."""
    [page] = status_pages(house(in_brief(position(1001))))
    assert "No positions" not in page.html
    assert "and 1 more;" in page.html


def test_a_list_of_all_positions_needs_them_in_brief_alone():
    """Two lines each, the troubled first, the same as of those that are drawn in full."""
    book = [position(n) for n in range(1000, 1010)]
    book.append(position(1010, state=PositionState.STUCK, snooze="quiet until 11:00, but for a stop"))
    assert positions_pages(house(*map(in_brief, book))) == positions_pages(house(*book))


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (0, "0.00"),
        (5, "+0.05"),
        (-102_000, "-1,020.00"),
        (9_999_999, "+99,999.99"),
        (10_000_000, "+1,00,000"),
    ],
)
def test_amounts_in_columns(paise: int, text: str):
    """Signed, grouped the Indian way, ASCII only; paise go when lakhs come."""
    assert amount(paise) == text


positions = st.builds(
    position,
    st.integers(1, 10**9),
    symbol=st.text(max_size=40),
    strategy=st.text(max_size=60),
    state=st.sampled_from(PositionState),
    action=st.sampled_from(Action),
    urgency=st.sampled_from(Urgency),
    pnl_paise=st.none() | st.integers(-(10**13), 10**13),
    pnl_pct=st.none() | st.floats(-1e7, 1e7),
    reason=st.text(max_size=300),
    unprotected=st.booleans(),
    profit_exit=st.booleans(),
    closing_pnl_paise=st.none() | st.integers(-(10**13), 10**13),
    thresholds=st.lists(
        st.builds(
            ThresholdView,
            st.sampled_from(("profit_target", "stop_loss", "some_rule_with_a_long_name_indeed")),
            st.none() | st.integers(-(10**12), 10**12),
            st.text(max_size=80),
            st.booleans(),
            st.none() | st.integers(-(10**12), 10**12),
            st.none() | st.floats(-1e6, 1e6),
            st.none() | st.integers(0, 10**9),
        ),
        max_size=4,
    ).map(tuple),
)


@given(st.lists(positions, min_size=1, max_size=8))
def test_no_text_breaks_the_columns_or_the_markup(book: list[PositionView]):
    """Whatever the trades table holds, no line is wider than 32 columns and no tag comes from data."""
    for page in status_pages(house(*book)):
        assert all(len(line) <= COLUMNS for line in blocks(page.html))
        assert set(re.findall(r"<[^>]*>", page.html)) <= {
            "<b>",
            "</b>",
            "<pre>",
            "</pre>",
            "<code>",
            "</code>",
        }
        assert not re.search(r"&(?!amp;|lt;|gt;)", page.html)


def test_the_day_of_an_account_stands_beside_its_limit():
    """In the head; an account other than the first is named, and a limit that has spoken is loud."""
    day = AccountView("default", -420_000, (), 600_000, None, None, "")
    family = AccountView("A<B", None, (), 600_000, None, None, "day_loss_rupees")
    page = status(house(position(), accounts=(day, family)))
    assert "\nDay −₹4,200.00 of −₹6,000.00\n" in page
    assert "\n⚠️ Day A&lt;B unknown of −₹6,000.00; day_loss_rupees has spoken today\n" in page


def test_exits_that_are_ready_are_counted_and_others_named():
    """One line above while all is well; else who, and below each what is wrong with it alone."""
    ready = Ready(Light.GREEN, "exit ready")
    note = Ready(Light.AMBER, "exit ready; its price is old")
    bad = Ready(Light.RED, "exit would be refused: its tick is not known")
    all_of_them = Ready(Light.RED, "exit would be refused: Token ended at 10:00", shared=True)
    well = status(house(position(1, ready=ready), position(2, ready=note), position(3)))
    assert "\nExits ready: 2\n" in well
    assert blocks(well).count("! exit ready; its price is old") == 1
    ill = status(house(position(1, ready=ready), position(2, ready=bad)))
    assert "⚠️ <b>Exit would be refused</b>: 2\n" in ill
    assert "Exits ready" not in ill
    assert "! exit would be refused: its" in blocks(ill)
    house_wide = status(house(position(1, ready=all_of_them), position(2, ready=all_of_them)))
    assert "⚠️ <b>Exit would be refused</b>: 1, 2\n" in house_wide
    assert not any("Token" in line for line in blocks(house_wide))


def test_one_exit_that_is_ready_is_one():
    """In the singular."""
    assert "\nExit ready: 1\n" in status(house(position(ready=Ready(Light.GREEN, "exit ready"))))
