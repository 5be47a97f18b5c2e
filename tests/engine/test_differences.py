"""Store and broker disagree: what goes on by itself, what is held, and what the owner may make of it."""

from __future__ import annotations

import pytest

from engine.effects import Alert
from engine.messages import Beat, BeatKind
from engine.model import Mode, Urgency
from engine.table import terminal_table
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)
LOSS = (6, 10, 190, 60)
RULES = "[default]\nprofit_target = 0.3\nstop_loss_rupees = 1000\n"
MORE = "The broker holds more than is recorded"
DISAGREE = "Trade store and broker disagree"


def synced(rig, times=2, seconds=30):
    """So many rounds of reading broker and store."""
    for _ in range(times):
        rig.now_s += seconds
        rig.tell(Beat(BeatKind.SYNC))


def by_hand(rig, index, units):
    """Somebody trades one leg's contract in the app."""
    net = rig.net
    net[rig.legs[index].key] += units
    rig.exchange.hold(net)


def told(rig, title):
    """The alerts of this title."""
    return [alert for alert in rig.of(Alert) if alert.title == title]


def watched(mode=Mode.EXECUTE):
    """A condor at its entry prices."""
    rig = Rig(mode, rules=RULES)
    rig.wait(3, *ENTRY)
    return rig


# ------------------------------------------------------------------------------ more than is recorded


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("index", "units"), [(1, -65), (0, 65)])
def test_more_of_the_same_is_told_once_and_silences_no_stop(index, units, restarted):
    """Another short or hedge by hand: HIGH, shown, and the stop closes what is recorded."""
    rig = watched()
    by_hand(rig, index, units)
    synced(rig)
    (alert,) = told(rig, MORE)
    assert (alert.urgency, alert.position) == (Urgency.HIGH, "default/3359")
    assert "an exit closes what its rows record" in alert.text
    if restarted:
        rig.start()
        synced(rig)
    assert len(told(rig, MORE)) == 1
    (view,) = rig.view.positions
    assert (view.state.value, view.differs[:16]) == ("watching", alert.text.partition(": ")[2][:16])
    assert "the broker holds" in " ".join(terminal_table(rig.view).split())
    rig.wait(30, *LOSS)
    left = {key: net for key, net in rig.net.items() if net}
    assert left == {rig.legs[index].key: units}
    assert not rig.rows


def test_less_elsewhere_holds_a_position_of_which_there_is_more_too():
    """One contract more, one less: that is held; the less mended, it goes on."""
    rig = watched()
    by_hand(rig, 0, 65)
    by_hand(rig, 1, 65)
    synced(rig)
    assert len(told(rig, DISAGREE)) == 1
    rig.wait(10, *LOSS)
    assert not rig.placed
    by_hand(rig, 1, -65)
    synced(rig)
    assert len(told(rig, MORE)) == 1
    rig.wait(30, *LOSS)
    assert {order.key for order in rig.placed} == {each.key for each in rig.legs}


@pytest.mark.parametrize(("index", "units"), [(1, 65), (1, 130), (0, -130)])
def test_less_or_the_other_way_round_holds_as_before(index, units):
    """Nothing left of a short, or a contract turned round: the rules only tell."""
    rig = watched()
    by_hand(rig, index, units)
    synced(rig)
    assert len(told(rig, DISAGREE)) == 1
    rig.wait(10, *LOSS)
    assert not rig.placed


def test_agreement_ends_what_was_told_of_more():
    """The hand undoes its trade: told, and nothing is shown any more."""
    rig = watched()
    by_hand(rig, 0, 65)
    synced(rig)
    by_hand(rig, 0, -65)
    synced(rig, 1)
    assert len(told(rig, "Trade store and broker agree again")) == 1
    assert not rig.view.positions[0].differs
    assert rig.journal["difference"]["default/3359"]["why"] == ""


def test_a_journal_of_before_is_read_as_it_was_meant():
    """Rows with nothing but taken or not: the one holds, the other does not."""
    for taken in (True, False):
        rig = watched()
        by_hand(rig, 1, 65)
        synced(rig)
        why = rig.journal["difference"]["default/3359"]["why"]
        rig.journal["difference"]["default/3359"] = {"why": why, "taken": taken}
        rig.start()
        assert bool(rig.monitor.helm.differences.why("default/3359")) is not taken
