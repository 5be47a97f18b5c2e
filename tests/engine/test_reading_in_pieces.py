"""A reading with many news in a house that watches already: worked in by and by, never seen half."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.effects import Alert, GoOn, QueryBroker
from engine.limits import Limits
from engine.messages import Beat, BeatKind, Further, InstrumentsLoaded, TradesLoaded
from engine.model import Mode
from tests.engine.makers import condor
from tests.support.rig import Rig, rows_of

NUMBER = 7
POSITIONS = [replace(condor(), strategy_id=number) for number in range(1, NUMBER + 1)]
RULES = '[default]\nstop_loss = "off"\nprofit_target = "off"\nstop_loss_rupees = 2000\n'
ENTRY, DOWN = (20, 45, 40, 18), (20, 95, 40, 18)
#: Nine tenths of the way to the stop.
WARNED = (20, 72, 40, 18)


@pytest.fixture(autouse=True, params=[200, 3], ids=["small house", "large house"])
def _pieces(request, monkeypatch):
    """Two positions in one piece, three strategies; in a large house a look at all is a piece of its own."""
    monkeypatch.setattr("engine.intake.GROUPED_AT_ONCE", 3)
    monkeypatch.setattr("engine.intake.WATCHED_AT_ONCE", 2)
    monkeypatch.setattr("engine.intake.LARGE", request.param)


class House(Rig):
    """A house that goes on only when it is told to, once it has begun."""

    slow = False

    def ask_the_world(self, effect):
        """As always; but what wants to go on waits."""
        return [] if self.slow and isinstance(effect, GoOn) else super().ask_the_world(effect)

    def store(self, positions):
        """The store says these now, and the broker holds as much."""
        self.slow, self.positions = True, tuple(positions)
        self.rows = [row for one in positions for row in rows_of(one, 10 * one.strategy_id)]
        nets = dict.fromkeys(self.net, 0)
        for leg in self.legs:
            nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        self.exchange.hold(nets)

    def read(self):
        """The store is read."""
        self.tell(TradesLoaded(tuple(self.rows)))

    def go_on(self, pieces=99):
        """So many more of them, or all."""
        while pieces and self.monitor.holdings.intake.unfinished:
            pieces -= 1
            self.tell(Further())

    def half(self):
        """As many pieces as it takes until some positions are those of the new reading, and some are not."""
        while not (self.changed and self.monitor.holdings.intake._due):
            assert self.monitor.holdings.intake.unfinished
            self.go_on(1)
        assert len(self.changed) < len(self.positions)

    @property
    def held(self):
        """Units of the first leg of each position that is watched."""
        return {p.strategy_id: p.legs[0].quantity for p in self.monitor.holdings.positions.values()}

    @property
    def changed(self):
        """The positions that are twice as large already."""
        return [number for number, units in self.held.items() if units == 130]


class Starting(House):
    """A house whose broker's books come when somebody hands them in."""

    slow, asked = True, 0

    def ask_the_world(self, effect):
        """As always; but which report is asked for is only noted."""
        if isinstance(effect, QueryBroker):
            self.asked = effect.request
            return []
        return super().ask_the_world(effect)


def doubled(positions=POSITIONS):
    """Each of them twice as large."""
    return [
        replace(one, legs=tuple(replace(leg, quantity=2 * leg.quantity) for leg in one.legs))
        for one in positions
    ]


def renamed():
    """Each of them under another strategy's name, its legs as they were."""
    return [replace(one, strategy="Renamed") for one in POSITIONS]


def house(rules=RULES):
    """A house that watches all of them, quoted at entry."""
    made = House(Mode.EXECUTE, *POSITIONS, rules=rules)
    made.store(POSITIONS)
    made.read()
    made.go_on()
    made.wait(1, *ENTRY * NUMBER)
    made.go_on()
    return made


