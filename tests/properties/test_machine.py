"""The whole house beside the sandbox's exchange, where anything may happen in any order.

Hypothesis puts exits, taps, /stop, restarts and crashes, hand trades, square-offs, full disks, blind or
empty reads and every fault of a command and its answer into any order; the judge looks at every command,
fill, report and record. A failure prints the script that leads to it.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.tuning import Tuning
from tests.support.sea.machine import Machine

MACHINE = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(300)
def test_whatever_happens_in_whatever_order_the_invariants_hold_and_every_exit_ends():
    """Fifty happenings in any order: invariants 1 to 7 hold at each of them, and there is an end."""
    run_state_machine_as_test(Machine, settings=MACHINE)


class InBatches(Machine):
    """Every exit goes lot by lot."""

    tuning = Tuning(batch_lots=1)


@pytest.mark.timeout(300)
def test_in_batches_of_a_lot_the_same_holds_and_no_long_is_ever_ahead_of_a_short():
    """A house whose exits go in as many steps as they can; fewer examples."""
    run_state_machine_as_test(InBatches, settings=settings(MACHINE, max_examples=40))


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_in_batches_ten_times_as_often():
    """The same with chance of its own in every run."""
    run_state_machine_as_test(InBatches, settings=settings(MACHINE, max_examples=400, derandomize=False))


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_the_same_ten_times_as_often_and_each_time_anew():
    """The same with chance of its own in every run: it looks where the other never looks."""
    run_state_machine_as_test(Machine, settings=settings(MACHINE, max_examples=2_000, derandomize=False))
