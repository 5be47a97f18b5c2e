"""The machine over several days, under a lease that others may take, with hands that add to a position."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from engine.tenure import Tenure
from engine.tuning import Tuning
from tests.properties.test_broken_monitors import hunt
from tests.properties.test_machine import MACHINE
from tests.support.sea.nights import Nights


class Stepwise(Nights):
    """Lot by lot, with orders that fill at once or not at all."""

    tuning = Tuning(batch_lots=1, ioc=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("machine", [Nights, Stepwise])
def test_over_nights_and_changes_of_the_owner_the_invariants_hold_and_every_exit_ends(machine):
    """Fifty happenings in any order; nothing leaves while the account is somebody else's."""
    run_state_machine_as_test(machine, settings=settings(MACHINE, max_examples=25))


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", [Nights, Stepwise])
def test_over_nights_ten_times_as_often(machine):
    """The same with chance of its own in every run."""
    run_state_machine_as_test(machine, settings=settings(MACHINE, max_examples=400, derandomize=False))


def test_a_monitor_that_sends_whoever_owns_the_account_breaks_invariant_4(monkeypatch):
    """It never asks itself whether the lease is still its own."""
    monkeypatch.setattr(Tenure, "why", lambda _self, _now_s: "")
    hunt(4, Nights)