def test_everybody_is_watched_on_while_the_others_are_worked_in():
    """All seven stand at each moment, whole: as they were, or as they are."""
    made = house()
    made.store(doubled())
    made.read()
    while made.monitor.holdings.intake.unfinished:
        assert sorted(made.held) == list(range(1, NUMBER + 1))
        for position in made.monitor.holdings.positions.values():
            units = {abs(leg.quantity) for leg in position.legs}
            assert len(units) == 1
            assert units <= {65, 130}
        made.go_on(1)
    assert len(made.changed) == NUMBER
    assert not [alert for alert in made.of(Alert) if "gone" in alert.title.lower()]


def test_no_stop_acts_by_rows_that_are_known_to_be_old():
    """It is met while half of the reading waits: who is behind is brought up to date, and judged again."""
    made = house()
    made.store(doubled())
    made.read()
    made.half()
    for _ in range(20):
        made.wait(0.5, *DOWN * NUMBER)
    intents = list(made.monitor.desk.intents.values())
    assert len({intent.position for intent in intents}) == NUMBER
    assert {abs(units) for one in intents for leg in one.legs for units in leg.rows.values()} == {130}


def all_are_due(positions):
    """A house in which all have been warned, and nobody is brought up to date yet."""
    made = house()
    made.wait(3, *WARNED * NUMBER)
    made.store(positions)
    made.read()
    while not made.monitor.holdings.intake._due:
        made.go_on(1)
    return made


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("positions", ["renamed", "doubled"])
def test_no_stop_is_lost_that_was_met_while_its_rows_waited(positions, finished):
    """A rule says it once: that holds where only a name is new; with other legs it is asked anew."""
    made = all_are_due(renamed() if positions == "renamed" else doubled())
    for _ in range(20):
        made.wait(0.5, *DOWN * NUMBER)
    if finished:
        made.go_on()
        made.wait(3, *DOWN * NUMBER)
    assert {intent.position for intent in made.monitor.desk.intents.values()} == {p.id for p in POSITIONS}


def test_no_warning_is_lost_that_came_while_rows_waited():
    """A loss on the way to its stop is told of each of them, though each is brought up to date just then."""
    made = house()
    made.store(renamed())
    made.read()
    while not made.monitor.holdings.intake._due:
        made.go_on(1)
    made.said.clear()
    made.wait(3, *WARNED * NUMBER)
    made.go_on()
    assert len([alert for alert in made.of(Alert) if "loss" in alert.topic]) == NUMBER


def test_books_that_come_while_the_first_positions_are_put_under_watch_are_compared_with_them():
    """As soon as all are there: what the broker holds less of is known before a rule may act on it."""
    made = Starting(Mode.EXECUTE, *POSITIONS, rules=RULES)
    made.exchange.hold({**made.net, made.legs[0].key: 65})
    while not made.monitor.watch.filling:
        made.go_on(1)
    made.tell(made.report(made.asked))
    made.go_on()
    assert made.monitor.holdings.intake.whole
    assert made.monitor.helm.differences._seen


def test_books_are_compared_too_when_a_stop_has_worked_in_the_last_rows(monkeypatch):
    """They came while some were due, and no turn has come since; they are not forgotten."""
    monkeypatch.setattr("engine.intake.GROUPED_AT_ONCE", NUMBER)
    monkeypatch.setattr("engine.intake.LARGE", 200)
    made = house()
    made.store(doubled())
    made.exchange.hold({**made.net, made.legs[0].key: 65})
    made.read()
    assert made.monitor.holdings.intake._due
    made.tell(Beat(BeatKind.SYNC))
    made.tell(made.report(made.monitor.desk.blotter.ledger.report.request + 1))
    while made.monitor.holdings.intake._due:
        made.wait(0.5, *DOWN * NUMBER)
    assert made.monitor.holdings.intake.rejoined
    made.tell(Further())
    assert made.monitor._followed._put_off is None


def test_a_command_is_about_the_newest_rows_of_all():
    """What is left is worked in before it is heard, the position that it names and those that are new."""
    made = house()
    last, new = POSITIONS[-1], replace(condor(), strategy_id=NUMBER + 1)
    made.store(doubled([*POSITIONS, new]))
    made.read()
    made.half()
    made.command(strategy_id=last.strategy_id, confirmed=True)
    assert made.monitor.holdings.intake.whole
    assert sorted(made.changed) == list(range(1, NUMBER + 2))
    [intent] = made.monitor.desk.intents.values()
    assert {abs(units) for leg in intent.legs for units in leg.rows.values()} == {130}


