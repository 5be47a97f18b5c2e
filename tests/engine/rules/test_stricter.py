"""Of two settings of one rule, which never fires later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.registry import rules
from engine.rules.spoken import spoken
from engine.rules.stricter import never_later
from tests.engine.makers import condor
from tests.engine.rules.situations import situation

CONDOR = situation(condor())


def armed(rule, text):
    """The parameters of a rule for the condor."""
    return rules()[rule].arm(rules()[rule].read(spoken(text)), CONDOR)


def surely(rule, new, old):
    """Whether the new setting is surely met whenever the old one is."""
    return never_later(rules()[rule].kind, armed(rule, new), armed(rule, old))


@pytest.mark.parametrize(
    ("rule", "tight", "loose"),
    [
        ("stop_loss", "-0.3", "-0.5"),
        ("profit_target", "0.3", "0.5"),
        ("exit_at", "14:00", "15:10"),
        ("max_holding_minutes", "30", "90"),
        ("stop_delta", "0.3", "0.5"),
        ("stop_underlying", "{below = 24600, above = 25400}", "{below = 24500, above = 25500}"),
        ("stop_underlying", "{below = 24500, above = 25500}", "{above = 25500}"),
        ("trailing_stop", "{give_back = 0.2}", "true"),
        ("trailing_stop", "{activate = 0.1}", "true"),
        ("trailing_stop", "{give_back_rupees = 100}", "{give_back_rupees = 200}"),
        ("trailing_stop", "{activate_rupees = 500, floor = -1}", "{activate_rupees = 900}"),
        (
            "lock_profit",
            "[{reach = 9000, keep = 5000}, {reach = 20000, keep = 15000}]",
            "[{reach = 10000, keep = 5000}]",
        ),
    ],
)
def test_a_tighter_setting_is_told_from_a_looser_one(rule, tight, loose):
    """One way round and never the other; each is as strict as itself."""
    assert surely(rule, tight, loose)
    assert not surely(rule, loose, tight)
    assert surely(rule, loose, loose)


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        ("stop_underlying", "{below = 24500}", "{above = 25500}"),
        ("trailing_stop", "{give_back = 0.1}", "{give_back_rupees = 200}"),
        ("trailing_stop", "{activate = 0.1, give_back = 0.4}", "true"),
        ("trailing_stop", "{activate_rupees = 1}", "true"),
        ("lock_profit", "[{reach = 9000, keep = 4000}]", "[{reach = 10000, keep = 5000}]"),
    ],
)
def test_what_cannot_be_compared_is_neither(rule, one, other):
    """A little more of this and a little less of that is no tightening; with and without what is realised."""
    assert not surely(rule, one, other)
    assert not surely(rule, other, one)


TRAILS = st.one_of(
    st.builds(
        "{{activate = {}, give_back = {}, floor = {}}}".format,
        st.sampled_from([0, 0.1, 0.3]),
        st.sampled_from([0.1, 0.3, 0.9]),
        st.sampled_from([-0.1, -0.5]),
    ),
    st.builds(
        "{{activate_rupees = {}, give_back_rupees = {}}}".format, st.integers(1, 900), st.integers(1, 900)
    ),
)
LOCKS = st.builds(
    "[{{reach = {}, keep = {}}}, {{reach = {}, keep = {}}}]".format,
    st.integers(5, 9),
    st.integers(1, 4),
    st.integers(20, 22),
    st.integers(5, 19),
)
PAIRS = st.one_of(
    st.tuples(st.just("trailing_stop"), TRAILS, TRAILS), st.tuples(st.just("lock_profit"), LOCKS, LOCKS)
)


@given(PAIRS, st.lists(st.integers(-2_000, 3_000), min_size=1, max_size=12))
def test_a_stricter_ratchet_is_met_whenever_the_other_is(pair, pnls):
    """After any path of P&L, in rupees."""
    rule, new, old = pair
    tight, loose = armed(rule, new), armed(rule, old)
    if never_later(rules()[rule].kind, tight, loose):
        for rupees in pnls:
            tight, loose = tight.seen(rupees * 100), loose.seen(rupees * 100)
            assert loose.met(rupees * 100) <= tight.met(rupees * 100)
