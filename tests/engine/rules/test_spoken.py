"""What people type as a rule's value on a phone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.overrides import Override
from engine.rules.spoken import spoken


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-0.3", Decimal("-0.3")),
        ("−30%", Decimal("-0.3")),
        ("–30 %", Decimal("-0.3")),
        ("3,000", 3000),
        ("₹3,000", 3000),
        ("rs 2500", 2500),
        ("-₹500", -500),
        ("1,00,000.50", Decimal("100000.50")),
        ("7", 7),
        ("15:10", "15:10"),
        ("“15:10”", "15:10"),
        ("true", True),
        ("off", "off"),
        ("{give_back = 0.2}", {"give_back": Decimal("0.2")}),
        ("[{reach = 10000, keep = 5000}]", [{"reach": 10000, "keep": 5000}]),
        ("--5", "--5"),
        ("1\nrule = 2", "1\nrule = 2"),
        ("", ""),
    ],
)
def test_numbers_shares_times_and_tables_are_read_as_toml_would_give_them(text, value):
    """Signs and quotes as phones make them, per cent and rupees as people write them."""
    assert spoken(text) == value
    assert type(spoken(text)) is type(value)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text):
    """Whatever is typed is a value; the rule says whether it is one of its."""
    spoken(text)


VALUES = st.one_of(
    st.decimals(-1000, 1000, places=3),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.just("15:10"),
    st.fixed_dictionaries({"give_back": st.decimals(0, 1, places=2), "floor": st.integers(0, 9)}),
    st.lists(st.fixed_dictionaries({"reach": st.integers(1, 99), "keep": st.integers(0, 9)}), max_size=3),
)


@given(VALUES)
def test_the_journal_gives_back_what_was_set(value):
    """Exactly, whatever kind of setting it is."""
    kept = Override("stop_loss", value, "Asha")
    assert Override.from_json(kept.to_json()) == kept
