"""What a snooze is asked for by, and when its leash ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.leash import BLIND_S, Leash, Terms, read_terms

LEASH = Leash("default/3359", "NIFTY", (1, 2), "Asha", 1_800.0, 500_000, -620_000, 2_450_000, above=False)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("30", Terms(30)),
        ("30m", Terms(30)),
        ("60 5000", Terms(60, 500_000)),
        ("60 ₹5,000.50", Terms(60, 500_050)),
        ("60 below 24500", Terms(60, None, 2_450_000, above=False)),
        ("1440 5000 Above 24,500", Terms(1440, 500_000, 2_450_000, above=True)),
    ],
)
def test_terms_are_read_as_they_are_written(text: str, terms: Terms):
    """Minutes, then rupees worse, then a level; the two are optional."""
    assert read_terms(text) == terms


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0", "1441", "30 -5000", "30 0", "30 5000 24500", "30 at 24500", "30 above", "30 below x",
     "30 5000 above 24500 too", "30 nan", "1.5"],
)  # fmt: skip
def test_what_is_not_understood_is_refused_in_words(text: str):
    """What was read, what is expected, and that nothing was changed."""
    with pytest.raises(
        BadInput, match=r"after /snooze; expected minutes from 1 to 1440.*Nothing was changed"
    ):
        read_terms(text)


@pytest.mark.parametrize(
    ("pnl", "spot", "now_s", "why"),
    [
        (-619_999, 2_450_001, 1_799.0, ""),
        (-620_000, 2_460_000, 0.0, "It is ₹5,000.00 worse than when it was snoozed"),
        (0, 2_450_000, 0.0, "NIFTY is at 24,500.00, below 24,500.00"),
        (None, None, 1_799.0, ""),
        (0, 2_460_000, 1_800.0, "Its time is over"),
    ],
)
def test_each_end_ends_it(pnl: int | None, spot: int | None, now_s: float, why: str):
    """At the very paisa, level and second."""
    assert LEASH.over(pnl, spot, now_s) == why


def test_a_leash_that_sees_nothing_holds_nothing():
    """A minute without a price it hangs on ends it; prices that come back begin the minute anew."""
    blind = LEASH.seen(None, 2_460_000, 10.0)
    assert not blind.over(None, 2_460_000, 10.0 + BLIND_S - 1)
    assert "cannot be seen any more" in blind.over(None, 2_460_000, 10.0 + BLIND_S)
    assert blind.seen(0, 2_460_000, 20.0).blind_since_s is None
    alone = replace(LEASH, floor_paise=None, level_paise=None)
    assert alone.seen(None, None, 10.0) is alone


def test_it_says_until_when():
    """All its ends, in one line."""
    assert LEASH.words() == ("quiet until 06:00, ₹5,000.00 worse (P&L −₹6,200.00), or NIFTY below 24,500.00")
    assert replace(LEASH, floor_paise=None, level_paise=None).words() == "quiet until 06:00"


@given(st.lists(st.text(min_size=1), max_size=9))
def test_it_is_kept_and_read_back(titles: list[str]):
    """Through the journal nothing is lost but since when it is blind."""
    leash = LEASH
    for title in titles:
        leash = leash.silenced(title)
    assert Leash.from_json(replace(leash, blind_since_s=5.0).to_json()) == leash
    assert leash.missed == len(titles)
