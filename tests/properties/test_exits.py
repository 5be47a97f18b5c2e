"""The whole machine in a world where everything may be late, lost, doubled or refused.

Thousands of interleavings: of commands and their answers, reads that lag or fail, order updates that
come twice, late or never, partial fills, restarts, /stop, taps, hand trades and a full disk.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model import Mode
from tests.engine.makers import condor, condors, leg, position
from tests.support.chaos import Chaos

STILL = ("wait", "wait", "wait", "exit", "tap", "restart", "blind", "see", "disk", "mend")
ACTIONS = (*STILL, "stop", "resume")
SCALED = (*ACTIONS, "gain", "more", "most", "most", "recover", "loss", "yes", "no")
RULED = (*ACTIONS, "loss", "loss", "recover", "yes", "no")
#: The condor's mids at entry, rupees.
ENTRY = (20, 45, 40, 18)
LONGEST_S = 420.0


def play(world, script):
    """Run a script of happenings, some time between any two, then let the world behave."""
    deeds = {
        "wait": lambda: world.run(4.0),
        "exit": world.exit,
        "tap": world.ask_and_tap,
        "restart": world.restart,
        "stop": world.stop,
        "resume": world.resume,
        "blind": lambda: setattr(world, "reads_fail", True),
        "see": lambda: setattr(world, "reads_fail", False),
        "disk": lambda: setattr(world.journal, "broken", True),
        "mend": lambda: setattr(world.journal, "broken", False),
        "hand": world.hand,
        "loss": lambda: world.price(6, 10, 190, 60),
        "gain": lambda: world.price(20, 39, 34, 18),
        "more": lambda: world.price(20, 33, 28, 18),
        "most": lambda: world.price(20, 27, 22, 18),
        "recover": lambda: world.price(*ENTRY),
        "yes": lambda: world.answer(yes=True),
        "no": lambda: world.answer(yes=False),
    }
    world.run(2.0)
    for happening in script:
        deeds[happening]()
        world.step()
    world.calm()
    world.run(LONGEST_S)


def run_of(actions):
    return st.lists(st.sampled_from(actions), min_size=4, max_size=30)


CHAOS = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def big(strategy_id=3359, lots=3):
    """The condor, in three lots."""
    legs = [
        leg(item.quantity * lots, item.instrument.strike_paise // 100, item.instrument.right, 20)
        for item in condor().legs
    ]
    return position(*legs, strategy_id=strategy_id)


WORLD = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**6),
        "lag_s": st.sampled_from([0.0, 3.0, 20.0]),
        "trouble": st.sampled_from([0.1, 0.3, 0.6]),
        "eager": st.sampled_from([0.02, 0.2, 0.7]),
    }
)


@CHAOS
@given(world=WORLD, script=run_of(STILL))
def test_whatever_is_late_lost_or_doubled_every_exit_ends_and_none_trades_too_much(world, script):
    """One exit of a condor of three lots: the invariants hold at each fill, and there is an end."""
    world = Chaos(big(), **world)
    play(world, ["exit", *script])
    world.check_end()


@CHAOS
@given(world=WORLD, script=run_of(ACTIONS))
def test_a_stop_at_any_moment_leaves_no_order_behind(world, script):
    """/stop and /resume among everything else: no order is left working, no exit without an end."""
    world = Chaos(big(), **world)
    play(world, ["exit", *script, "stop"])
    world.check_end()


@CHAOS
@given(world=WORLD, script=run_of(STILL))
def test_two_exits_that_share_their_contracts_never_trade_more_than_both_hold(world, script):
    """Two strategies hold the same four contracts and leave at once."""
    world = Chaos(big(1, 1), big(2, 2), **world)
    play(world, ["exit", *script])
    world.check_end()


@CHAOS
@given(world=WORLD, script=run_of((*ACTIONS, "hand")))
def test_trades_by_hand_in_the_middle_leave_a_person_told(world, script):
    """Somebody trades in the app meanwhile: never an order for more than was last confirmed."""
    world = Chaos(big(), **world)
    play(world, ["exit", *script, "hand"])
    world.check_end()


@CHAOS
@given(world=WORLD, mode=st.sampled_from([Mode.EXECUTE, Mode.SEMI_AUTO]), script=run_of(RULED))
def test_rules_questions_and_taps_start_exits_that_keep_the_invariants(world, mode, script):
    """A stop is met and unmet, asked about, answered twice, halted and resumed, in any order."""
    world = Chaos(condor(), mode=mode, **world)
    world.price(*ENTRY)
    play(world, script)
    world.check_end()


@CHAOS
@given(world=WORLD, mode=st.sampled_from([Mode.EXECUTE, Mode.SEMI_AUTO]), script=run_of(SCALED))
def test_parts_are_closed_in_proportion_once_a_level_and_never_more_than_is_open(world, mode, script):
    """Profits come and go past the three levels of four combinations, among stops and everything else."""
    world = Chaos(condors(4), mode=mode, rules="[default]\nprofit_scaling = true\n", **world)
    world.price(*ENTRY)
    play(world, script)
    world.check_end()
