"""Who was turned away is in the audit, whoever they are and however often they knock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.door import TOLD_APART, Door
from engine.effects import Audit
from engine.messages import Actor, Beat, BeatKind, TurnedAway
from engine.model import Mode
from tests.support.rig import Rig

MALLORY = Actor(666, 666, "Mallory")


def knock(what: str = "/exit", by: Actor = MALLORY, why: str = "stranger") -> TurnedAway:
    return TurnedAway(by, what, why)


def test_each_thing_that_is_wanted_is_a_line():
    """Who, from which chat, what, and why not."""
    rig = Rig(Mode.EXECUTE)
    handle = rig.monitor.handle
    first = handle(knock(), rig.now_s)
    second = handle(knock("the button p:all"), rig.now_s)
    data = {"by": "Mallory", "user": 666, "chat": 666, "what": "/exit", "why": "stranger"}
    assert first == [Audit("turned away", data)]
    assert second == [Audit("turned away", data | {"what": "the button p:all"})]


def test_the_same_knock_is_counted_until_the_minute_is_over():
    """One line at once, one with the number of the others; then it is news again."""
    rig = Rig(Mode.EXECUTE)
    for _ in range(5):
        rig.tell(knock())
    [line] = [
        effect
        for effect in rig.monitor.handle(Beat(BeatKind.HEALTH), rig.now_s)
        if isinstance(effect, Audit) and effect.event == "turned away"
    ]
    assert line.data["more"] == 4
    assert len(rig.monitor.handle(knock(), rig.now_s)) == 1


@given(st.lists(st.tuples(st.integers(1, 99), st.sampled_from(["/exit", "/stop", "words"]))))
def test_no_knock_is_lost_and_their_lines_are_bounded(knocks):
    """The lines add up to the knocks, and there are never more than two for each thing that is told apart."""
    door = Door()
    lines = [
        line for user, what in knocks for line in door.turned_away(knock(what, Actor(user, user, "x")), 0.0)
    ]
    lines += door.look()
    assert sum(line.data.get("more", 1) for line in lines) == len(knocks)
    assert len(lines) <= 2 * (TOLD_APART + 1)
    assert door.look() == []
