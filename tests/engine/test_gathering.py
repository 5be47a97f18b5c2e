"""Many positions looked at a few at a time, each once."""

from __future__ import annotations

from engine.gathering import GATHERED_AT_ONCE, Gathering


def test_each_is_looked_at_once_and_at_the_moment_of_its_turn():
    """So many in one piece; who is not held any more when its turn comes is left out."""
    seen = []

    def look(name, now_s):
        seen.append(name)
        return now_s

    names = list(range(2 * GATHERED_AT_ONCE + 1))
    gathering = Gathering(look)
    gathering.begin(names)
    held, now_s = {*names} - {names[-1]}, 0.0
    while gathering.go_on(held, now_s):
        assert len(seen) <= (now_s + 1) * GATHERED_AT_ONCE
        now_s += 1
    assert gathering.under_way
    found = gathering.take()
    assert not gathering.under_way
    assert seen == names[:-1] == list(found)
    assert found[0] == 0.0
    assert found[GATHERED_AT_ONCE] == 1.0


def test_what_was_gathered_is_gone_when_it_is_taken():
    """The next look begins anew."""
    gathering = Gathering(lambda name, _now_s: name)
    gathering.begin(["a"])
    gathering.go_on({"a"}, 0.0)
    assert gathering.take() == {"a": "a"}
    gathering.begin([])
    assert not gathering.go_on({"a"}, 0.0)
    assert gathering.take() == {}
