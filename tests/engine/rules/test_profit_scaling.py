"""Scaling out: levels to the paisa, parts in whole lots, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.io import tables
from engine.model import Action, Urgency
from engine.rules.base import Refusal
from engine.rules.profit_scaling import RULE
from tests.engine.makers import condors, leg, position
from tests.engine.rules.situations import seen, situation


def levels(held, setting=None, entry=None):
    """The armed levels of a position."""
    found = RULE.arm(RULE.read(setting or True), situation(held, entry=entry))
    assert not isinstance(found, Refusal), found
    return found


def steps(*pairs):
    """Levels as TOML gives them."""
    return [{"at": Decimal(at), "close": Decimal(close)} for at, close in pairs]


def test_the_default_levels_are_quarters_of_the_profit_and_of_the_combinations():
    """Four condors make ₹12,220 at best: 25, 50 and 75 % of that, one condor each."""
    found = levels(condors(4))
    assert [level.threshold_paise for level in found] == [305_500, 611_000, 916_500]
    assert [level.closes for level in found] == [1, 1, 1]


def test_after_a_part_the_levels_are_of_what_is_open_and_the_parts_of_what_was_entered():
    """Three of four are open: half is ₹4,582.50 now, which is ₹1,527.50 a condor as before."""
    found = levels(condors(3), entry=4)
    assert [level.threshold_paise for level in found] == [229_125, 458_250, 687_375]
    assert [level.closes for level in found] == [1, 1, 1]


@pytest.mark.parametrize(
    ("lots", "share", "closes"), [(10, "0.25", 2), (10, "0.05", 1), (3, "0.5", 1), (7, "0.5", 3), (2, "1", 2)]
)
def test_a_share_is_rounded_down_to_whole_combinations_but_to_at_least_one(lots, share, closes):
    """A quarter of ten is two; a twentieth of ten is still one."""
    assert levels(condors(lots), steps(("0.5", share)))[0].closes == closes


def test_a_level_says_what_it_closes_as_a_share_of_the_entry():
    """Met from its threshold on; patient news of MEDIUM urgency."""
    (level, *_) = levels(condors(4))
    assert RULE.judge(seen(305_499), level) is None
    verdict = RULE.judge(seen(305_500), level)
    assert verdict is not None
    assert (verdict.action, verdict.urgency) == (Action.SCALE_OUT, Urgency.MEDIUM)
    assert (verdict.pnl_paise, verdict.threshold_paise, verdict.fraction) == (305_500, 305_500, 0.25)
    assert "close 1 of 4" in verdict.reason


def test_levels_met_together_close_their_sum_and_nothing_left_is_a_full_exit():
    """Two of four are half; all three levels of three open ones leave nothing."""
    found = levels(condors(4))
    assert RULE.merge is not None
    both = RULE.merge(seen(700_000), found[:2])
    assert (both.action, both.fraction, both.threshold_paise) == (Action.SCALE_OUT, 0.5, 611_000)
    every = RULE.merge(seen(700_000), levels(condors(3), entry=4))
    assert (every.action, every.fraction) == (Action.CLOSE_POSITION, 0.75)


@given(
    lots=st.integers(2, 40),
    shares=st.lists(st.integers(1, 100), min_size=1, max_size=6),
    gone=st.integers(0, 39),
)
@example(lots=2, shares=[1, 100, 100, 100, 100, 100], gone=0)  # once a share that no file may have
def test_levels_never_close_more_than_is_open(lots, shares, gone):
    """Whatever is written and whatever is left, a verdict closes at least one and at most all."""
    weights = [max(share * 1000 // max(sum(shares), 100), 2) for share in shares]  # the least is 0.001
    setting = steps(*[(f"0.{n + 1}", f"{weight / 2000:.4f}") for n, weight in enumerate(weights)])
    left = max(lots - gone, 1)
    found = levels(condors(left), setting, entry=lots)
    assert RULE.merge is not None
    for count in range(1, len(found) + 1):
        closes = round(RULE.merge(seen(10**9), found[:count]).fraction * lots)
        assert 1 <= closes <= left


def test_a_position_of_one_combination_has_nothing_to_scale():
    """It is no fault of the owner's: the rule does not apply, and says so."""
    found = RULE.arm(RULE.read(True), situation(condors(1)))
    assert isinstance(found, Refusal)
    assert not found.refused
    ratio = position(leg(65, 25300, "CE", 40), leg(-130, 25500, "CE", 18))
    assert ratio.combinations == 1


FAULTS = {
    "false": "expected true, or levels such as",
    "0.5": "expected true, or levels such as",
    "[]": "expected true, or levels such as",
    "[{at = 0.25}]": "read [{at = 0.25}], expected true, or levels",
    "[{at = 0.25, close = 0.25, keep = 1}]": "expected true, or levels such as",
    "[{at = -0.25, close = 0.25}]": "expected true, or levels such as",
    "[{at = 0.25, close = 0}]": "expected true, or levels such as",
    "[{at = nan, close = 0.5}]": "expected true, or levels such as",
    "[{at = 0.5, close = 0.25}, {at = 0.5, close = 0.25}]": "levels whose at increases",
    "[{at = 0.5, close = 0.25}, {at = 0.25, close = 0.25}]": "levels whose at increases",
    "[{at = 0.5, close = 0.75}, {at = 0.75, close = 0.5}]": "at most 1 (these close 1.25)",
}


@pytest.mark.parametrize(("text", "expected"), FAULTS.items())
def test_levels_that_make_no_sense_are_refused_with_their_line(text, expected):
    """The file, the line, what was read and what was expected."""
    with pytest.raises(ConfigError) as caught:
        tables.rulebook(f"# mine\n[default]\nprofit_scaling = {text}\n")
    assert "line 3: [default] profit_scaling: read " in str(caught.value)
    assert expected in str(caught.value)


def test_levels_written_as_tables_of_their_own_are_read_and_refused_with_their_line():
    """TOML has another way to write the same list."""
    text = "[default]\nstop_loss = -0.5\n[[default.profit_scaling]]\nat = 0.5\nclose = {}\n"
    tables.rulebook(text.format("0.5"))
    with pytest.raises(ConfigError, match=r"line 3: \[default\] profit_scaling"):
        tables.rulebook(text.format("1.5"))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("", True),
        ("[default]\nprofit_scaling = true", False),
        ("[default]\nprofit_scaling = true\nprofit_target = 0.9", True),
        ('[default]\nprofit_scaling = true\n[symbol."NIFTY"]\nprofit_target = 0.9', True),
        ('[strategy."Iron Condor"]\nprofit_scaling = true', False),
        ('[default]\nprofit_target = 0.5\n[strategy."Iron Condor"]\nprofit_scaling = true', False),
        ('[strategy."Iron Condor"]\nprofit_target = 0.9\nprofit_scaling = true', True),
        ('[default]\nprofit_scaling = true\n[strategy."Iron Condor"]\nprofit_scaling = "off"', True),
    ],
)
def test_with_scaling_on_only_a_target_that_was_written_counts(text, target):
    """One of a [default] above which the levels lie would make them unreachable."""
    rules = tables.rulebook(text).rules_for("NIFTY", "Iron Condor").rules
    assert ("profit_target" in rules) is target
