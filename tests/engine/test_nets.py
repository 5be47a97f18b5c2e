"""Dhan's own nets under a whole monitor: when they are asked, what is shown, and what turns with them."""

from __future__ import annotations

from collections import deque

import pytest

from bot.status import status_pages
from engine.controls import ControlState, PnlExit
from engine.drill import drill_of
from engine.effects import Alert, ControlAccount, PlaceOrder, QueryControls, Say
from engine.io import tables
from engine.messages import Beat, BeatKind, Command, CommandOutcome, Refused, RulesChanged, Verb, Wish
from engine.model import Mode, Urgency
from engine.nets import control_checks, pnl_exit_check
from engine.preflight import Light
from engine.tuning import NetTuning
from tests.engine.test_two_keys import code_in
from tests.support.nets import Fault, NetRig
from tests.support.rig import OWNER

MIDS = (20, 45, 40, 18)
LOSING = (20, 145, 40, 18)
NET = NetTuning(pnl_exit=True)
RULES = '[default]\nstop_loss = "off"\nprofit_target = "off"\n[account.default]\nday_loss_rupees = 6000\n'
ARMED = PnlExit(750_000, 999_999_900)
SENDS = {Mode.SEMI_AUTO, Mode.EXECUTE}


def rig(mode=Mode.EXECUTE, nets=NET, rules=RULES, mids=MIDS, armed=()):
    """A monitor some seconds after its start, its first look at health taken."""
    made = NetRig(mode=mode, nets=nets, rules=rules)
    made.armed = armed
    made.wait(3, *mids)
    made.tell(Beat(BeatKind.HEALTH))
    return made


def lights(made):
    return {check.name: check.light for check in drill_of(made.monitor, made.now_s)}


def shown(made):
    return status_pages(made.view)[0].html


@pytest.mark.parametrize("mode", list(Mode))
def test_only_a_mode_that_sends_asks_and_arms(mode):
    """Simulate and alert-only ask nothing of the nets and change nothing, whatever is set."""
    made = rig(mode)
    assert made.sent == ([Verb.ARM] if mode in SENDS else [])
    assert (made.monitor.helm.controls.asked > 0) is (mode in SENDS)
    assert ("Dhan's own exit" in shown(made)) is (mode in SENDS)
    assert ("kill switch" in lights(made)) is (mode in SENDS)


def test_it_is_armed_beyond_the_day_stop_read_back_and_shown():
    """25 % beyond 6,000; in /status and in the drill."""
    made = rig()
    assert made.armed == (ARMED,)
    assert made.journal["net"]["pnl-exit"]["stage"] == "armed"
    assert "Dhan's own exit is armed" in made.titles()
    assert "Dhan's own exit: armed at −₹7,500.00" in shown(made)
    assert lights(made)["P&L exit"] is Light.GREEN
    made.restart()
    made.wait(60, *MIDS)
    assert made.sent == [Verb.ARM]


@pytest.mark.parametrize(
    ("nets", "rules"), [(NetTuning(), RULES), (NET, RULES.split("[account", maxsplit=1)[0])]
)
def test_without_the_setting_or_a_day_stop_nothing_is_armed(nets, rules):
    """Off is off; a net below nothing has no level."""
    made = rig(nets=nets, rules=rules)
    assert made.sent == []
    assert ("no day stop" in shown(made)) is nets.pnl_exit


def test_before_the_day_is_known_nothing_is_armed_and_after_it_is():
    """A start without prices is no news; a minute later it is looked at again."""
    made = NetRig(nets=NET, rules=RULES)
    made.wait(3)
    assert made.sent == []
    assert "Dhan's own exit is not armed" not in made.titles()
    made.wait(3, *MIDS)
    made.tell(Beat(BeatKind.HEALTH))
    assert made.sent == [Verb.ARM]


def test_a_lost_answer_is_read_back_at_once():
    """Armed by the one command that left."""
    made = NetRig(nets=NET, rules=RULES)
    made.faults = deque([Fault.ANSWER_LOST])
    made.wait(3, *MIDS)
    made.tell(Beat(BeatKind.HEALTH))
    assert made.sent == [Verb.ARM]
    assert "Dhan's own exit is armed" in made.titles()


