"""Flatten and stay flat with a whole monitor above a model account: asked, done, lost, killed, stopped."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.effects import Alert, Answer, Ask, Card, Say
from engine.flatten import Step
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, Command, OrderUpdate, Verb, Wish
from engine.model import Mode, Urgency
from engine.tuning import NetTuning
from tests.engine.makers import condor, quote, strangle
from tests.support.nets import ALL_ON, SHARE, Died, Fault, NetRig
from tests.support.rig import OWNER, overnight

MIDS = (20, 45, 40, 18)
LONG_S = 150
KILL_ONLY = NetTuning(kill_after_flat=True)


def say_flatten(made, word="everything"):
    made.tell(Command(Wish.FLATTEN, OWNER, value=word))


def confirm(made):
    """Type the word and press yes."""
    say_flatten(made)
    made.tap(made.of(Ask)[-1].nonce)


def rig(**more):
    made = NetRig(**more)
    made.wait(1, *MIDS)
    return made


def last_card(made):
    return [card for card in made.of(Card) if "whole account" in card.title][-1]


def check(made, *, kills=1, exit_alls=0):
    """The one end, and no command twice."""
    assert made.wish["step"] == Step.DONE
    assert made.flat
    assert made.killed
    assert made.sent.count(Verb.KILL) == kills
    assert made.sent.count(Verb.EXIT_ALL) == exit_alls
    assert len({order.correlation_id for order in made.placed}) == len(made.placed)


# ------------------------------------------------------------------------------------------ asking


def test_without_the_word_it_only_says_what_it_would_do():
    """Neither a question nor a step."""
    made = rig()
    for word in ("", "now", "every"):
        say_flatten(made, word)
        assert "/flatten everything" in made.of(Say)[-1].text
    assert made.of(Ask) == []
    assert made.wish is None


@pytest.mark.parametrize(
    ("nets", "words"),
    [
        (NetTuning(), ("Not ours, stays open: SHARE7001 +5", "KILL_SWITCH_AFTER_FLAT is off")),
        (KILL_ONLY, ("Not ours, stays open: SHARE7001 +5", "cannot be used while those are open")),
        (ALL_ON, ("Not ours, closed by Dhan too: SHARE7001 +5", "Then Dhan's kill switch")),
    ],
)
def test_the_question_names_what_is_closed_and_what_is_not_ours(nets, words):
    """Each with what its settings allow; nothing is sent before yes."""
    made = rig(nets=nets)
    made.others[SHARE] = 5
    say_flatten(made)
    (ask,) = made.of(Ask)
    assert ask.drastic
    text = "\n".join(ask.lines)
    assert "3359 NIFTY Iron Condor" in text
    for each in words:
        assert each in text
    made.tap(ask.nonce, yes=False)
    assert made.wish is None
    assert made.placed == made.sent == []


def test_positions_that_cannot_be_read_are_not_asked_about():
    """Nobody can name them; nothing is done."""
    made = rig()
    made.reads = False
    say_flatten(made)
    assert "cannot be read" in made.of(Say)[-1].text
    assert made.of(Ask) == []


def test_a_question_does_not_outlive_its_process_or_its_positions():
    """Whose names nobody remembers, or whose legs are others, is void; nothing is sent."""
    made = rig()
    say_flatten(made)
    made.restart()
    made.tap(made.of(Ask)[-1].nonce)
    assert "restarted" in made.of(Answer)[-1].text
    say_flatten(made)
    made.rows = made.rows[:2]
    made.wait(31, *MIDS)
    made.tell(Beat(BeatKind.SYNC))
    made.tap(made.of(Ask)[-1].nonce)
    assert "have changed" in made.of(Answer)[-1].text
    assert made.wish is None
    assert made.sent == []


# ------------------------------------------------------------------------------------------ doing


def test_flat_and_staying_flat():
    """Our own exits, shorts first; verified; the kill switch, read back; one card tells each step."""
    made = rig(nets=KILL_ONLY)
    confirm(made)
    made.wait(LONG_S, *MIDS)
    check(made)
    card = last_card(made)
    assert card.title == "Flat: the whole account"
    assert (card.final, card.done) == (True, True)
    assert all(line.startswith("✓") for line in card.lines)
    assert made.titles().count("Dhan's kill switch is on") == 1
    assert made.view.degraded == "Dhan's kill switch is on"


def test_without_the_setting_the_kill_switch_is_left_alone():
    """Verified flat is the end."""
    made = rig(nets=NetTuning())
    confirm(made)
    made.wait(LONG_S, *MIDS)
    assert (made.wish["step"], made.flat, made.sent) == (Step.DONE, True, [])


def test_what_is_not_ours_is_closed_by_dhan_after_our_own_exits():
    """Ours by our own orders; then, once, Dhan's exit of everything for what was named."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.wait(LONG_S, *MIDS)
    check(made, exit_alls=1)
    assert len(made.placed) >= 4
    assert made.sent == [Verb.EXIT_ALL, Verb.KILL]