@pytest.mark.parametrize("agrees", [True, False])
def test_the_brokers_books_are_held_against_all_of_a_reading(agrees):
    """Read in the middle of it they say nothing of a half; after the last piece what differs is told."""
    made = house()
    made.store(doubled())
    if not agrees:
        made.exchange.hold({**made.net, made.legs[0].key: 65})
    made.read()
    made.half()
    made.said.clear()
    made.tell(Beat(BeatKind.SYNC))
    made.now_s += 60
    made.tell(made.report(made.monitor.desk.blotter.ledger.report.request + 1))
    assert not made.monitor.helm.differences._seen
    made.go_on()
    assert bool(made.monitor.helm.differences._seen) is not agrees


def test_a_day_limit_waits_for_the_last_piece_and_not_for_the_next_pulse(monkeypatch):
    """Nobody adds up positions of two readings; as soon as they are of one, the day is judged."""
    made = house(RULES + "[account.default]\nday_loss_rupees = 900000\n")
    judged, plain = [], Limits._judge_all

    def noted(limits, by_account, *more):
        judged.extend(len(positions) for positions in by_account.values())
        return plain(limits, by_account, *more)

    monkeypatch.setattr(Limits, "_judge_all", noted)
    made.store(doubled())
    made.read()
    made.half()
    made.tell(Beat(BeatKind.PULSE))
    assert not judged
    while not made.monitor.holdings.intake.whole:
        assert not judged
        made.go_on(1)
    assert judged == [NUMBER]


def test_a_position_that_is_closed_meanwhile_does_not_come_back():
    """Its exit ends while a reading that still lists it is worked out: its rows are closed, and so is it."""
    made = house()
    made.command(strategy_id=NUMBER, confirmed=True)
    made.rows = [row for one in doubled(POSITIONS[:-1]) for row in rows_of(one, 10 * one.strategy_id)]
    made.rows += rows_of(POSITIONS[-1], 10 * NUMBER)
    made.read()
    made.wait(30, *ENTRY * NUMBER)
    assert not made.changed
    made.go_on()
    assert sorted(made.held) == made.changed == list(range(1, NUMBER))


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["double", "gone", "back", "swap", "master"]),
        st.integers(0, NUMBER),
        st.integers(0, 4),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_in_pieces_it_ends_as_it_would_at_once(steps):
    """Readings and masters come while others are being worked in: in the end it is the last of them."""
    made = house()
    now = dict(enumerate(POSITIONS))
    for what, which, pieces in steps:
        if what == "double" and which in now:
            [now[which]] = doubled([now[which]])
        elif what == "gone" and len(now) > 1:
            now.pop(which, None)
        elif what == "back":
            now[which] = replace(condor(), strategy_id=which + 1)
        elif what == "swap":
            now = {number: replace(one, legs=one.legs[::-1]) for number, one in now.items()}
        stands = made.monitor.holdings.positions.keys() & {one.id for one in now.values()}
        made.store(list(now.values()))
        if what == "master":
            made.tell(InstrumentsLoaded({leg.key: replace(leg.instrument) for leg in condor().legs}))
        made.read()
        made.go_on(pieces)
        assert made.monitor.holdings.positions.keys() >= stands
    for _ in range(2):  # what has gone is forgotten by the next reading, should it come back with it
        made.go_on()
        made.read()
    fresh = House(Mode.EXECUTE, *now.values(), rules=RULES)
    fresh.store(list(now.values()))
    fresh.read()
    fresh.go_on()
    assert {(p.id, p.legs) for p in made.monitor.holdings.positions.values()} == {
        (p.id, p.legs) for p in fresh.monitor.holdings.positions.values()
    }
    assert made.monitor.holdings.subscribed == fresh.monitor.holdings.subscribed
    assert made.monitor.watch.keys() == fresh.monitor.watch.keys()
    contracts = {key for key, value in made.journal["contracts"].items() if value["legs"]}
    assert contracts == set(made.monitor.holdings.positions)
