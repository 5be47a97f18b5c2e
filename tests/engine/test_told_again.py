"""What needs a person is told again after a restart: the process that saw it may have died unheard."""

from __future__ import annotations

import pytest

from engine.effects import Alert
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, OrderUpdate, Wish
from engine.model import Mode, Urgency
from tests.engine.makers import quote
from tests.support.rig import Rig

#: Mids of the condor's legs at entry, rupees.
ENTRY = (20, 45, 40, 18)


def stuck():
    """All of an exit is filled, and the broker goes on showing what was held."""
    made = Rig(Mode.EXECUTE)
    made.wait(1, *ENTRY)
    made.command(confirmed=True)
    made.exchange.hold({leg.key: 2 * leg.quantity for leg in made.legs})
    made.wait(120, *ENTRY)
    return made


def half_closed():
    """The shorts are bought back, then somebody says /stop."""
    made = Rig(Mode.EXECUTE)
    made.wait(1, *ENTRY)
    made.command(confirmed=True)
    for index in (1, 2):
        for row in made.exchange.quote(quote(made.legs[index].key, ENTRY[index], ENTRY[index])):
            made.tell(OrderUpdate(row))
    made.command(Wish.STOP)
    made.wait(10)
    return made


def told_after_a_restart(made):
    """Topics of the HIGH alerts that a new process raises in its first minute, without the exit's id."""
    made.said.clear()
    made.start()
    for _ in range(60):
        made.now_s += 1
        made.tell(Beat(BeatKind.PULSE))
    return [alert.topic.split(":")[0] for alert in made.of(Alert) if alert.urgency is Urgency.HIGH]


@pytest.mark.parametrize(
    ("make", "state", "topics"),
    [(stuck, IntentState.STUCK, ["stuck"]), (half_closed, IntentState.ABORTED, ["half"])],
)
def test_an_exit_that_stands_open_is_told_again_once_by_a_new_process(make, state, topics):
    """Its alert may have died with the process that recorded it: each new process says it, one time."""
    made = make()
    (intent,) = made.monitor.desk.intents.values()
    assert intent.state is state
    assert told_after_a_restart(made) == topics
    assert told_after_a_restart(made) == topics


def test_an_exit_that_is_verified_flat_is_not_told_again():
    """What is over needs nobody."""
    made = Rig(Mode.EXECUTE)
    made.wait(1, *ENTRY)
    made.command(confirmed=True)
    made.wait(60, *ENTRY)
    (intent,) = made.monitor.desk.intents.values()
    assert intent.state is IntentState.FLAT
    assert told_after_a_restart(made) == []
