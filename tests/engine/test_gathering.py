"""Many positions looked at a few at a time, each once."""

from __future__ import annotations

from engine.gathering import GATHERED_AT_ONCE, Gathering
from engine.model import position_id
from engine.watch import Standing

NAMES = [position_id("default", number) for number in range(2 * GATHERED_AT_ONCE + 1)]


def stands(name, now_s):
    """A position that was looked at then."""
    return Standing(name, now_s, 0, 0)


def test_each_is_looked_at_once_and_at_the_moment_of_its_turn():
    """So many in one piece; who is not held any more when its turn comes is left out."""
    seen = []

    def look(name, now_s):
        seen.append(name)
        return stands(name, now_s)

    gathering = Gathering(look)
    gathering.begin(NAMES)
    held, turns = {*NAMES} - {NAMES[-1]}, 0
    while gathering.go_on(held, float(turns)):
        turns += 1
        assert len(seen) <= turns * GATHERED_AT_ONCE
    found = gathering.take()
    assert seen == NAMES[:-1] == list(found)
    assert [found[NAMES[n]].opened_at_s for n in (0, GATHERED_AT_ONCE)] == [0.0, 1.0]


def test_what_was_gathered_is_gone_when_it_is_taken():
    """It is under way from its beginning until then; the next look begins anew."""
    gathering = Gathering(stands)
    ways = [gathering.under_way]
    gathering.begin(NAMES[:1])
    gathering.go_on(NAMES, 0.0)
    ways.append(gathering.under_way)
    assert gathering.take() == {NAMES[0]: stands(NAMES[0], 0.0)}
    ways.append(gathering.under_way)
    gathering.begin([])
    assert not gathering.go_on(NAMES, 0.0)
    assert gathering.take() == {}
    assert ways == [False, True, False]


def test_what_has_ended_is_not_told_of():
    """Somebody new may come by its name before the others were looked at."""
    gathering = Gathering(stands)
    gathering.begin(NAMES[:2])
    gathering.go_on(NAMES, 0.0)
    gathering.forget(NAMES[0])
    gathering.forget(NAMES[-1])
    assert list(gathering.take()) == [NAMES[1]]
