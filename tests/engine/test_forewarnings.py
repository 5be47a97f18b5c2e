"""A jump beyond a stop is one message: the stop's own."""

from __future__ import annotations

import pytest

from engine.effects import Alert
from engine.model import Mode
from tests.engine.test_monitor import ENTRY, LOSS
from tests.support.rig import Rig

RULES = "[default]\nstop_loss_rupees = 1000\n"


def told(rig):
    """The texts that are about the loss."""
    return [a.text for a in rig.of(Alert) if "₹1,000.00" in a.text]


@pytest.mark.parametrize("mode", [Mode.EXECUTE, Mode.ALERT_ONLY])
def test_a_jump_beyond_the_stop_is_told_once(mode):
    """From a calm market to five times the stop: one message, of the stop, and no alert of the loss."""
    rig = Rig(mode, rules=RULES)
    rig.wait(3, *ENTRY)
    rig.wait(15, *LOSS)
    beyond = [text for text in told(rig) if "% of the way" not in text]
    assert ["is at or below the stop" in text for text in beyond] == [True]


def test_a_loss_beyond_a_stop_that_does_not_speak_is_told_after_all():
    """The stop wants a minute of confirmation: the loss is told within seconds, in words that make sense."""
    rig = Rig(Mode.EXECUTE, rules=RULES + "confirm_s = 60\n")
    rig.wait(3, *ENTRY)
    rig.wait(2, 20, 45, 55.6, 18)
    assert told(rig) == []
    rig.wait(5, 20, 45, 55.6, 18)
    assert told(rig) == ["Loss ₹1,014.00: beyond the stop loss rupees at −₹1,000.00."]
