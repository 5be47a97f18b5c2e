"""A thousand positions at a start: put under watch a few at a time, and judged when all of them are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.drawing import picture
from engine.effects import Alert, Audit, GoOn, QueryQuotes, Record, Subscribe
from engine.intake import KEPT_AT_ONCE, WATCHED_AT_ONCE
from engine.io import tables
from engine.judging import JUDGED_AT_ONCE
from engine.messages import (
    Beat,
    BeatKind,
    Further,
    InstrumentsLoaded,
    RulesChanged,
    Ticks,
    TradesLoaded,
)
from engine.model import Mode
from engine.monitor import Monitor, MonitorConfig
from engine.watch import Watchlist
from engine.watch.watched import Watched
from tests.engine.makers import OPENED, condor, quote
from tests.support.rig import rows_of

NUMBER = 3 * WATCHED_AT_ONCE - 4
POSITIONS = [replace(condor(), strategy_id=number) for number in range(1, NUMBER + 1)]
INSTRUMENTS = {leg.key: leg.instrument for leg in condor().legs}
MIDS = (20, 45, 40, 18)


def rows(positions):
    """The rows of these, each position's with ids of its own."""
    return tuple(row for one in positions for row in rows_of(one, 10 * one.strategy_id))


class House:
    """A monitor that is told one message at a time; what it wants to go on with is not said by itself."""

    def __init__(self, positions=POSITIONS):
        self.monitor = Monitor(
            MonitorConfig(Mode.EXECUTE, "default", sandbox=False, seed=b"0123456789abcdef"),
            tables.calendar(),
            Watchlist(tables.calendar(), tables.rulebook(), charges=tables.charges()),
        )
        self.done = []
        self.tell(Beat(BeatKind.SYNC))
        self.tell(TradesLoaded(rows(positions)))

    def tell(self, message):
        """Whether it wants to go on."""
        effects = self.monitor.handle(message, OPENED)
        self.done += effects
        return GoOn() in effects

    def go_on(self):
        """Say so until it has done all; how often."""
        turns = 1
        while self.tell(Further()):
            turns += 1
        return turns

    @property
    def watched(self):
        """How many positions are watched."""
        return len(self.monitor.holdings.positions)

    def prices(self):
        """A quote of every contract."""
        for part, mid in zip(condor().legs, MIDS, strict=True):
            self.tell(Ticks([quote(part.key, mid - 0.05, mid + 0.05)]))

    def seen(self):
        """The picture, what is recorded and what was told to the feed."""
        self.prices()
        kept = [e for e in self.done if isinstance(e, Record | Subscribe | Audit | QueryQuotes)]
        return picture(self.monitor, OPENED).positions, kept


def at_once(positions=POSITIONS):
    """A house in which one position came after the other, each armed in one piece."""
    house = House(positions[:1])
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    for number in range(2, len(positions) + 1):
        assert not house.tell(TradesLoaded(rows(positions[:number])))
    return house


def test_nobody_is_judged_before_all_are_watched(monkeypatch):
    """Eight at a time, twenty in three turns; until the last neither prices nor a pulse bring a judgement."""
    judged, judge = [], Watched.judge

    def counted(watched, *more):
        judged.append(watched.position.id)
        return judge(watched, *more)

    monkeypatch.setattr(Watched, "judge", counted)
    house = House()
    assert house.tell(InstrumentsLoaded(INSTRUMENTS))
    assert not house.watched
    for turn in (1, 2):
        assert house.tell(Further())
        assert house.watched == turn * WATCHED_AT_ONCE
        house.prices()
        house.tell(Beat(BeatKind.PULSE))
        assert not house.monitor.holdings.intake.loaded
        assert not [effect for effect in house.done if isinstance(effect, Subscribe)]
        assert not judged
    house.tell(Further())
    assert house.watched == NUMBER
    assert house.monitor.holdings.intake.loaded
    house.tell(Beat(BeatKind.PULSE))
    house.go_on()
    assert sorted(judged) == sorted(house.monitor.holdings.positions)


def test_who_came_in_turns_is_watched_as_if_he_had_come_alone():
    """The same picture, and the same contracts on record."""
    house, other = House(), at_once()
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    house.go_on()
    (seen, kept), (theirs, kept_there) = house.seen(), other.seen()
    assert seen == theirs
    assert {e.key: e.value for e in kept if isinstance(e, Record)} == {
        e.key: e.value for e in kept_there if isinstance(e, Record)
    }


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_rows_that_change_meanwhile_are_watched_as_they_are_now(turns):
    """One position has twice as much, one has gone, one is new: what no longer fits is made anew."""
    house = House()
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    for _ in range(turns):
        house.tell(Further())
    first, _gone, *rest = POSITIONS
    twice = replace(first, legs=tuple(replace(leg, quantity=2 * leg.quantity) for leg in first.legs))
    now = [twice, *rest, replace(condor(), strategy_id=NUMBER + 1)]
    assert not house.tell(TradesLoaded(rows(now))), "it is under way already"
    house.go_on()
    assert house.seen()[0] == at_once(now).seen()[0]


