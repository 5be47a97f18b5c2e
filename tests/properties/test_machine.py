"""The whole house beside the sandbox's exchange, where anything may happen in any order.

Hypothesis puts exits, taps, /stop, restarts and crashes, hand trades, square-offs, full disks, blind or
empty reads and every fault of a command and its answer into any order; the judge looks at every command,
fill, report and record. A failure prints the script that leads to it.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

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


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_the_same_ten_times_as_often_and_each_time_anew():
    """The same with chance of its own in every run: it looks where the other never looks."""
    run_state_machine_as_test(Machine, settings=settings(MACHINE, max_examples=2_000, derandomize=False))
