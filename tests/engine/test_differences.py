"""Store and broker disagree: what goes on by itself, what is held, and what the owner may make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.effects import Alert, Ask, Card, Say
from engine.messages import Beat, BeatKind, Wish
from engine.model import Mode, Urgency
from engine.sessions import at
from engine.table import terminal_table
from tests.engine.makers import condor, condors, leg, position
from tests.support import parts
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)
LOSS = (6, 10, 190, 60)
PUTS = position(leg(-65, 24000, "PE", 30), leg(65, 23800, "PE", 15), strategy_id=7, strategy="Put Spread")
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


# --------------------------------------------------------------------------- what the owner makes of it


def differing(mode=Mode.EXECUTE, index=1, units=65):
    """Two lots of each leg; a hand has bought one lot of a short back; told."""
    rig = Rig(mode, condors(2), rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, index, units)
    synced(rig)
    return rig


def settled(rig, wish, *, yes=True):
    """The button, then the answer to its question."""
    rig.command(wish, 3359)
    rig.tap(rig.of(Ask)[-1].nonce, yes=yes)


def quantities(rig):
    """Signed units of each leg that is watched."""
    (position,) = rig.monitor.holdings.positions.values()
    return [each.quantity for each in position.legs]


@pytest.mark.parametrize(
    ("mode", "index", "units", "offered"),
    [
        (Mode.EXECUTE, 1, 65, {Wish.ADOPT, Wish.SHRINK, Wish.UNWATCH, Wish.RESUME}),
        (Mode.SEMI_AUTO, 1, 130, {Wish.ADOPT, Wish.SHRINK, Wish.UNWATCH, Wish.RESUME}),
        (Mode.ALERT_ONLY, 1, 65, {Wish.SHRINK, Wish.UNWATCH, Wish.RESUME}),
        (Mode.SIMULATE, 1, 65, {Wish.UNWATCH, Wish.RESUME}),
        (Mode.EXECUTE, 1, 195, {Wish.UNWATCH, Wish.RESUME}),  # turned round
        (Mode.EXECUTE, 1, 64, {Wish.UNWATCH, Wish.RESUME}),  # no whole lots
        (Mode.EXECUTE, 1, -65, {Wish.UNWATCH}),  # more: nothing is held
    ],
)
def test_the_alert_offers_what_can_honestly_be_made_of_it(mode, index, units, offered):
    """Rows follow only where less of the same is held; the store is written to only by modes that may."""
    rig = differing(mode, index, units)
    (alert,) = [a for a in rig.of(Alert) if a.title in (MORE, DISAGREE)]
    assert set(alert.choices) == offered
    for wish in {Wish.ADOPT, Wish.SHRINK} - offered:
        asked = len(rig.of(Ask))
        rig.command(wish, 3359)
        assert len(rig.of(Ask)) == asked
        assert rig.of(Say)[-1].text.startswith("Nothing was changed: ")


@pytest.mark.parametrize("units", [(-65,), (-65, 65)])
def test_of_a_contract_that_several_positions_hold_nobody_knows_whose_is_gone(units):
    """One lot is bought back by hand: no position's rows can follow, whatever the sum is."""
    short = condor().legs[1]
    others = [
        replace(condor(), strategy_id=7 + number, legs=(replace(short, quantity=each),))
        for number, each in enumerate(units)
    ]
    rig = Rig(Mode.EXECUTE, condor(), *others, rules=RULES)
    by_hand(rig, 1, 65)
    synced(rig)
    offered = [set(alert.choices) for alert in told(rig, DISAGREE)]
    assert offered == [{Wish.UNWATCH, Wish.RESUME}] * (1 + len(units))


def test_a_contract_that_the_broker_does_not_list_is_no_zero():
    """Not listed is unknown: the rows cannot follow it."""
    rig = Rig(Mode.EXECUTE, condors(2), rules=RULES)
    rig.wait(3, *ENTRY)
    net = rig.net
    del net[rig.legs[1].key]
    rig.exchange.hold(net)
    synced(rig)
    (alert,) = told(rig, DISAGREE)
    assert set(alert.choices) == {Wish.UNWATCH, Wish.RESUME}


