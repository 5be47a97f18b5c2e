"""The picture of a month: it says by words what it shows, whatever the month was like."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from engine.io.pictures.canvas import HEIGHT, WIDTH
from engine.io.pictures.month import month, month_png
from engine.monthly import CLOSING_MIDS, month_chart
from tests.support.exit_lines import leg_of, line
from tests.support.sheets import all_can_be_read

#: Day, rupees after charges (None = unknown), rule.
BUSY = (
    (2, 4_100, "profit_target"), (3, 3_850, "profit_target"), (4, -2_950, "stop_loss"),
    (5, 1_900, "trailing_stop"), (6, 4_400, "profit_target"), (9, -6_200, "stop_loss"),
    (11, -3_100, "stop_delta"), (12, 2_750, "time_exit_dte"), (13, 5_200, "profit_target"),
    (16, -1_450, "forced"), (17, 3_300, "trailing_stop"), (18, None, "closed_outside"),
    (20, 6_150, "profit_target"), (23, 2_100, "time_exit_dte"), (25, -2_800, "stop_loss"),
    (26, 4_950, "profit_target"), (27, 900, "expiry_exit"),
)  # fmt: skip
MONTHS = {
    "busy": BUSY,
    "empty": (),
    "unknown": ((4, None, "stop_loss"),),
    "one": ((30, -350, "stop_loss"),),
    "huge": tuple((day, rupees and rupees * 99_999, rule) for day, rupees, rule in BUSY),
    "won": (
        (3, 900, "profit_target_rupees"),
        (3, 800, "stop_credit_multiple"),
        (3, 1, "max_holding_minutes"),
    ),
}


def chart_of(name):
    """A month whose exits bought a contract back that stood ₹1 higher at the close: all saved."""
    lines = [
        line(
            f"x{n}", f"2026-11-{day:02}T{10 + n % 5}:20:00+05:30", rupees and rupees * 100, rule=rule,
            legs=[leg_of(1, "BUY", 65, 1_000)],
        ) | {CLOSING_MIDS: {2 << 32 | 1: 1_100}}
        for n, (day, rupees, rule) in enumerate(MONTHS[name])
    ]  # fmt: skip
    return month_chart(lines, "2026-11")


def words(name):
    """What is written on it."""
    return [each.text for each in month(chart_of(name)).words]


@pytest.mark.parametrize("name", MONTHS)
def test_every_month_can_be_read_and_is_small(name):
    """Whatever the numbers: no word on another, one size, below 60 kB."""
    all_can_be_read(month(chart_of(name)))
    png = month_png(chart_of(name))
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    assert len(png) < 60_000


def test_a_busy_month_tells_its_figures():
    """Sum, drawdown, the rules that moved most, and what the exits saved."""
    said = words("busy")
    assert {
        "Exits of November 2026", "+₹23,100", "17 exits on 17 days, 1 of unknown result",
        "realised after charges · 11 won, 5 lost", "Profit target", "× 6", "+₹28,650", "Stop loss",
        "−₹11,950", "and 3 more in the table", "69 %", "Saved by exits", "+₹1,040",
    } <= set(said)  # fmt: skip
    assert "−₹9,300" in said  # the two losses in a row of the 9th and the 11th


def test_a_month_of_which_nothing_is_known_shows_no_number():
    """Unknown is no zero; none at all is said so."""
    assert {"No exit has a known result", "unknown"} <= set(words("unknown"))
    assert "None has ended" in words("empty")
    assert not any("₹" in text for name in ("unknown", "empty") for text in words(name))
