"""The pictures: every one can be drawn, has the size of a phone, and says by words what it shows."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.captions import caption, heading
from bot.layout import CAPTION_LIMIT, plain
from engine.io.pictures import draw, paint
from engine.io.pictures.axis import Axis, brief, round_steps, short, signed, spread
from engine.io.pictures.canvas import HEIGHT, WIDTH
from engine.io.pictures.frame import by_sign
from engine.io.pictures.ink import ALERT, GAIN, GROUND, LOSS, MUTED, TEXT, TODAY, mixed
from tests.support.charted import CHARTS, day
from tests.support.sheets import all_can_be_read

ORDINARY = [name for name in CHARTS if "huge" not in name]


def words(name):
    """What is written on a picture."""
    chart = CHARTS[name]()
    return [each.text for each in paint(chart, heading(chart)).words]


@pytest.mark.parametrize("name", CHARTS)
def test_each_picture_is_a_small_png_of_a_phones_proportions(name):
    """1080 by 1350, below 60 kB."""
    chart = CHARTS[name]()
    png = draw(chart, heading(chart))
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    assert len(png) < 60_000


@pytest.mark.parametrize("name", CHARTS)
def test_no_word_leaves_the_picture_and_none_lies_on_another(name):
    """Whatever the numbers, all can be read."""
    chart = CHARTS[name]()
    all_can_be_read(paint(chart, heading(chart)))


def test_a_condor_shows_its_numbers():
    """Underlying, breakevens, stop, target, both ends, and the P&L now."""
    assert set(words("payoff-condor")) >= {
        "NIFTY Iron Condor · 3359", "24 Feb expiry · DTE 21 · 09:20 IST", "+₹455", "NIFTY 25,012.35",
        "24,653", "25,347", "Profit target +₹1,528", "Stop loss −₹4,972", "+₹3,055", "−₹9,945",
    }  # fmt: skip


def test_what_has_no_end_is_said_to_have_none():
    """A naked strangle's loss, a bought call's profit; a calendar's ends are only those in sight."""
    assert "unlimited" in words("payoff-strangle")
    assert "unlimited" in words("payoff-call")
    assert {"Best in sight", "at the first expiry, by the model"} <= set(words("payoff-calendar"))


def test_a_day_tells_its_newest_events_with_their_times_and_gains():
    """Alerts and exits, and what the exit made."""
    said = words("pnl-day")
    assert {"10:02", "11:20", "Closed 3359 NIFTY Iron Condor"} <= set(said)
    for start in ("3359 NIFTY Iron Condor: Loss is 62 %", "3360 BANKNIFTY Short Strangle: Loss"):
        assert any(each.startswith(start) and each.endswith("…") for each in said)
    assert {"+₹1,540", "+₹1,540 in all"} <= set(said)  # what is closed today; what the exit made since entry
    assert "Day loss limit −₹9,000" in words("pnl-day-lost")


def test_a_day_of_which_nothing_was_seen_shows_no_number():
    """Unknown is no zero."""
    said = words("pnl-day-unseen")
    assert {"unknown", "Nothing was seen yet"} <= set(said)


def test_week_and_month_name_their_days_and_what_lacks():
    """Five weekdays with amounts; a month by its dates, the gap said."""
    assert {"Mon", "Fri", "+₹1,540", "−₹4,321", "2 up, 2 down", "sum of 4 sessions"} <= set(words("pnl-week"))
    assert {"2", "27", "sum of 14 sessions, 1 without a record"} <= set(words("pnl-month"))


@pytest.mark.parametrize("name", CHARTS)
def test_the_caption_fits_below_the_picture(name):
    """Telegram takes 1,024 characters."""
    chart = CHARTS[name]()
    page = caption(chart, "HUF_OF_THE_FAMIL", "HUF_OF_THE_FAMIL/")
    assert len(plain(page.html).encode("utf-16-le")) // 2 <= CAPTION_LIMIT - 40
    assert all(len(button.data.encode()) <= 64 for row in page.keyboard for button in row)


def _luminance(ink):
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in ink]
    return sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ink", [GAIN, LOSS, ALERT, TEXT, TODAY, MUTED])
def test_every_colour_stands_out_from_the_ground(ink):
    """At least 4.5 to 1, the contrast that WCAG 2.2 asks of text."""
    one, other = sorted((_luminance(ink), _luminance(GROUND)))
    assert (other + 0.05) / (one + 0.05) >= 4.5


def test_gain_and_loss_differ_for_the_colour_blind_too():
    """In blue, which red-green blindness leaves alone, by more than half the range."""
    assert abs(GAIN[2] - LOSS[2]) > 128


class _Sheet:
    """Keeps what is drawn on it."""

    def __init__(self):
        self.lines, self.areas = [], []

    def area(self, places, ink):
        self.areas.append((places, ink))

    def line(self, places, ink, width):
        self.lines.append((list(places), ink))


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_a_curve_is_blue_above_zero_orange_below_and_whole(heights):
    """Cut where it crosses the line, each part has the colour of its side, and nothing is left out."""
    sheet = _Sheet()
    places = [(float(x), y) for x, y in enumerate(heights)]
    by_sign(sheet, places, 0.0)
    for part, ink in sheet.lines:
        lowest, highest = max(y for _, y in part), min(y for _, y in part)
        assert highest >= 0 or ink == GAIN
        assert lowest <= 0 or ink == LOSS
    for places, ink in sheet.areas:
        above = min(y for _, y in places) < 0
        assert ink == mixed(GAIN if above else LOSS, 0.22)
    drawn = [place for part, _ in sheet.lines for place in part]
    assert {(float(x), y) for x, y in enumerate(heights)} <= set(drawn)
    assert all(a <= b for (a, _), (b, _) in pairwise(drawn))


@pytest.mark.parametrize(
    ("paise", "text"),
    [(0, "₹0"), (-450_000, "−₹4,500"), (25_000_000, "₹2.5 L"), (1_200_000_000, "₹1.2 Cr")],
)
def test_amounts_at_the_edge_are_short(paise, text):
    """Rupees below a lakh, then lakhs and crores."""
    assert short(paise) == text


def test_amounts_are_rounded_to_whole_rupees_with_their_sign():
    """Half a rupee goes to the even one; what rounds to nothing has no sign."""
    assert (signed(152_750), signed(-9), signed(49), signed(None)) == ("+₹1,528", "₹0", "₹0", "unknown")
    assert (brief(1_559_983_099_99), brief(-100)) == ("+₹156 Cr", "−₹1")


@given(st.lists(st.floats(-1e13, 1e13), max_size=20), st.integers(2, 8))
def test_a_scale_holds_all_values_and_zero_at_few_round_steps(values, most):
    """Whatever is drawn lies inside, and there are at most so many lines and one."""
    axis = spread(values, 900.0, 100.0, 20_000.0)
    assert all(axis.holds(value) for value in (*values, 0.0))
    steps = round_steps(axis, most)
    assert len(steps) <= most + 1
    assert 0.0 in steps or len(steps) <= 1


def test_a_scale_turns_values_into_places():
    """Zero at the left end, a hundred at the right."""
    assert Axis(0, 100, 20, 220).at(50) == 120


def test_one_lonely_sample_and_a_gap_can_be_drawn():
    """The first minute of a day, and an hour in which the house was down."""
    lonely = day(1, marks=())
    assert draw(lonely, "P&L today")
    whole = day(240)
    holed = day(240, samples=whole.samples[:60] + whole.samples[120:])
    assert draw(holed, "P&L today") != draw(whole, "P&L today")
