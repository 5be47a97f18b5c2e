"""/snooze in a whole monitor: what is not told meanwhile, what is, and what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Alert, Audit, Card, Say
from engine.messages import Beat, BeatKind, Command, Ticks, Wish
from engine.model import Mode, Urgency
from tests.engine.makers import SPOT, condor, traded
from tests.support.rig import OWNER, Rig

#: Mids of the condor's legs, rupees: at entry, half, two thirds and four fifths of the way to its stop.
ENTRY = (20, 45, 40, 18)
HALF = (18, 40, 85, 20)
TWO_THIRDS = (18, 40, 94, 20)
FOUR_FIFTHS = (18, 40, 108, 20)


class Ears(Rig):
    """A rig that keeps the audit too, and shows the underlying."""

    def __init__(self, *args, **kwargs):
        self.audit = []
        super().__init__(*args, **kwargs)

    def do(self, effect):
        if isinstance(effect, Audit):
            self.audit.append(effect)
        return super().do(effect)

    def snooze(self, text, strategy_id=3359):
        """Somebody writes it; the answer."""
        self.tell(Command(Wish.SNOOZE, OWNER, strategy_id, value=text))
        return self.of(Say)[-1].text

    def index(self, rupees):
        """The underlying trades at this price."""
        self.tell(Ticks([traded(SPOT, rupees)]))

    @property
    def told(self):
        """Urgency and title of the alerts of the position."""
        return [(alert.urgency, alert.title) for alert in self.of(Alert) if alert.position == "default/3359"]


def watched(mode=Mode.ALERT_ONLY):
    """A monitor that watches the condor and has told what it had to."""
    rig = Ears(mode)
    rig.wait(1, *ENTRY)
    rig.said.clear()
    return rig


def test_unsnoozed_the_way_to_the_stop_is_told_step_by_step():
    """What the tests below silence is there."""
    rig = watched()
    rig.wait(2, *HALF)
    rig.wait(2, *TWO_THIRDS)
    assert [urgency for urgency, _ in rig.told] == [Urgency.NORMAL, Urgency.MEDIUM]


def test_normal_and_medium_are_silent_and_high_never_is():
    """Two steps are counted, the third rings; when the time is over, the word says what was held back."""
    rig = watched()
    assert rig.snooze("30").startswith("3359 NIFTY Iron Condor: quiet until ")
    rig.wait(2, *HALF)
    rig.wait(2, *TWO_THIRDS)
    assert rig.told == []
    rig.wait(2, *FOUR_FIFTHS)
    assert [urgency for urgency, _ in rig.told] == [Urgency.HIGH]
    rig.now_s += 1_800
    rig.wait(1, *FOUR_FIFTHS)
    over = rig.of(Alert)[-1]
    assert (over.urgency, over.title) == (Urgency.NORMAL, "A snooze is over")
    assert "Its time is over. Its alerts are told again. Held back: " in over.text
    assert rig.view.positions[0].snooze == ""


def test_it_wakes_when_the_position_is_so_much_worse():
    """₹2,000 below what it was: aloud, and what came meanwhile is named."""
    rig = watched()
    rig.snooze("60 2000")
    assert "₹2,000.00 worse (P&L −₹2,000.00)" in rig.view.positions[0].snooze
    rig.wait(2, *HALF)
    over = rig.of(Alert)[-1]
    assert (over.urgency, over.title) == (Urgency.MEDIUM, "A snooze is over")
    assert "It is ₹2,000.00 worse than when it was snoozed" in over.text
    rig.wait(2, *TWO_THIRDS)
    assert rig.told[-1][0] is Urgency.MEDIUM


@pytest.mark.parametrize(("terms", "level"), [("60 above 25200", 25_200), ("60 below 24800", 24_800)])
def test_it_wakes_when_the_underlying_crosses_the_level(terms: str, level: int):
    """At the level itself, from either side."""
    rig = watched()
    rig.index(25_000)
    rig.snooze(terms)
    rig.wait(1)
    assert rig.view.positions[0].snooze
    rig.index(level)
    rig.wait(0.5)
    assert rig.of(Alert)[-1].title == "A snooze is over"
    assert not rig.view.positions[0].snooze


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ("60 above 24900", "is not snoozed: NIFTY is at 25,000.00, above 24,900.00 already."),
        ("never", "expected minutes from 1 to 1440"),
        ("off", "3359 is not snoozed."),
    ],
)
def test_what_cannot_be_is_refused_in_words(terms: str, said: str):
    """And nothing is silent."""
    rig = watched()
    rig.index(25_000)
    assert said in rig.snooze(terms)
    assert not rig.view.positions[0].snooze
    assert "leash" not in rig.journal


def test_a_leash_on_a_price_that_nobody_knows_is_refused():
    """What cannot be seen cannot wake anybody."""
    rig = Ears(Mode.ALERT_ONLY)
    assert rig.snooze("60 5000").endswith("its P&L is unknown. Minutes alone would do.")
    assert rig.snooze("60 above 25000").endswith("the price of NIFTY is unknown.")
    assert "quiet until" in rig.snooze("60")
    assert rig.snooze("60", 3395) == "No open position 3395. /status lists what is watched."


def test_prices_that_stay_away_for_a_minute_end_a_leash_that_hangs_on_them():
    """Silence is no calm."""
    rig = watched()
    rig.snooze("60 5000")
    rig.wait(90)
    assert any("cannot be seen any more" in alert.text for alert in rig.of(Alert))
    assert not rig.view.positions[0].snooze


def test_it_survives_a_restart_with_what_it_has_held_back():
    """The next life is as silent, and says at the end what the first one has held back."""
    rig = watched()
    rig.snooze("30")
    rig.wait(2, *HALF)
    before = rig.view.positions[0].snooze
    rig.start()
    rig.said.clear()
    rig.wait(2, *HALF)
    assert rig.view.positions[0].snooze == before
    rig.wait(2, *TWO_THIRDS)
    assert rig.told == []
    rig.snooze("off")
    assert "Held back: " in rig.of(Say)[-1].text
    rig.start()
    assert not rig.view.positions[0].snooze


def test_a_running_exit_is_told_in_full_and_ends_it():
    """A snoozed position that exits says so, and a later one of the same name is not snoozed."""
    rig = Ears(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.snooze("600")
    rig.said.clear()
    rig.tell(Command(Wish.EXIT, OWNER, 3359, confirmed=True))
    rig.wait(60, *ENTRY)
    assert rig.flat
    assert rig.of(Card)[-1].done
    assert rig.journal["leash"]["default/3359"] == {}
    assert rig.audit[-1].event == "snooze over" or any(each.event == "snooze over" for each in rig.audit)


def test_other_rows_under_the_same_name_are_not_snoozed():
    """A position that was closed and opened anew while we were away is another one."""
    rig = watched()
    rig.snooze("600")
    rig.rows = [replace(row, id=row.id + 100) for row in rig.rows]
    rig.start()
    rig.wait(1, *ENTRY)
    assert not rig.view.positions[0].snooze


def test_others_are_told_of_as_ever():
    """The leash is on one position, and on no alert of the house."""
    rig = Ears(Mode.ALERT_ONLY, condor(), replace(condor(), strategy_id=4000))
    rig.wait(1, *ENTRY, *ENTRY)
    rig.snooze("30")
    rig.said.clear()
    rig.wait(2, *HALF, *HALF)
    assert {alert.position for alert in rig.of(Alert)} == {"default/4000"}
    rig.store_answers = False
    rig.tell(Beat(BeatKind.SYNC))
    assert rig.of(Alert)[-1].topic == "trade-store"


def test_a_rule_acts_on_a_snoozed_position():
    """Silence changes nothing of what is done."""
    rig = Ears(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.snooze("600")
    rig.wait(60, 18, 40, 125, 20)
    assert rig.flat


def test_each_snooze_leaves_an_audit_record():
    """Who, until when, from which P&L; and why it ended."""
    rig = watched()
    rig.snooze("30 5000")
    rig.snooze("off")
    began, ended = [each for each in rig.audit if each.event.startswith("snooze")]
    assert (began.data["by"], began.data["worse_paise"], began.data["pnl_paise"]) == ("Asha", 500_000, 0)
    assert (ended.event, ended.data["why"]) == ("snooze over", "by Asha")
