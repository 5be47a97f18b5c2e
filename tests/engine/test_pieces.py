"""Things that take more than one handling: a piece of one at a time, and each gets its turn."""

from __future__ import annotations

from engine.effects import Audit, GoOn
from engine.pieces import Pieces


class Thing:
    """Work of so many pieces, each of which says whose it was."""

    def __init__(self, name, pieces):
        self.name, self.left = name, pieces

    @property
    def unfinished(self):
        """Whether some are left."""
        return self.left > 0

    def go_on(self, _now_s):
        """Do one of them."""
        self.left -= 1
        return [Audit(self.name, {}), *([GoOn()] if self.left else [])]


def test_each_has_its_turn_until_it_is_done():
    """Three pieces of one and two of the other alternate; what has none is passed over."""
    pieces = Pieces(Thing("a", 3), Thing("nothing", 0), Thing("b", 2))
    done = []
    while pieces.unfinished:
        [effect] = pieces.next(0.0)
        done.append(effect.event)
    assert done == ["a", "b", "a", "b", "a"]
    assert pieces.next(0.0) == []