@pytest.mark.parametrize("restarted", [False, True])
def test_adopted_the_rows_say_what_the_broker_holds(restarted):
    """The store's row follows, P&L and exits with it; the rules act again, and the exit ends flat."""
    rig = differing()
    settled(rig, Wish.ADOPT)
    card = rig.of(Card)[-1]
    assert card.title == "Rows corrected: 3359 NIFTY Iron Condor"
    assert any("-130 → -65" in line for line in card.lines)
    if restarted:
        rig.start()
    synced(rig)
    assert quantities(rig) == [130, -65, -130, 130]
    assert [row.quantity for row in rig.rows] == [130, 65, 130, 130]
    assert len(told(rig, "Trade store and broker agree again")) == 1
    rig.wait(30, *LOSS)
    assert rig.flat
    assert not rig.rows


def test_adopted_a_contract_that_is_gone_closes_its_row_without_a_price():
    """Both lots of a short bought back by hand: its row is closed, the three others stay."""
    rig = differing(units=130)
    settled(rig, Wish.ADOPT)
    assert rig.exits == {2: None}
    synced(rig)
    assert quantities(rig) == [130, -130, 130]
    assert not rig.view.positions[0].differs


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("units", [65, 130])
def test_shrunk_only_our_own_sums_follow(units, restarted):
    """The store's rows stay; exits and P&L count what is held; at the end they are closed."""
    rig = differing(units=units)
    rows = list(rig.rows)
    settled(rig, Wish.SHRINK)
    if restarted:
        rig.start()
    synced(rig)
    left = [130, *([units - 130] if units < 130 else []), -130, 130]
    assert quantities(rig) == left
    assert rig.rows == rows
    assert rig.view.positions[0].state.value == "watching"
    rig.wait(30, *LOSS)
    assert rig.flat
    assert not rig.rows
    assert {row: price is None for row, price in rig.exits.items()} == {1: False, 2: True, 3: False, 4: False}