def test_another_day_stop_moves_it():
    """The rules file changes; at the next look it is sent and read back."""
    made = rig()
    loud = RULES.replace("6000", "4000")
    made.tell(RulesChanged(tables.rulebook(loud), "rules.toml", "2"))
    made.tell(Beat(BeatKind.ACCOUNT))
    assert made.sent == [Verb.ARM, Verb.ARM]
    assert made.armed[0].loss_paise == 500_000


def lowered(made, word="alert-only"):
    """Somebody lowers the mode; what is said."""
    made.tell(Command(Wish.MODE, OWNER, value=word, owner=True))
    return made.of(Say)[-1].text


def test_lowered_to_alerts_ours_is_disarmed_at_once_and_stays_so_over_a_restart():
    """None of the nets is used in alert-only; a mode that still sends keeps it."""
    made = rig()
    assert "Dhan" not in lowered(made, "semi-auto")
    assert made.sent == [Verb.ARM]
    assert "Dhan's own exit, where it is ours, is being disarmed; /status shows it." in lowered(made)
    assert made.sent == [Verb.ARM, Verb.DISARM]
    assert made.armed == ()
    made.tell(Beat(BeatKind.ACCOUNT))
    assert "Dhan's own exit: not armed" in shown(made)
    made.restart()
    made.wait(3, *MIDS)
    made.tell(Beat(BeatKind.ACCOUNT))
    assert made.sent == [Verb.ARM, Verb.DISARM]
    assert "Dhan's own exit is not armed any more" not in made.titles()


def test_raised_again_it_is_armed_again():
    """With the mode comes the net."""
    made = rig()
    lowered(made)
    made.tell(Command(Wish.MODE, OWNER, value="execute", owner=True))
    made.tell(Command(Wish.CODE, OWNER, value=code_in(made.said), owner=True))
    made.wait(61, *MIDS)
    assert made.monitor.helm.mode is Mode.EXECUTE
    assert made.sent == [Verb.ARM, Verb.DISARM, Verb.ARM]
    assert made.armed == (ARMED,)


def test_one_that_was_under_way_when_the_mode_was_lowered_is_disarmed_when_it_shows():
    """The command may arrive after the look that does not show it."""
    made = NetRig(nets=NET, rules=RULES)
    made.faults = deque([Fault.REQUEST_LOST])
    made.wait(3, *MIDS)
    made.tell(Beat(BeatKind.HEALTH))
    lowered(made)
    made.armed = (ARMED,)
    made.wait(12, *MIDS)
    made.tell(Beat(BeatKind.HEALTH))
    assert made.sent == [Verb.DISARM]
    assert not made.armed


def test_a_lost_disarming_is_sent_again():
    """What Dhan shows decides."""
    made = rig()
    made.faults = deque([Fault.REQUEST_LOST])
    lowered(made)
    assert made.sent == [Verb.ARM]
    made.wait(12, *MIDS)
    made.tell(Beat(BeatKind.HEALTH))
    assert made.sent == [Verb.ARM, Verb.DISARM]
    assert made.armed == ()


def test_somebody_else_s_stays_when_the_mode_is_lowered():
    """Terms that we did not set are not ours to change."""
    others = PnlExit(100_000, 200_000)
    made = rig(armed=(others,))
    lowered(made)
    made.tell(Beat(BeatKind.ACCOUNT))
    assert (made.armed, made.sent) == ((others,), [])


def test_one_that_has_fired_is_not_armed_again_by_way_of_the_mode():
    """Gone is gone for the day."""
    made = rig()
    made.armed = ()
    made.tell(Beat(BeatKind.ACCOUNT))
    lowered(made)
    made.tell(Command(Wish.MODE, OWNER, value="execute", owner=True))
    made.tell(Command(Wish.CODE, OWNER, value=code_in(made.said), owner=True))
    made.wait(61, *MIDS)
    made.tell(Beat(BeatKind.ACCOUNT))
    assert made.sent == [Verb.ARM]


def test_where_nothing_leaves_the_reply_says_that_it_stays():
    """Under the kill switch nothing is tried."""
    made = rig()
    made.killed = True
    made.tell(Beat(BeatKind.ACCOUNT))
    assert "Dhan's own exit stays as it is: Dhan's kill switch is on." in lowered(made)
    assert made.sent == [Verb.ARM]