def test_what_came_after_the_question_is_not_closed_by_dhan():
    """A row that was not named stops it before anything of others is touched."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.others[SHARE + 1] = 3
    made.wait(LONG_S, *MIDS)
    assert made.wish["step"] == Step.STUCK
    assert "Not named when you were asked: SHARE7002 +3" in made.wish["note"]
    assert made.sent == []


def test_what_is_not_ours_and_stays_keeps_the_kill_switch_off():
    """Ours are flat; the rest is named, loudly because the kill switch was wanted."""
    made = rig(nets=KILL_ONLY)
    made.others[SHARE] = 5
    confirm(made)
    made.wait(LONG_S, *MIDS)
    assert made.wish["step"] == Step.STUCK
    assert all(units == 0 for units in made.net.values())
    assert made.sent == []
    (alert,) = [a for a in made.of(Alert) if a.title == "The account could not be flattened"]
    assert alert.urgency is Urgency.HIGH
    assert "SHARE7001 +5" in alert.text


def test_an_exit_that_runs_is_hurried_and_counts():
    """It is not begun anew: one intent of each position."""
    made = rig(nets=KILL_ONLY)
    made.command(strategy_id=3359, confirmed=True)
    confirm(made)
    made.wait(LONG_S, *MIDS)
    check(made)
    assert len(made.journal["intent"]) == 1


def test_each_of_several_positions_is_exited():
    """One exit each, together."""
    made = NetRig(condor(), replace(strangle(), strategy_id=3360), nets=KILL_ONLY)
    mids = (*MIDS, 100, 110)
    made.wait(1, *mids)
    confirm(made)
    made.wait(LONG_S, *mids)
    check(made)
    assert len(made.journal["intent"]) == 2


def test_an_exit_that_is_stuck_is_told_and_nothing_of_others_is_sent():
    """The legs that nobody trades: no kill switch over an open position."""
    made = rig(nets=KILL_ONLY)
    confirm(made)
    made.broker_answers = False
    made.wait(10)
    made.broker_answers = True
    (intent,) = made.monitor.desk.intents.values()
    intent.state, intent.note = IntentState.STUCK, "refused"
    made.wait(5)
    assert made.wish["step"] == Step.STUCK
    assert made.sent == []


# --------------------------------------------------------------------------------- lost and killed

STEPS = {Verb.EXIT_ALL: 0, Verb.KILL: 1}


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize(
    ("fault", "reached"),
    [
        (Fault.ANSWER_LOST, 1),
        (Fault.REQUEST_LOST, 1),
        (Fault.NOT_SENT, 1),
        (Fault.DIED_AFTER, 1),
        (Fault.DIED_BEFORE, 1),
    ],
)
def test_every_way_to_lose_a_command_ends_alike_and_none_is_sent_twice(verb, fault, reached):
    """Unanswered, before or after, or the process dead: read back, gone on with; Dhan hears of each once."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.faults = deque([*[Fault.NONE] * STEPS[verb], fault])
    made.survive(LONG_S + 100, *MIDS)
    check(made, kills=1, exit_alls=reached)


