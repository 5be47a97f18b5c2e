"""Overrides of one position: they tighten, or they are refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.io import tables
from engine.model import Action
from engine.rules.base import Due, Kind, Limits, Rank, Refusal, Rule
from engine.rules.overrides import Override, tighten, tightened
from engine.rules.registry import rules
from tests.engine.makers import condor
from tests.engine.rules.situations import seen, situation

BOOK = tables.rulebook()
CONDOR = situation(condor())
RULES = BOOK.rules_for("NIFTY", "Iron Condor")


@dataclass(frozen=True)
class Odd:
    """Parameters of a kind nobody knows."""

    text: str


def wish(rule, setting):
    """What somebody asks for."""
    return Override(rule, setting, "Asha")


def cents(low, high):
    """Settings with two decimals."""
    return st.integers(low, high).map(lambda value: Decimal(value) / 100)


WISHES = st.one_of(
    st.builds(wish, st.just("profit_target"), cents(-10, 100)),
    st.builds(wish, st.just("stop_loss"), cents(-110, 10)),
    st.builds(wish, st.just("stop_loss_rupees"), st.integers(-10, 10_000)),
    st.builds(wish, st.just("stop_credit_multiple"), cents(0, 500)),
    st.builds(wish, st.just("time_exit_dte"), st.integers(0, 40)),
    st.builds(wish, st.sampled_from(["expiry_exit", "nonsense"]), st.sampled_from(["on", "off", 1])),
)


def waits(ruleset):
    """What each rule that stands guard waits for: paise or a moment."""
    armed = {name: rules()[name].arm(setting, CONDOR) for name, setting in ruleset.rules.items()}
    return {
        name: params.due_s if isinstance(params, Due) else params.threshold_paise
        for name, params in armed.items()
        if not isinstance(params, Refusal)
    }


def exits(ruleset, snapshot):
    """The rules that would end the position here, confirmation aside."""
    met = set()
    for name, setting in ruleset.rules.items():
        rule = rules()[name]
        params = rule.arm(setting, CONDOR)
        verdict = None if isinstance(params, Refusal) else rule.judge(snapshot, params)
        if verdict is not None and verdict.action is not Action.ALERT:
            met.add(name)
    return met


@given(
    st.lists(WISHES, max_size=6),
    st.integers(-1_000_000, 400_000),
    st.floats(CONDOR.position.opened_at_s, CONDOR.position.opened_at_s + 25 * 86_400),
)
def test_whatever_is_asked_for_no_rule_ever_fires_later(wishes, pnl, now_s):
    """At any P&L and moment, what fired without the overrides fires with them."""
    snapshot = seen(pnl, now_s)
    assert exits(RULES, snapshot) <= exits(tightened(RULES, wishes, CONDOR), snapshot)


@given(st.lists(WISHES, max_size=6))
def test_overrides_come_to_the_tightest_in_any_order(wishes):
    """Each order, and each number of repetitions, ends at the same amounts and moments.

    Not always at the same settings: 15 and 16 days to expiry may be one session.
    """
    once = tightened(RULES, wishes, CONDOR)
    assert waits(tightened(RULES, wishes[::-1], CONDOR)) == waits(once)
    assert waits(tightened(once, wishes, CONDOR)) == waits(once)


def test_a_tighter_stop_is_laid_over_the_others_and_says_whose_it_is():
    """Highest of all sources, and told as such."""
    found = tighten(RULES, wish("stop_loss", Decimal("-0.3")), CONDOR)
    assert found.rules["stop_loss"] == Fraction(-3, 10)
    assert found.entries["stop_loss"].origin == "chat, by Asha"
    assert found.rules["profit_target"] == RULES.rules["profit_target"]
    added = tighten(RULES, wish("stop_loss_rupees", 3000), CONDOR)
    assert added.rules["stop_loss_rupees"] == 300_000


@pytest.mark.parametrize(
    ("rule", "setting", "said"),
    [
        (
            "stop_loss",
            Decimal("-0.6"),
            r"stop_loss = -0\.6 \(60 % of .*\) is not known to be tighter than -0\.5 \(50 %",
        ),
        ("profit_target", Decimal("0.6"), "is not known to be tighter than 0.5"),
        ("stop_loss", "off", "cannot be switched off"),
        ("time_exit_dte", 3, "is not known to be tighter than 7"),
        ("time_exit_dte", 30, "would not guard this position: entered with 21 days"),
        ("stop_loss", Decimal("0.3"), "stop_loss: read 0.3, expected a fraction between -1"),
        ("stop", 1, "read 'stop', expected a rule: expiry_exit"),
        ("confirm_s", 1, "expected a rule"),
    ],
)
def test_what_loosens_or_means_nothing_is_refused_in_words(rule, setting, said):
    """More days to expiry are looser too when they exempt the position."""
    with pytest.raises(BadInput, match=said):
        tighten(RULES, wish(rule, setting), CONDOR)


def fires_at(params, course):
    """The first step of a course of P&Ls at which a ratchet fires; None = at none."""
    for step, pnl in enumerate(course):
        params = params.seen(pnl)
        if params.met(pnl):
            return step
    return None


def one_key(**values):
    """A table with one of these keys, or with none."""
    return st.one_of(st.just({}), *(st.fixed_dictionaries({key: value}) for key, value in values.items()))


def tiers_of(steps):
    """Tiers that grow, from what each keeps more than the one before and how far below its reach that is."""
    tiers, keep, reach = [], -1, 0
    for more, below in steps:
        keep, reach = keep + more, max(reach + 1, keep + more + below)
        tiers.append({"reach": reach, "keep": keep})
    return tiers


RATCHETS = {
    "trailing_stop": st.builds(
        lambda activate, give_back, floor: activate | give_back | floor,
        one_key(activate=cents(20, 60), activate_rupees=st.integers(600, 2_000)),
        one_key(give_back=cents(10, 99), give_back_rupees=st.integers(1, 2_000)),
        one_key(floor=cents(-30, 19)),
    ),
    "lock_profit": st.lists(st.tuples(st.integers(1, 700), st.integers(1, 900)), min_size=1, max_size=3).map(
        tiers_of
    ),
}


@pytest.mark.parametrize("name", RATCHETS)
@given(data=st.data(), course=st.lists(st.integers(-300_000, 300_000), min_size=1, max_size=12))
def test_a_ratchet_that_may_be_laid_over_another_fires_on_no_course_later(name, data, course):
    """Whatever the P&L does, it ends the position at the same step or before."""
    rule, settings = rules()[name], RATCHETS[name]
    old, new = (rule.read(data.draw(settings)) for _ in range(2))
    new_params, old_params = (rule.arm(setting, CONDOR) for setting in (new, old))
    allowed = new_params.never_later(old_params)
    event(f"allowed: {allowed}")
    if allowed:
        latest = fires_at(old_params, course)
        assert latest is None or fires_at(new_params, course) in range(latest + 1)


@pytest.mark.parametrize(
    ("rule", "old", "tighter", "looser"),
    [
        (
            "trailing_stop",
            {"give_back": Decimal("0.3")},
            {"give_back": Decimal("0.2")},
            {"give_back": Decimal("0.4")},
        ),
        ("trailing_stop", True, {"activate": Decimal("0.2")}, {"activate": Decimal("0.3")}),
        ("trailing_stop", True, {"floor": Decimal("-0.1")}, {"floor": Decimal("0.1")}),
        ("trailing_stop", {"give_back_rupees": 500}, {"give_back_rupees": 400}, {"give_back_rupees": 600}),
        ("trailing_stop", True, {"activate": Decimal("0.1")}, {"activate_rupees": 1}),
        (
            "trailing_stop",
            {"activate_rupees": 500},
            {"activate_rupees": 400},
            {"activate_rupees": 300, "give_back_rupees": 300},
        ),
        (
            "lock_profit",
            [{"reach": 2000, "keep": 1000}],
            [{"reach": 1500, "keep": 500}, {"reach": 2000, "keep": 1200}],
            [{"reach": 1500, "keep": 500}],
        ),
        ("stop_delta", Decimal("0.5"), Decimal("0.4"), Decimal("0.6")),
        ("stop_leg_delta", Decimal("0.5"), Decimal("0.4"), Decimal("0.6")),
    ],
)
def test_what_is_plainly_tighter_is_taken_and_its_reverse_is_not(rule, old, tighter, looser):
    """Trails, locks and limits of Greeks are compared by what they wait for."""
    base = tighten(RULES, wish(rule, old), CONDOR)
    found = tighten(base, wish(rule, tighter), CONDOR)
    assert found.rules[rule] == rules()[rule].read(tighter)
    with pytest.raises(BadInput, match="not known to be tighter"):
        tighten(found, wish(rule, looser), CONDOR)


@given(*[st.none() | st.floats(-10, 10)] * 4, st.floats(-11, 11))
def test_limits_that_may_be_laid_over_others_are_met_wherever_those_are(low, high, old_low, old_high, value):
    """Any value beyond the old limits is beyond the new ones."""
    new, old = Limits(low, high, 0.1, "", ""), Limits(old_low, old_high, 0.1, "", "")
    if new.never_later(old) and old.met(value):
        assert new.met(value)


def test_an_override_gives_way_to_a_stricter_file():
    """The sources below may become tighter than what was once asked for."""
    strict = tables.rulebook("[default]\nstop_loss = -0.1").rules_for("NIFTY", "Iron Condor")
    found = tightened(strict, [wish("stop_loss", Decimal("-0.3"))], CONDOR)
    assert found.rules["stop_loss"] == Fraction(-1, 10)
    assert found.entries["stop_loss"].origin == "[default] line 2 of rules.toml"


def test_a_rule_that_was_off_may_be_switched_on():
    """One more guard never makes an exit come later."""
    off = tables.rulebook('[default]\nstop_loss = "off"').rules_for("NIFTY", "Iron Condor")
    assert tighten(off, wish("stop_loss", Decimal("-0.9")), CONDOR).rules["stop_loss"] == Fraction(-9, 10)


def test_what_cannot_be_compared_may_only_be_said_again(monkeypatch):
    """A rule that waits for neither an amount nor a moment keeps what it has."""

    def arm(setting, _situation):
        return Odd(setting)

    rule = Rule("odd", Kind.PROFIT, Rank.TARGET, str, arm, None)
    monkeypatch.setattr("engine.rules.overrides.rules", lambda: {**rules(), rule.name: rule})
    once = tighten(RULES, wish("odd", "a"), CONDOR)
    assert tighten(once, wish("odd", "a"), CONDOR).rules == once.rules
    with pytest.raises(BadInput, match="not known to be tighter"):
        tighten(once, wish("odd", "b"), CONDOR)