def test_somebody_else_s_is_left_and_told():
    """It stands in /status and in the drill as well."""
    made = rig(armed=(PnlExit(100_000, 200_000),))
    assert made.sent == []
    assert "Dhan's own exit is not ours" in made.titles()
    assert "armed by somebody else at −₹1,000.00" in shown(made)
    assert lights(made)["P&L exit"] is Light.AMBER


def test_an_older_answer_that_comes_late_changes_nothing():
    """The kill switch is as the newest look says."""
    made = rig()
    made.tell(ControlState(1, killed=True))
    assert not made.monitor.helm.killed


@pytest.mark.parametrize("kind", [BeatKind.ACCOUNT, BeatKind.SESSION_OPEN, BeatKind.DRILL])
def test_the_beats_on_which_it_is_asked(kind):
    """Each of them, whatever stands; the health beat only while something is open."""
    made = rig()
    asked = made.monitor.helm.controls.asked
    made.tell(Beat(BeatKind.HEALTH))
    assert made.monitor.helm.controls.asked == asked
    made.tell(Beat(kind))
    assert made.monitor.helm.controls.asked == asked + 1


def test_with_the_kill_switch_on_rules_only_tell():
    """No order leaves; it is told loudly, and over again when it is off."""
    made = rig(nets=NetTuning())
    made.killed = True
    made.tell(Beat(BeatKind.ACCOUNT))
    (alert,) = [each for each in made.of(Alert) if each.title == "Dhan's kill switch is on"]
    assert alert.urgency is Urgency.HIGH
    made.wait(30, *LOSING)
    assert made.placed == []
    assert any("Nothing was sent: Dhan's kill switch is on" in each.text for each in made.of(Alert))
    made.killed = False
    made.tell(Beat(BeatKind.HEALTH))
    made.wait(10, *LOSING)
    assert made.placed != []


def test_with_the_kill_switch_on_nothing_is_armed():
    """There is nothing to guard that could still be closed."""
    made = NetRig(nets=NET, rules=RULES)
    made.killed = True
    made.wait(3, *MIDS)
    made.tell(Beat(BeatKind.HEALTH))
    assert made.sent == []


def test_a_restart_without_prices_is_no_news():
    """What is not known yet is told after a while, in the same day's second process too."""
    made = rig()
    made.armed = ()
    made.journal["net"]["pnl-exit"]["stage"] = "not armed"
    made.said.clear()
    made.restart()
    made.wait(2)
    assert "Dhan's own exit is not armed" not in made.titles()


def test_a_refusal_in_words_about_the_kill_switch_has_it_looked_at():
    """Any other refusal does not."""
    made = rig(nets=NetTuning())
    for words, asks in (("Kill Switch is active", True), ("RMS: no", False)):
        said = CommandOutcome(Verb.PLACE, "P-default-260203001-0-0-0", Refused("DH-906", words))
        effects = made.monitor.handle(said, made.now_s)
        assert any(isinstance(effect, QueryControls) for effect in effects) is asks
        assert not any(isinstance(effect, ControlAccount | PlaceOrder) for effect in effects)


@pytest.mark.parametrize(
    ("state", "light"),
    [
        (None, Light.AMBER),
        (ControlState(1, failed="no route"), Light.AMBER),
        (ControlState(1, killed=True), Light.RED),
        (ControlState(1, killed=False), Light.GREEN),
    ],
)
def test_the_drill_s_line_of_the_kill_switch(state, light):
    """On is red: no exit could be sent."""
    (check,) = control_checks(state)
    assert check.light is light


@pytest.mark.parametrize(
    ("armed", "wanted", "words"),
    [
        (None, True, ["not known: "]),
        (None, False, []),
        ((), False, []),
        ((), True, ["not armed; a monitor arms it in session"]),
        ((ARMED,), False, ["armed at −₹7,500.00"]),
    ],
)
def test_the_drill_s_line_of_what_dhan_has_armed(armed, wanted, words):
    """Whoever armed it; silent where it is neither wanted nor armed."""
    checks = pnl_exit_check(ControlState(1, armed=armed), wanted=wanted)
    assert [check.text for check in checks] == words