@pytest.mark.parametrize("verb", STEPS)
def test_a_refusal_ends_it_loudly(verb):
    """With Dhan's words; nothing more is sent."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.faults = deque([*[Fault.NONE] * STEPS[verb], Fault.REFUSED])
    made.wait(LONG_S, *MIDS)
    assert made.wish["step"] == Step.STUCK
    assert "Not allowed for this account" in made.wish["note"]
    assert verb not in made.sent
    assert made.titles().count("The account could not be flattened") == 1


@pytest.mark.parametrize("at_s", [0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 25, 30])
@pytest.mark.parametrize("lives", [0, 4])
def test_a_process_that_dies_at_any_moment_is_gone_on_with(at_s, lives):
    """Same end, no command and no order twice, however often it dies."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.wait(at_s, *MIDS)
    for _ in range(lives + 1):
        made.restart()
        made.wait(1, *MIDS)
    made.wait(LONG_S, *MIDS)
    check(made, exit_alls=1)


def test_the_steps_are_in_the_journal_before_what_they_do():
    """When Dhan hears of a command, the journal knows that it may have left."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.faults = deque([Fault.DIED_BEFORE])
    with pytest.raises(Died):
        made.wait(LONG_S, *MIDS)
    assert made.wish["step"] == Step.EXIT_ALL
    assert made.wish["sent_s"] == made.now_s
    assert made.sent == []


@pytest.mark.parametrize("at_s", [0, 1, 2, 3, 4, 6, 8, 10])
def test_stop_ends_it_before_its_next_step(at_s):
    """Whatever has left has left; nothing follows, also after a restart and after resuming."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.wait(at_s, *MIDS)
    ended, sent = made.wish["step"], list(made.sent)
    made.command(Wish.STOP)
    made.restart()
    made.command(Wish.RESUME, confirmed=True)
    made.wait(LONG_S, *MIDS)
    assert made.sent == sent
    assert made.wish["step"] == (ended if ended in {Step.DONE, Step.STUCK} else Step.STOPPED)
    assert last_card(made).final


def test_what_is_not_finished_on_its_day_is_given_up():
    """The exits go on as exits do; the next morning no kill switch surprises anybody."""
    made = rig(nets=KILL_ONLY)
    confirm(made)
    overnight(made)
    made.now_s += 120
    made.wait(LONG_S, *MIDS)
    assert (made.wish["step"], made.wish["note"]) == (Step.STUCK, "It was not finished on its day")
    assert (made.flat, made.sent) == (True, [])


#: What may befall a command without anybody saying no to it.
MISHAPS = [fault for fault in Fault if fault is not Fault.REFUSED]


@settings(max_examples=40, deadline=None)
@given(
    mishaps=st.lists(st.sampled_from(MISHAPS), max_size=6),
    deaths_s=st.lists(st.integers(1, 40), max_size=4),
    blind_s=st.integers(0, 30),
)
def test_whatever_befalls_it_no_command_is_taken_twice(mishaps, deaths_s, blind_s):
    """Lost, half done, dead and blind in any order: each at most once; flat, and told if it is not done."""
    made = rig()
    made.others[SHARE] = 5
    confirm(made)
    made.faults = deque(mishaps)
    for seconds in deaths_s:
        made.survive(seconds, *MIDS)
        made.restart()
    made.reads = False
    made.survive(blind_s, *MIDS)
    made.reads = True
    made.survive(400, *MIDS)
    assert all(made.sent.count(verb) <= 1 for verb in Verb)
    assert made.wish["step"] in {Step.DONE, Step.STUCK}
    assert made.flat
    assert made.wish["step"] == Step.DONE or "The account could not be flattened" in made.titles()
    assert made.killed is (Verb.KILL in made.sent)


def test_books_that_cannot_be_read_are_never_flat():
    """Two minutes without them: told, and no kill switch."""
    made = rig(nets=KILL_ONLY)
    confirm(made)
    made.wait(1.5, *MIDS)
    made.reads = False
    made.wait(LONG_S + 30, *MIDS)
    assert made.wish["step"] == Step.STUCK
    assert made.sent == []


# ------------------------------------------------------------------------------------- other modes


def test_on_paper_only_paper_is_closed_and_it_says_so():
    """Simulate asks nothing of the account's nets and sends them nothing."""
    made = rig(mode=Mode.SIMULATE)
    say_flatten(made)
    (ask,) = made.of(Ask)
    assert "on paper" in ask.title
    assert "nothing reaches Dhan" in "\n".join(ask.lines)
    made.tap(ask.nonce)
    made.wait(LONG_S, *MIDS)
    assert (made.wish["step"], made.flat, made.sent) == (Step.DONE, True, [])
    assert made.monitor.helm.controls.asked == 0
    assert "On paper: nothing reached Dhan." in last_card(made).lines


