"""/set, from the words on the phone to the exit at the tighter level, in a whole monitor."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.effects import Alert, Answer, Ask, Card, Say
from engine.io import tables
from engine.messages import Actor, Beat, BeatKind, Command, RulesChanged, Wish
from engine.model import Mode
from engine.view import PositionState
from tests.engine.makers import condor
from tests.support.rig import OWNER, Rig

#: Mids of the condor's legs (long put, short put, short call, long call), rupees.
ENTRY = (20, 45, 40, 18)
PROFIT = (8, 20, 14, 6)
#: −₹2,600.00: short of the default stop at −₹4,972.50.
WORSE = (18, 40, 85, 20)
STOP = -497_250


def wish(rig, rule, value, strategy_id=3359):
    """Somebody writes /set."""
    rig.tell(Command(Wish.SET, OWNER, strategy_id, rule=rule, value=value))


def tighten(rig, rule, value):
    """Write it, and say yes."""
    wish(rig, rule, value)
    rig.tap(rig.of(Ask)[-1].nonce)


def stop(rig, rule="stop_loss"):
    """What a rule of the first position waits for."""
    found = [t.threshold_paise for t in rig.view.positions[0].thresholds if t.rule == rule and t.available]
    return found[0] if found else None


def watched(mode=Mode.EXECUTE, **changes):
    """A monitor that watches the condor, all legs quoted."""
    rig = Rig(mode, **changes)
    rig.wait(1, *ENTRY)
    return rig


def test_set_shows_what_changes_and_does_nothing_before_the_yes():
    """Old and new threshold, how far it is, and a question that is silent and expires."""
    rig = watched()
    wish(rig, "stop_loss", "-0.2")
    (ask,) = rig.of(Ask)
    assert ask.title == "Tighten stop loss of 3359 NIFTY Iron Condor?"
    assert ask.lines[0] == "Now: −₹4,972.50 (50 % of the maximum loss ₹9,945.00)"
    assert ask.lines[1] == "New: −₹1,989.00 (20 % of the maximum loss ₹9,945.00)"
    assert ask.lines[2].startswith("P&L ₹0.00 · ₹1,989.00 away")
    assert (ask.yes, ask.wish) == ("Tighten", Wish.SET)
    assert stop(rig) == STOP
    rig.tap(ask.nonce, yes=False)
    assert rig.of(Card)[-1].lines == ("Left alone; nothing was changed.",)
    assert stop(rig) == STOP


def test_a_yes_counts_once_at_once_and_the_position_exits_there():
    """The tighter stop acts at a loss that the old one would have let pass."""
    rig = watched()
    tighten(rig, "Stop-Loss", "−20%")
    assert stop(rig) == -198_900
    assert rig.of(Card)[-1].title == "Tightened: 3359 NIFTY Iron Condor"
    rig.tap(rig.of(Ask)[-1].nonce)
    assert rig.of(Answer)[-1].text == "Already decided or too old."
    rig.wait(60, *WORSE)
    assert rig.flat
    assert any("−₹1,989.00" in card.lines[0] for card in rig.of(Card))


def test_nobody_answers_and_nothing_changes():
    """After a minute the question is void."""
    rig = watched()
    wish(rig, "stop_loss", "-0.2")
    rig.wait(61, *ENTRY)
    assert rig.of(Card)[-1].lines == ("No answer in time; nothing was changed.",)
    rig.tap(rig.of(Ask)[-1].nonce)
    assert stop(rig) == STOP


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ("stop_loss", "-0.6", "is not known to be tighter than -0.5"),
        ("stop_loss", "-0.6", "Loosening needs two keys; edit the source instead: shipped default"),
        ("stop_loss", "clear", "taking stop_loss back or switching it off loosens it"),
        ("stop_loss", "off", "Loosening needs two keys"),
        ("stop_loss", "many", 'read "many", expected a fraction'),
        ("stop", "1", "read 'stop', expected a rule: "),
        ("stop_margin", "0.1", "would not guard this position: unavailable"),
        ("stop_loss", "-0.5", "Nothing to change. Stop loss stands already: −₹4,972.50"),
    ],
)
def test_what_loosens_or_means_nothing_is_refused_in_words(rule, value, said):
    """No question, no change, a sentence."""
    rig = watched()
    wish(rig, rule, value)
    assert said in rig.of(Say)[-1].text
    assert not rig.of(Ask)
    assert stop(rig) == STOP


def test_an_override_is_loosened_by_nobody_and_not_by_a_second_one():
    """What was set stands until the position is closed."""
    rig = watched()
    tighten(rig, "stop_loss", "-0.2")
    wish(rig, "stop_loss", "-0.3")
    assert "what was set from the chat ends when the position is closed" in rig.of(Say)[-1].text
    assert stop(rig) == -198_900


def test_a_position_nobody_knows_is_named():
    """A mistyped id changes nothing."""
    rig = watched()
    wish(rig, "stop_loss", "-0.2", 3395)
    assert rig.of(Say)[-1].text == "No open position 3395. /status lists what is watched."


@pytest.mark.parametrize(
    ("mode", "words", "yes"),
    [
        (Mode.EXECUTE, "The exit starts as soon as you say yes.", "Tighten, exit now"),
        (Mode.SIMULATE, "The exit starts on paper as soon as you say yes.", "Tighten, exit now"),
        (Mode.SEMI_AUTO, "You will be asked about the exit next.", "Tighten"),
        (Mode.ALERT_ONLY, "You will be told. Alert-only: nothing was sent.", "Tighten"),
    ],
)
def test_a_threshold_that_is_met_already_is_said_before_the_yes(mode, words, yes):
    """In plain words, by mode."""
    rig = watched(mode)
    rig.wait(2, *WORSE)
    wish(rig, "stop_loss_rupees", "₹2,000")
    ask = rig.of(Ask)[-1]
    assert ask.lines[0] == "Now: does not stand guard"
    assert ask.lines[-1].startswith("It is met already: P&L −₹2,600.00 is at or below the stop −₹2,000.00")
    assert ask.lines[-1].endswith(words)
    assert (ask.yes, ask.drastic) == (yes, "exit" in yes)
    rig.tap(ask.nonce)
    rig.wait(5, *WORSE)
    asked = [a for a in rig.of(Ask) if a.wish is Wish.EXIT]
    assert (bool(rig.placed), bool(asked)) == (mode in {Mode.EXECUTE, Mode.SIMULATE}, mode is Mode.SEMI_AUTO)


def test_overrides_survive_a_restart_and_so_does_an_open_question():
    """One transaction: the settled question, the override; both are read back."""
    rig = watched()
    tighten(rig, "stop_loss", "-0.2")
    wish(rig, "exit_at", "14:00")
    rig.start()
    assert stop(rig) == -198_900
    rig.tap(rig.of(Ask)[-1].nonce)
    rig.start()
    assert "exit_at" in {t.rule for t in rig.view.positions[0].thresholds}
    rig.wait(60, *WORSE)
    assert rig.flat


def test_the_answer_the_override_and_its_record_are_one_handling():
    """Whatever is committed of a yes is all of it: question settled, override kept."""
    rig = watched()
    wish(rig, "stop_loss", "-0.2")
    kinds = []
    do = rig.do

    def spy(effect):
        kinds.append(type(effect).__name__ + getattr(effect, "kind", ""))
        return do(effect)

    rig.do = spy
    rig.tap(rig.of(Ask)[-1].nonce)
    assert kinds.index("Settle") < kinds.index("Recordoverride") < kinds.index("Card")
    assert rig.journal["override"]["default/3359"]["wishes"] == [
        {"rule": "stop_loss", "setting": "-0.2", "by": "Asha"}
    ]


def test_an_override_ends_with_its_position():
    """Verified flat: the journal lets go of it, and a later position of that name has its own rules."""
    rig = watched()
    tighten(rig, "stop_loss", "-0.2")
    rig.wait(60, *WORSE)
    assert rig.flat
    assert rig.journal["override"]["default/3359"]["wishes"] == []


def test_rows_that_come_back_keep_their_override_and_other_rows_do_not():
    """A store that forgets a position for a while loosens nothing; a new life begins anew."""
    rig = Rig(Mode.EXECUTE, condor(), replace(condor(), strategy_id=3360))
    rig.wait(1, *ENTRY, *ENTRY)
    tighten(rig, "stop_loss", "-0.2")
    rows = rig.rows
    for later, expected in ((rows, -198_900), ([replace(r, id=r.id + 100) for r in rows], STOP)):
        rig.rows = [row for row in rows if row.strategy_id == 3360]
        rig.tell(Beat(BeatKind.SYNC))
        assert len(rig.view.positions) == 1
        rig.start()
        rig.rows = later
        rig.tell(Beat(BeatKind.SYNC))
        assert stop(rig) == expected


def test_a_position_that_is_rolled_leg_by_leg_keeps_its_override():
    """No row of the first day is left at the end, and it is still the same position, after a restart too."""
    rig = watched()
    tighten(rig, "stop_loss", "-0.2")
    for changed in ({1, 2}, {3, 4}):
        rig.rows = [replace(row, id=row.id + 10) if row.id in changed else row for row in rig.rows]
        rig.tell(Beat(BeatKind.SYNC))
    rig.start()
    assert stop(rig) == -198_900


def test_changed_legs_keep_what_is_still_tighter():
    """The same share of another basis is another amount, and still the override."""
    rig = watched()
    tighten(rig, "stop_loss", "-0.2")
    rig.rows = [replace(row, quantity=row.quantity * 2) for row in rig.rows]
    rig.tell(Beat(BeatKind.SYNC))
    assert stop(rig) == -397_800


def test_a_question_about_other_legs_is_void():
    """Yes meant the legs that were shown."""
    rig = watched()
    wish(rig, "stop_loss", "-0.2")
    rig.rows = [replace(row, quantity=row.quantity * 2) for row in rig.rows]
    rig.tell(Beat(BeatKind.SYNC))
    rig.tap(rig.of(Ask)[-1].nonce)
    assert rig.of(Answer)[-1].text.startswith("The position has changed since you were asked.")
    assert stop(rig) == 2 * STOP


def test_a_file_that_became_stricter_voids_the_question_and_outranks_the_override():
    """An override gives way to a stricter file, and stands against a looser one."""
    rig = watched()
    tighten(rig, "stop_loss", "-0.3")
    wish(rig, "stop_loss", "-0.2")
    rig.tell(RulesChanged(tables.rulebook("[default]\nstop_loss = -0.1"), "rules.toml", "1"))
    assert stop(rig) == -99_450
    rig.tap(rig.of(Ask)[-1].nonce)
    assert "not known to be tighter than -0.1" in rig.of(Answer)[-1].text
    rig.tell(RulesChanged(tables.rulebook("[default]\nstop_loss = -0.9"), "rules.toml", "2"))
    assert stop(rig) == -298_350


def test_a_loss_that_is_being_confirmed_is_not_counted_anew():
    """Tightening a stop that is met must not put its exit off."""
    rig = watched(rules="[default]\nstop_loss_rupees = 2500\nconfirm_s = 4")
    wish(rig, "stop_loss_rupees", "2400")
    rig.wait(3, *WORSE)
    rig.tap(rig.of(Ask)[-1].nonce)
    assert not rig.placed
    rig.wait(1.5, *WORSE)
    assert rig.placed


def test_a_trail_that_is_tightened_keeps_its_peak():
    """The level rises with the smaller share that may be given back."""
    rig = watched(rules="[default]\ntrailing_stop = true\nprofit_target = 0.9")
    rig.wait(3, 14, 30, 30, 19)
    before = stop(rig, "trailing_stop")
    tighten(rig, "trailing_stop", "{give_back = 0.1}")
    assert before < stop(rig, "trailing_stop")
    wish(rig, "trailing_stop", "{give_back = 0.2}")
    assert "not known to be tighter" in rig.of(Say)[-1].text


def test_an_override_that_guards_nothing_any_more_is_told():
    """Legs changed by hand may take the ground from under a rule that only the chat had set."""
    rig = watched(rules='[default]\nstop_loss = "off"\nstop_loss_rupees = 9000')
    tighten(rig, "stop_loss", "-0.2")
    rig.rows = [row for row in rig.rows if row.id in {2, 3}]  # the wings are gone
    rig.tell(Beat(BeatKind.SYNC))
    assert "stop_loss = -0.2, set by Asha is ignored" in [alert.title for alert in rig.of(Alert)]


def test_a_held_position_says_so():
    """While an exit runs the tighter rule waits like all others."""
    rig = watched()
    rig.wait(2, *PROFIT)
    assert rig.view.positions[0].state is PositionState.EXITING
    wish(rig, "stop_loss", "-0.2")
    assert "holds its rules back" in rig.of(Ask)[-1].lines[-1]


WISHES = st.one_of(
    st.tuples(st.just("stop_loss"), st.sampled_from(["-0.05", "-20%", "-0.6", "off", "-1"])),
    st.tuples(st.just("stop_loss_rupees"), st.sampled_from(["500", "2,000", "₹9000", "clear"])),
    st.tuples(st.just("profit_target"), st.sampled_from(["10%", "0.4", "0.8"])),
    st.tuples(
        st.just("trailing_stop"),
        st.sampled_from(["true", "{activate = 0.1, give_back = 0.1}", "{give_back_rupees = 100}"]),
    ),
    st.tuples(st.just("stop_underlying"), st.sampled_from(["{below = 24000}", "{above = 26000}"])),
    st.tuples(st.just("exit_at"), st.sampled_from(["14:00", "15:20"])),
)
MIDS = st.sampled_from([ENTRY, PROFIT, WORSE, (14, 30, 30, 19), (20, 45, 44, 18), (30, 70, 90, 40)])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(MIDS, st.none() | WISHES), min_size=1, max_size=6))
def test_whatever_is_set_and_confirmed_no_exit_ever_comes_later(days):
    """Beside a twin without a chat: when its exit begins, that of the tightened one has begun."""
    rules = "[default]\ntrailing_stop = true"
    plain, set_ = watched(rules=rules), watched(rules=rules)
    for mids, wanted in days:
        if wanted is not None and set_.view.positions[0].state is PositionState.WATCHING:
            asked = len(set_.of(Ask))
            wish(set_, *wanted)
            for ask in set_.of(Ask)[asked:]:
                set_.tap(ask.nonce)
        for _ in range(6):
            plain.wait(0.5, *mids)
            set_.wait(0.5, *mids)
            assert bool(plain.placed) <= bool(set_.placed)


def test_a_stranger_of_the_core_is_named_in_the_audit_only():
    """Who asked stands in the override, not who first wished for it: the yes counts."""
    rig = watched()
    rig.tell(Command(Wish.SET, Actor(7, 42, "Ravi"), 3359, rule="stop_loss", value="-0.2"))
    rig.tap(rig.of(Ask)[-1].nonce)
    assert rig.journal["override"]["default/3359"]["wishes"][0]["by"] == "Asha"
