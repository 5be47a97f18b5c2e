"""Parts that are closed once, wherever the process dies and whatever the store shows."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import date

import pytest

from engine.effects import Alert, Record, Settle
from engine.messages import Beat, BeatKind
from engine.model import Mode
from engine.paper import PaperExchange
from engine.sessions import at
from engine.watch import Memory
from tests.engine.makers import condors
from tests.support.parts import ENTRY, ONE, SCALING, THREE, TWO, held, memory, rig, verdicts, watched
from tests.support.rig import Rig


def test_on_paper_the_store_stays_and_the_part_is_gone_all_the_same_also_after_a_restart():
    """Simulate mode: the rows say four, the watch three."""
    made = rig(Mode.SIMULATE)
    made.wait(40, *ONE)
    assert [row.quantity for row in made.rows] == [260] * 4
    assert watched(made) == [3, -3, -3, 3]
    made.start()
    made.wait(1, *ONE)
    assert watched(made) == [3, -3, -3, 3]
    made.wait(40, *TWO)
    assert watched(made) == [2, -2, -2, 2]


def test_rows_that_the_owner_changes_afterwards_are_a_new_basis():
    """Two lots are left by hand after the part: what is there counts as entered, the rupees stay."""
    made = rig()
    made.wait(40, *ONE)
    brought = memory(made).realised_paise
    made.tell(Beat(BeatKind.SYNC))
    made.rows = [replace(row, quantity=130) for row in made.rows]
    made.exchange.hold(dict(zip((each.key for each in made.legs), (195, -195, -195, 195), strict=True)))
    made.tell(Beat(BeatKind.SYNC))
    made.wait(1, *ONE)
    assert watched(made) == [2, -2, -2, 2]
    assert (memory(made).open_share, memory(made).realised_paise) == ((2, 2), brought)
    (view,) = made.view.positions
    assert {t.threshold_paise for t in view.thresholds if t.rule == "profit_scaling"} == {305_500, 458_250}


def test_an_old_journal_knows_nothing_of_levels_and_loads():
    """Peaks of a version before this one are taken over."""
    old = {
        "peak_paise": 5, "trough_paise": -5, "alert_level": 0, "realised_paise": 0, "open_share": [1, 1],
        "warned_s": None,
    }  # fmt: skip
    assert Memory.from_json(old) == Memory(5, -5)


@pytest.mark.parametrize("half", range(0, 56, 2))
def test_a_restart_at_any_half_second_of_a_part_ends_the_same(half):
    """The level, its fills, its rows and its rupees are there once, wherever the process died."""
    made = rig()
    made.wait(half / 2, *ONE)
    made.start()
    made.wait(40, *ONE)
    assert held(made) == watched(made) == [3, -3, -3, 3]
    assert [row.quantity for row in made.rows] == [195] * 4
    assert memory(made).open_share == (3, 4)
    assert len(verdicts(made)) == 1
    assert [order.quantity for order in made.placed] == [65] * 4


class Died(Exception):
    """The process was killed."""


class Mortal(Rig):
    """Commits the records of a handling first, like the runner, and dies after so many other effects."""

    lives = 10**9

    def tell(self, message):
        todo = deque([message])
        while todo:
            effects = self.monitor.handle(todo.popleft(), self.now_s)
            for effect in sorted(effects, key=lambda effect: not isinstance(effect, Record | Settle)):
                if not isinstance(effect, Record | Settle):
                    self.lives -= 1
                answers = self.do(effect)
                if self.lives == 0:
                    raise Died
                todo.extend(answers)


def test_a_death_between_any_two_effects_of_a_part_ends_the_same():
    """Killed after the first, the second, the third ... effect, until one run gets through alive."""
    died, deaths = 1, 0
    while died:
        made = Mortal(Mode.EXECUTE, condors(4), rules=SCALING)
        made.wait(1, *ENTRY)
        made.lives = died
        try:
            made.wait(30, *ONE)
            died = 0
        except Died:
            died, deaths = died + 1, deaths + 1
            made.lives = 10**9
            made.start()
            made.wait(40, *ONE)
        assert held(made) == watched(made) == [3, -3, -3, 3]
        assert [row.quantity for row in made.rows] == [195] * 4
        assert (memory(made).open_share, len(verdicts(made))) == ((3, 4), 1)
        entry = dict(zip((each.key for each in made.legs), (2000, 4500, 4000, 1800), strict=True))
        assert memory(made).realised_paise == sum(
            -fill.side.sign * fill.quantity * (fill.price_paise - entry[fill.key])
            for fill in made.exchange.fills()
        )
    assert deaths > 40


def test_a_store_that_is_away_learns_of_the_parts_when_it_is_back():
    """Two parts and a restart without a single write: the rows are brought forward in order."""
    made = rig()
    rows = list(made.rows)
    made.wait(40, *ONE)
    made.wait(40, *TWO)
    made.rows = rows  # none of the writes has arrived
    made.start()
    assert watched(made) == [2, -2, -2, 2]
    assert [row.quantity for row in made.rows] == [130] * 4
    made.tell(Beat(BeatKind.SYNC))
    made.rows = rows  # now it is the owner who says so
    made.tell(Beat(BeatKind.SYNC))
    assert watched(made) == [4, -4, -4, 4]


def test_the_books_agree_after_every_part():
    """No alarm that store and broker differ, in any mode that trades."""
    for mode in (Mode.EXECUTE, Mode.SIMULATE):
        made = rig(mode)
        for mids in (ONE, TWO, THREE):
            made.wait(40, *mids)
            for _ in range(3):
                made.tell(Beat(BeatKind.SYNC))
        assert not [alert for alert in made.of(Alert) if alert.topic.startswith("mismatch")]


def test_a_part_closed_on_paper_yesterday_is_no_difference_today():
    """The paper books begin anew with the day: three of four are held, as they are watched."""
    made = rig(Mode.SIMULATE)
    made.wait(40, *ONE)
    made.now_s = at(date(2026, 2, 4), "09:20")
    made.start()
    made.exchange = PaperExchange()
    made.exchange.hold(made.monitor.holdings.reading.recorded_nets())
    made.wait(40, *TWO)
    assert held(made) == watched(made) == [2, -2, -2, 2]


def test_a_position_of_the_same_name_begins_its_life_anew():
    """Flat, and entered again after a restart: nothing is realised, every level may act."""
    made = rig(lots=2)
    made.wait(40, *ONE)
    made.wait(40, *TWO)
    assert made.flat
    made.rows = [replace(row, id=row.id + 10) for row in rig(lots=2).rows]
    made.exchange.hold({each.key: 2 * each.quantity for each in made.legs})
    made.start()
    made.wait(2, *ENTRY)
    assert memory(made) == replace(Memory(), peak_paise=0, trough_paise=0, open_share=(2, 2))


def test_a_part_that_the_bell_interrupts_goes_on_next_morning():
    """Nothing is filled before the close: next day the same part is closed, not another."""
    made = Rig(Mode.EXECUTE, condors(4), rules=SCALING, now_s=at(date(2026, 2, 3), "15:29") + 50)
    made.wait(1, *ENTRY)
    made.wait(2, *ONE)
    made.now_s = at(date(2026, 2, 3), "15:31")
    made.tell(Beat(BeatKind.SESSION_CLOSE))
    for order in made.exchange.orders():  # day orders die with the day
        made.exchange.cancel(order.order_id)
    made.now_s = at(date(2026, 2, 4), "09:15")
    made.tell(Beat(BeatKind.SYNC))
    made.wait(60, *ONE)
    assert held(made) == watched(made) == [3, -3, -3, 3]