def test_alert_only_refuses():
    """A sentence; neither a question nor a call."""
    made = rig(mode=Mode.ALERT_ONLY)
    say_flatten(made)
    assert "Alert-only mode places no orders" in made.of(Say)[-1].text
    assert made.of(Ask) == []
    assert made.monitor.helm.controls.asked == 0


# ---------------------------------------------------------------------------------- after a day limit

LIMIT = '[default]\nstop_loss = "off"\nprofit_target = "off"\n[account.default]\nday_loss_rupees = 6000\n'
LOST = (20, 145, 40, 18)


def test_the_kill_switch_follows_a_day_limit_that_has_closed_the_account():
    """Once, verified, told; a restart does not do it again."""
    made = rig(nets=KILL_ONLY, rules=LIMIT)
    made.wait(LONG_S, *LOST)
    check(made)
    assert made.wish["by"] == "day_loss_rupees"
    made.restart()
    made.wait(30, *LOST)
    assert made.sent == [Verb.KILL]


def test_a_kill_switch_that_the_owner_ends_stays_off():
    """Once a day is once a day: the way back is his."""
    made = rig(nets=KILL_ONLY, rules=LIMIT)
    made.wait(LONG_S, *LOST)
    made.killed = False
    made.tell(Beat(BeatKind.HEALTH))
    made.wait(LONG_S, *LOST)
    assert made.sent == [Verb.KILL]
    assert not made.killed


@pytest.mark.parametrize("nets", [NetTuning(), KILL_ONLY])
def test_no_day_limit_or_no_setting_no_kill_switch(nets):
    """An exit by hand is no day limit, and without the setting not even that."""
    made = rig(nets=nets, rules=LIMIT if nets == NetTuning() else "")
    if nets == KILL_ONLY:
        made.command(strategy_id=3359, confirmed=True)
    made.wait(LONG_S, *(LOST if nets == NetTuning() else MIDS))
    assert made.flat
    assert made.sent == []


# -------------------------------------------------------------------------------------- hands of others


@pytest.mark.parametrize("shorts_gone", [False, True])
def test_dhan_s_own_exit_in_the_middle_of_ours_ends_as_closed_outside(shorts_gone):
    """Our plan shrinks with what is held; nothing crosses zero and nothing more is sent."""
    made = rig(nets=NetTuning())
    made.command(strategy_id=3359, confirmed=True)
    for leg, mid in zip(made.legs, MIDS, strict=True):
        if shorts_gone and leg.quantity < 0:
            tick = quote(leg.key, mid - 0.05, mid + 0.05)
            tick.ask_quantity = 10_000
            for row in made.exchange.quote(tick):
                made.tell(OrderUpdate(row))
    made.wait(0.5)
    assert sum(not order.status.final for order in made.exchange.orders()) == 2
    made.square_off()
    placed = len(made.placed)
    assert placed == (4 if shorts_gone else 2)
    for _ in range(200):
        made.wait(1, *MIDS)
        assert made.flat
    (intent,) = made.monitor.desk.intents.values()
    assert intent.state is IntentState.CLOSED_OUTSIDE
    assert len(made.placed) == placed


def test_a_kill_switch_by_hand_in_the_middle_of_an_exit_is_told_and_rules_only_tell():
    """The refusal has it looked at; nothing is sent while it is on, and the way back is the owner's."""
    made = rig(nets=NetTuning())
    made.killed = True
    made.command(strategy_id=3359, confirmed=True)
    made.wait(5, *MIDS)
    assert "Dhan's kill switch is on" in made.titles()
    sent = len(made.placed)
    made.wait(100, *MIDS)
    assert len(made.placed) == sent
    assert made.view.degraded == "Dhan's kill switch is on"
    made.command(strategy_id=3359)
    assert "kill switch" in made.of(Say)[-1].text
    made.killed = False
    made.tell(Beat(BeatKind.HEALTH))
    assert "Dhan's kill switch is off" in made.titles()
    assert made.view.degraded == ""