@pytest.mark.parametrize("restarted", [False, True])
def test_a_part_is_closed_of_what_was_shrunk(restarted):
    """Both are taken off our own sums, in the order in which they happened, also after a restart."""
    rig = parts.rig(lots=8)
    rig.wait(3, *parts.ENTRY)
    rig.exchange.hold({each.key: each.quantity // 2 for each in rig.legs})
    synced(rig)
    settled(rig, Wish.SHRINK)
    synced(rig)
    rig.wait(40, *parts.ONE)
    assert parts.watched(rig) == [3, -3, -3, 3]
    if restarted:
        rig.start()
    synced(rig)
    assert parts.watched(rig) == [3, -3, -3, 3]
    assert not told(rig, DISAGREE)[1:]


@pytest.mark.parametrize("units", [65, 130])
def test_what_was_shrunk_counts_in_full_again_when_the_broker_holds_it(units):
    """The hand sells what it had bought back: no leg is forgotten, and its stop closes all of it."""
    rig = differing(units=units)
    settled(rig, Wish.SHRINK)
    synced(rig)
    by_hand(rig, 1, -units)
    synced(rig)
    assert quantities(rig) == [130, -130, -130, 130]
    rig.wait(30, *LOSS)
    assert rig.flat


def test_what_was_shrunk_ends_when_the_row_itself_is_corrected():
    """The owner writes the store: the rows alone count from then on."""
    rig = differing()
    settled(rig, Wish.SHRINK)
    rig.rows[1] = replace(rig.rows[1], quantity=65)
    synced(rig)
    assert quantities(rig) == [130, -65, -130, 130]


def of_positions(rig):
    """The alerts that are about a position."""
    return [alert for alert in rig.of(Alert) if alert.position is not None]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_position_that_is_not_watched_is_silent_until_its_rows_change(restarted):
    """No alert, no exit, no row written, listed as unwatched; other rows, and it is watched again."""
    rig = differing()
    settled(rig, Wish.UNWATCH)
    if restarted:
        rig.start()
    said = len(of_positions(rig))
    rig.wait(20, *LOSS)
    by_hand(rig, 2, 130)
    synced(rig, 4)
    assert not rig.placed
    assert len(of_positions(rig)) == said
    if restarted:
        assert "No position is watched." in [a.text for a in rig.of(Alert) if a.topic == "running"][-1]
    assert rig.view.positions[0].state.value == "unwatched"
    rig.rows[1] = replace(rig.rows[1], quantity=65)
    rig.rows[2] = replace(rig.rows[2], quantity=130)
    by_hand(rig, 2, -130)
    synced(rig)
    assert len(told(rig, "A position is watched again")) == 1
    rig.wait(30, *LOSS)
    assert rig.flat


def test_a_position_that_is_not_watched_is_never_closed_outside():
    """All of it is gone at the broker: hands off means that its rows stay too."""
    rig = differing()
    settled(rig, Wish.UNWATCH)
    rig.exchange.hold(dict.fromkeys(rig.net, 0))
    synced(rig, 6)
    assert not rig.exits
    assert len(rig.rows) == 4


@pytest.mark.parametrize("halted", [False, True])
def test_resume_of_one_takes_over_that_one_alone(halted):
    """`/resume 3359`: the one goes on, the other stays held, a halt stays a halt."""
    rig = Rig(Mode.EXECUTE, condor(), PUTS, rules=RULES)
    rig.wait(3, *ENTRY, 30, 15)
    by_hand(rig, 1, 65)
    by_hand(rig, 4, 65)
    synced(rig)
    if halted:
        rig.command(Wish.STOP)
    rig.command(Wish.RESUME, 3359)
    rig.tap(rig.of(Ask)[-1].nonce)
    assert rig.of(Card)[-1].title == "Automation resumed"
    why = rig.monitor.helm.differences.why
    assert (why("default/3359"), bool(why("default/7"))) == ("", True)
    assert rig.monitor.helm.halted is halted
    rig.command(Wish.RESUME, 3359)
    assert rig.of(Say)[-1].text == "Nothing holds 3359 back alone."


def test_unwatched_and_resumed_it_acts_again():
    """/resume takes it over as it is."""
    rig = differing()
    settled(rig, Wish.UNWATCH)
    rig.command(Wish.RESUME, 3359, confirmed=True)
    rig.wait(40, *LOSS)
    assert rig.flat


@pytest.mark.parametrize("reads", [1, 2])
def test_what_has_changed_since_it_was_asked_is_not_done(reads):
    """The hand trades on between question and answer, told already or not: nothing is written."""
    rig = differing()
    rig.command(Wish.ADOPT, 3359)
    by_hand(rig, 1, 65)
    synced(rig, reads, 20)
    rig.tap(rig.of(Ask)[-1].nonce)
    assert rig.of(Card)[-1].title == "Not done: 3359 NIFTY Iron Condor"
    assert [row.quantity for row in rig.rows] == [130] * 4
    assert not rig.exits


@pytest.mark.parametrize("wish", [Wish.ADOPT, Wish.SHRINK])
@pytest.mark.parametrize("late", [False, True])
def test_rows_follow_nothing_that_is_listed_at_night(wish, late):
    """The market is closed, at the question or at the answer: what is listed then is not certain."""
    rig = differing()
    if late:
        rig.now_s = at(date(2026, 2, 3), "15:29:30")
        synced(rig, 1, 10)
        rig.command(wish, 3359)
    rig.now_s = at(date(2026, 2, 3), "15:30:10")
    if late:
        rig.tap(rig.of(Ask)[-1].nonce)
        assert "market is closed" in rig.of(Card)[-1].lines[0]
    else:
        rig.command(wish, 3359)
        assert "market is closed" in rig.of(Say)[-1].text
    assert [row.quantity for row in rig.rows] == [130] * 4
    rig.command(Wish.UNWATCH, 3359)
    assert rig.of(Ask)[-1].wish is Wish.UNWATCH


def test_declined_nothing_is_changed():
    """“Leave as it is” leaves it held."""
    rig = differing()
    settled(rig, Wish.ADOPT, yes=False)
    assert "nothing was changed" in rig.of(Card)[-1].lines[0]
    assert rig.monitor.helm.differences.why("default/3359")


def test_a_position_that_does_not_differ_has_nothing_to_settle():
    """An old button on an old alert does nothing, and says so."""
    rig = watched()
    rig.command(Wish.ADOPT, 3359)
    rig.command(Wish.ADOPT, 9)
    assert [say.text for say in rig.of(Say)] == [
        "Nothing was changed: store and broker do not differ.",
        "No open position 9. /status lists what is watched.",
    ]
