"""The test of the test: monitors with one bad habit each, which the machine must see fail, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from engine import plan
from engine.blotter import Blotter
from engine.broker_nouns import BrokerPosition
from engine.ledger import Ledger
from engine.messages import Refused, Unknown
from tests.properties.test_machine import MACHINE, InBatches
from tests.support.sea.machine import Machine

#: The first failure is enough, and ends the hunt; nobody reads the shortest script to it.
HUNT = settings(MACHINE, max_examples=1_000, phases=[Phase.generate], report_multiple_bugs=False)


def hunt(invariant, machine=Machine):
    """Run a machine until it fails, which it must, by this invariant.

    So broken a monitor may also never come to an end, which is judged last and is not what is hunted.
    """
    named = f"invariant {invariant}:"

    def teardown(self):
        try:
            machine.teardown(self)
        except AssertionError as failure:
            if str(failure).startswith(named):
                raise

    hunter = type("Hunter", (machine,), {"teardown": teardown})
    with pytest.raises(AssertionError, match=f"^{named}"):
        run_state_machine_as_test(hunter, settings=HUNT)


def test_a_monitor_that_sends_again_when_an_answer_is_lost_breaks_invariant_5(monkeypatch):
    """It takes no answer for a refusal."""
    placed = Blotter._placed

    def hasty(self, order, news, now_s):
        if isinstance(news.outcome, Unknown):
            news = replace(news, outcome=Refused("NOT-SENT", "not sent"))
        return placed(self, order, news, now_s)

    monkeypatch.setattr(Blotter, "_placed", hasty)
    hunt(5)


@pytest.mark.parametrize("machine", [Machine, InBatches])
def test_a_monitor_that_sells_its_longs_first_breaks_invariant_3(monkeypatch, machine):
    """It has the order of the legs the wrong way round, in all it does or in every batch."""

    def turned(*what):
        legs = [replace(leg, rank=1 - leg.rank) for leg in plan.plan_exit(*what)]
        return sorted(legs, key=lambda leg: leg.rank)

    monkeypatch.setattr("engine.starts.plan_exit", turned)
    hunt(3, machine)


def test_a_monitor_that_does_not_wait_for_all_shorts_of_a_batch_breaks_invariant_3(monkeypatch):
    """It takes a batch of shorts for bought back when one of them is."""
    monkeypatch.setattr("engine.batches.all", any, raising=False)
    hunt(3, InBatches)


def test_a_monitor_that_trusts_an_empty_answer_breaks_invariant_7(monkeypatch):
    """What the broker does not list it takes for flat."""
    row = Ledger.row

    def trusting(self, leg):
        return row(self, leg) or (self.report and BrokerPosition(leg.key, leg.product, 0))

    monkeypatch.setattr(Ledger, "row", trusting)
    hunt(7)
