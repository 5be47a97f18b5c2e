"""A sync that finds nothing new: how little of the house it touches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import differences, groups, holdings
from engine.messages import Beat, BeatKind
from engine.model import Mode
from engine.readiness import Readiness
from engine.watch import Watchlist
from tests.engine.makers import condor
from tests.support.rig import Rig

POSITIONS = [replace(condor(), strategy_id=number) for number in range(1, 21)]
SYNC = Beat(BeatKind.SYNC)


@pytest.fixture
def touched(monkeypatch):
    """What is done for all positions together, or for one, by name."""
    counts = {}

    def count(place, name):
        plain, known = getattr(place, name), f"{getattr(place, '__name__', place)}.{name}"

        def counted(*args, **more):
            counts[known] = counts.get(known, 0) + 1
            return plain(*args, **more)

        monkeypatch.setattr(place, name, counted)

    count(groups, "listed")
    count(holdings, "opposed")
    count(holdings, "wish_list")
    count(differences, "recorded")
    count(Watchlist, "put")
    count(Readiness, "look")
    return counts


def test_a_sync_without_news_touches_no_position(touched):
    """The same rows and books half a minute later: nothing is grouped, armed, added up or planned."""
    rig = Rig(Mode.EXECUTE, *POSITIONS)
    assert touched["Watchlist.put"] == len(POSITIONS)
    rig.tell(SYNC)
    before = dict(touched)
    for _ in range(3):
        rig.now_s += 30
        rig.tell(SYNC)
    assert touched == before


def test_a_row_that_has_changed_touches_its_position_alone(touched):
    """One more lot of one leg is one position armed anew."""
    rig = Rig(Mode.EXECUTE, *POSITIONS)
    rig.tell(SYNC)
    before = dict(touched)
    rig.rows[0] = replace(rig.rows[0], quantity=2 * rig.rows[0].quantity)
    rig.tell(SYNC)
    assert touched["Watchlist.put"] == before["Watchlist.put"] + 1
    assert touched["Readiness.look"] > before["Readiness.look"]
    assert touched["engine.differences.recorded"] == before["engine.differences.recorded"] + 1
