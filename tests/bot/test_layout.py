"""Columns, escapes and durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.layout import COLUMNS, cut, escape, folded, pair, plain, span, story, table


def test_what_is_escaped_comes_back_plain():
    """A symbol like M&M survives the way into HTML and out again."""
    assert escape("M&M <b>") == "M&amp;M &lt;b&gt;"
    assert plain(f"<b>{escape('M&M <b>')}</b>") == "M&M <b>"


def test_invisible_characters_are_removed():
    """A name cannot turn the text around or break its lines apart with control characters."""
    assert escape("As\u202eha\x07\u200b") == "Asha"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (43.4, "43 s"),
        (89, "89 s"),
        (90, "2 min"),
        (840, "14 min"),
        (7200, "2 h"),
        (200_000, "2 days"),
    ],
)
def test_durations(seconds: float, text: str):
    """The largest unit that says enough."""
    assert span(seconds) == text


def test_a_pair_stands_at_both_edges():
    """The left text gives way to the right one."""
    assert pair("3359 NIFTY", "+1.00", 20) == "3359 NIFTY     +1.00"
    assert pair("a very long strategy", "NORMAL", 20) == "a very long…  NORMAL"


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_pair_is_exactly_one_line(left: str, right: str):
    """Never wider than the columns, whatever the two texts are."""
    assert len(pair(left, right)) == COLUMNS


def test_cutting_shows_that_something_is_missing():
    """An ellipsis stands for what was cut."""
    assert cut("Short Strangle", 14) == "Short Strangle"
    assert cut("Short Strangle", 10) == "Short Str…"
    assert cut("Short Strangle", 0) == ""


def test_a_long_sentence_is_folded_and_ended():
    """Three lines at most, the rest is an ellipsis."""
    lines = folded("word " * 40, "> ")
    assert len(lines) == 3
    assert lines[0].startswith("> word")
    assert lines[1].startswith("  word")
    assert lines[2].endswith("…")


def test_an_empty_table_is_nothing():
    """No lines, no block."""
    assert table([]) == ""


def test_a_story_sets_lists_in_columns_and_sentences_as_text():
    """Legs keep their indentation; the reason above and the result below flow with the bubble."""
    lines = (
        "Profit target reached & passed.",
        "NIFTY 25300 CE",
        "  BUY 130 at about 20.55",
        "P&L now +₹1.00",
    )
    assert story(lines) == (
        "Profit target reached &amp; passed.\n"
        "<pre>NIFTY 25300 CE\n  BUY 130 at about 20.55</pre>\n"
        "P&amp;L now +₹1.00"
    )


def test_a_story_folds_what_is_too_wide_for_columns():
    """A long contract name goes on in the next line, indented."""
    assert story(("BANKNIFTY 24 NOVEMBER 2026 52000 CE", "  BUY 30")) == (
        "<pre>BANKNIFTY 24 NOVEMBER 2026 52000\n  CE\n  BUY 30</pre>"
    )