def test_rows_that_go_before_the_others_are_watched_are_gone_with_them():
    """Whatever had not come to its turn yet is closed: the others stay, and it is over."""
    house = House()
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    house.tell(Further())
    assert not house.tell(TradesLoaded(rows(POSITIONS[:WATCHED_AT_ONCE])))
    house.go_on()
    assert house.seen()[0] == at_once(POSITIONS[:WATCHED_AT_ONCE]).seen()[0]


def test_rows_that_are_all_gone_end_it():
    """The store says it three times: then it is believed, though they were being put under watch."""
    house = House()
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    house.tell(Further())
    for _ in range(3):
        assert house.monitor.holdings.positions
        house.tell(TradesLoaded(()))
    house.go_on()
    assert house.monitor.holdings.intake.loaded
    assert not house.watched
    assert not house.monitor.watch.keys()


def test_rules_that_change_meanwhile_arm_all_of_them():
    """Those that are watched already too."""
    house = House()
    book = tables.rulebook("[default]\nstop_loss = -0.2\n")
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    house.tell(Further())
    house.tell(RulesChanged(book, "rules.toml", "v2"))
    house.go_on()
    assert house.watched == NUMBER
    for name in house.monitor.holdings.positions:
        assert (
            house.monitor.watch.guard(name).ruleset.rules["stop_loss"]
            == book.rules_for("", "").rules["stop_loss"]
        )


def test_a_word_to_go_on_that_comes_too_late_changes_nothing():
    """Somebody has grouped in between, or nothing was left to do."""
    house = House()
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    house.go_on()
    before = len(house.done)
    assert not house.tell(Further())
    assert house.done[before:] == []


def test_of_many_whose_time_has_come_so_many_are_judged_in_one_handling(monkeypatch):
    """Sixty take their first look at a pulse: five in it and five in each further turn, each once."""
    judged, judge = [], Watched.judge

    def counted(watched, *more):
        judged.append(watched.position.id)
        return judge(watched, *more)

    monkeypatch.setattr(Watched, "judge", counted)
    many = [replace(condor(), strategy_id=number) for number in range(1, 61)]
    house = House(many)
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    house.go_on()
    judged.clear()
    assert house.tell(Beat(BeatKind.PULSE))
    assert len(judged) == JUDGED_AT_ONCE == 5
    while len(judged) < len(many):
        before = len(judged)
        assert house.tell(Further())
        assert len(judged) == before + JUDGED_AT_ONCE
    house.go_on()
    assert len(judged) == len(set(judged)) == len(many)


def test_the_journal_hears_of_many_positions_one_after_the_other():
    """All are watched soon; that it is told takes its turns, each line once."""
    many = [replace(condor(), strategy_id=number) for number in range(1, KEPT_AT_ONCE + 1)]
    house = House(many)
    assert house.tell(InstrumentsLoaded(INSTRUMENTS))
    sizes = []
    while True:
        before = len(house.done)
        more = house.tell(Further())
        sizes.append(sum(map(told_late, house.done[before:])))
        if not more:
            break
    assert max(sizes) == KEPT_AT_ONCE
    assert sum(sizes) == 2 * len(many)
    late = [effect for effect in house.done if told_late(effect)]
    told = [effect.data["position"] for effect in late if isinstance(effect, Audit)]
    learnt = [effect.key for effect in late if isinstance(effect, Record)]
    assert sorted(told) == sorted(learnt) == sorted(house.monitor.holdings.positions)


def test_news_of_a_contract_never_comes_before_older_words_about_it():
    """A position that goes while the journal is yet to hear of it is forgotten last."""
    many = [replace(condor(), strategy_id=number) for number in range(1, KEPT_AT_ONCE * 3 // 2 + 1)]
    house = House(many)
    house.tell(InstrumentsLoaded(INSTRUMENTS))
    while not house.monitor.holdings.intake.loaded:
        house.tell(Further())
    gone = many.pop(KEPT_AT_ONCE)
    for _ in range(2):  # what has gone is forgotten by the next grouping
        house.tell(TradesLoaded(rows(many)))
    house.go_on()
    heard = [e.value["legs"] for e in house.done if isinstance(e, Record) and e.key == gone.id]
    assert [bool(legs) for legs in heard] == [True, False]


def told_late(effect):
    """Whether it may wait for its turn at the journal."""
    if isinstance(effect, Audit):
        return effect.event == "position taken over"
    return isinstance(effect, Record) and effect.kind == "contracts" and bool(effect.value["legs"])


@pytest.mark.parametrize("loaded", [False, True])
def test_an_empty_answer_is_not_believed_before_its_rows_are_watched_either(loaded):
    """The rows wait for the master, or are being prepared: two empty answers drop nothing; the third does."""
    house = House()
    if loaded:
        assert house.tell(InstrumentsLoaded(INSTRUMENTS))
    for _ in range(2):
        house.tell(TradesLoaded(()))
        assert "No open rows in the trade store" in {e.title for e in house.done if isinstance(e, Alert)}
        assert house.monitor.holdings.expects_rows
    (house.tell(Further()) if loaded else house.tell(InstrumentsLoaded(INSTRUMENTS)))
    house.go_on()
    assert house.watched == NUMBER
    house = House()
    for _ in range(3):
        house.tell(TradesLoaded(()))
    assert not house.monitor.holdings.expects_rows
