"""Each exit's light: red before the stop fires, told once, and green again; cheap, and never on a tick."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Alert, Audit
from engine.messages import (
    AccountState,
    Beat,
    BeatKind,
    InstrumentsLoaded,
    JournalState,
    Ticks,
    TradesLoaded,
    Wish,
)
from engine.model import Mode, Urgency
from engine.monitor import Monitor
from engine.preflight import Light
from engine.readiness import OLD_PRICE_S, PLANNED_AT_ONCE, PRICE_AFTER_S
from engine.starts import Starts
from tests.engine.makers import condors, leg, position, quote, strangle
from tests.engine.test_access import good, moment
from tests.support.rig import Rig, frozen, overnight

MIDS = (20, 45, 40, 18)
HEALTH = Beat(BeatKind.HEALTH)
#: Two hundred lots in slices of two: a hundred orders, more than an exit may send.
MANY = frozen(condors(200), 130)


def rig(mode=Mode.EXECUTE, *positions, quoted=True):
    """A monitor whose account is well, in session."""
    made = Rig(mode, *positions)
    made.tell(good("23:00"))
    if quoted:
        made.quotes(*MIDS * (len(made.legs) // 4))
    made.tell(HEALTH)
    return made


def light(made):
    """The light of the only position and its words."""
    (seen,) = made.view.positions
    assert seen.ready is not None
    return seen.ready.light, seen.ready.text, seen.ready.shared


def told(made):
    """What was told of exits."""
    return [(a.urgency, a.title, a.text) for a in made.of(Alert) if a.topic.startswith("exit-")]


def later(made, seconds):
    """The next look, so much later."""
    made.now_s += seconds
    made.tell(HEALTH)


def master(made, **changes):
    """A new instrument master, in which the first contract is different."""
    found = {each.key: each.instrument for each in made.legs}
    first = made.legs[1]
    made.tell(InstrumentsLoaded(found | {first.key: replace(first.instrument, **changes)}))


READY = (Light.GREEN, "exit ready", False)


def test_a_calm_position_is_ready():
    """Nothing is told of it."""
    made = rig()
    assert (light(made), told(made)) == (READY, [])


def test_a_contract_without_a_price_is_amber_then_red_then_green():
    """The first price after a start comes late; then it is news, once, and its end too."""
    made = rig(quoted=False)
    assert light(made)[0] is Light.AMBER
    later(made, PRICE_AFTER_S / 2)
    assert (light(made)[0], told(made)) == (Light.AMBER, [])
    later(made, PRICE_AFTER_S / 2)
    later(made, 60)
    state, words, shared = light(made)
    assert (state, shared) == (Light.RED, False)
    assert words.startswith("exit would be refused: NIFTY 24 FEB 24700 PE: there is no price")
    ((urgency, title, text),) = told(made)
    assert (urgency, title) == (Urgency.HIGH, "An exit would be refused")
    assert text.startswith("3359 NIFTY Iron Condor: NIFTY 24 FEB 24700 PE: there is no price")
    made.quotes(*MIDS)
    assert light(made) == READY  # seen at once, told at the next look
    later(made, 60)
    later(made, 60)
    assert told(made)[1:] == [(Urgency.MEDIUM, "An exit can go again", "3359 NIFTY Iron Condor.")]


def test_rows_that_change_do_not_restart_the_wait_for_a_price():
    """The contract is the same."""
    made = rig(quoted=False)
    later(made, PRICE_AFTER_S / 2)
    made.rows = [replace(row, quantity=row.quantity * 2) for row in made.rows]
    made.tell(TradesLoaded(tuple(made.rows)))
    later(made, PRICE_AFTER_S / 2)
    assert light(made)[0] is Light.RED


def test_what_an_exit_has_traded_needs_no_orders_any_more():
    """A hundred orders are too many; after a part of them and /stop the rest is not."""
    legs = strangle().legs
    made = Rig(Mode.EXECUTE, frozen(position(*(replace(x, quantity=x.quantity * 200) for x in legs)), 130))
    made.tell(good("23:00"))
    made.quotes(45, 55)
    assert light(made)[0] is Light.RED
    made.command(confirmed=True)
    made.wait(60, 45, 55)
    made.command(Wish.STOP)
    made.wait(5, 45, 55)
    made.tell(HEALTH)
    assert not made.flat
    assert light(made) == READY


def test_who_looks_in_between_changes_nothing_that_is_told():
    """A glance does not start the clock of a missing price."""
    made = rig(quoted=False)
    made.monitor.readiness._entries[made.positions[0].id].bare_s = None
    assert light(made)[0] is Light.AMBER
    assert made.monitor.readiness._entries[made.positions[0].id].bare_s is None


def test_a_price_that_is_missing_at_the_close_is_not_back_by_that():
    """Nobody knows at night; what was told stands, what was not told begins anew in the morning."""
    made = rig(quoted=False)
    later(made, PRICE_AFTER_S)
    assert len(told(made)) == 1
    overnight(made)
    made.tell(replace(good(), valid_until_s=made.now_s + 86_400))
    later(made, 0)
    assert light(made)[1] == "exit ready for the next session"
    later(made, 120)
    assert len(told(made)) == 1
    made.quotes(*MIDS)
    later(made, 60)
    assert told(made)[1][1] == "An exit can go again"


def test_what_is_mended_at_night_is_told_at_night():
    """Rows and contracts need no market."""
    made = rig(Mode.EXECUTE, MANY)
    made.now_s = moment("19:00")
    made.rows = [replace(row, quantity=row.quantity // 100) for row in made.rows]
    made.tell(TradesLoaded(tuple(made.rows)))
    assert [title for _, title, _ in told(made)] == ["An exit would be refused", "An exit can go again"]


def test_a_price_that_was_only_awaited_at_the_close_is_awaited_again_in_the_morning():
    """A minute, as after every open."""
    made = rig(quoted=False)
    overnight(made)
    made.tell(replace(good(), valid_until_s=made.now_s + 86_400))
    later(made, 0)
    later(made, 120)
    assert (light(made)[0], told(made)) == (Light.AMBER, [])


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"upper_paise": 4_000}, Light.AMBER, "exit ready; NIFTY 24 FEB 24700 PE: its price is outside"),
        ({"lower_paise": 5_000}, Light.AMBER, "exit ready; NIFTY 24 FEB 24700 PE: its price is outside"),
        ({"upper_paise": 9_000, "lower_paise": 5}, Light.GREEN, "exit ready"),
    ],
)
def test_a_price_outside_of_the_days_range_is_seen_with_the_new_master(changes, state, words):
    """And is well again with the next one; it refuses nothing yet, so nobody is woken."""
    made = rig()
    master(made, **changes)
    assert light(made)[0] is state
    assert light(made)[1].startswith(words)
    master(made)
    assert (light(made), told(made)) == (READY, [])


def test_a_side_that_nobody_offers_is_amber():
    """The order would rest."""
    made = rig()
    tick = quote(made.legs[1].key, 44, 45)
    tick.ask_paise = None
    made.tell(Ticks([tick]))
    assert light(made)[:2] == (Light.AMBER, "exit ready; NIFTY 24 FEB 24700 PE: nobody sells it now")
    made.quotes(*MIDS)
    assert light(made) == READY


def test_a_price_that_is_old_is_amber():
    """It may have gone elsewhere."""
    made = rig()
    later(made, OLD_PRICE_S)
    assert light(made) == READY
    later(made, 1)
    assert light(made)[:2] == (
        Light.AMBER,
        "exit ready; " + "; ".join(f"{leg.name}: its price is old" for leg in _plan(made)),
    )
    made.quotes(*MIDS)
    assert light(made) == READY


def test_a_plan_of_too_many_orders_is_red_until_the_master_allows_more():
    """Told when the position is taken over, and when a freeze quantity mends it."""
    made = rig(Mode.SEMI_AUTO, MANY)
    assert light(made)[0] is Light.RED
    ((urgency, _, text),) = told(made)
    assert urgency is Urgency.HIGH
    assert "needs 100 orders, more than 90" in text
    found = {each.key: replace(each.instrument, freeze_quantity=1_800) for each in made.legs}
    made.tell(InstrumentsLoaded(found))
    assert light(made) == READY
    assert [title for _, title, _ in told(made)[1:]] == ["An exit can go again"]


def test_a_position_that_grows_beyond_what_an_exit_may_send_turns_red():
    """At once with its rows, and back with them."""
    small = frozen(condors(2), 130)
    made = rig(Mode.EXECUTE, small)
    rows = made.rows
    made.rows = [replace(row, quantity=row.quantity * 100) for row in rows]
    made.tell(TradesLoaded(tuple(made.rows)))
    assert light(made)[0] is Light.RED
    made.tell(TradesLoaded(tuple(rows)))
    assert light(made) == READY
    assert [title for _, title, _ in told(made)] == ["An exit would be refused", "An exit can go again"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (replace(good("23:00"), orders_allowed=False), "this address is not the one registered"),
        (replace(good("23:00"), derivatives=False), "no derivatives at Dhan"),
        (replace(good("23:00"), refused="DH-901: invalid token"), "DH-901: invalid token"),
        (good("09:19"), "Token ended at 09:19"),
    ],
)
def test_what_stops_every_exit_is_shown_at_once_and_told_elsewhere(state, words):
    """Token, address and permission; and it is over with the next answer."""
    made = rig()
    made.tell(state)
    seen, text, shared = light(made)
    assert (seen, shared) == (Light.RED, True)
    assert text.startswith(f"exit would be refused: {words}")
    made.tell(good("23:00"))
    assert (light(made), told(made)) == (READY, [])


@pytest.mark.parametrize(
    "state",
    [
        good("15:00"),
        AccountState(failed="no route"),
        replace(good("23:00"), orders_allowed=None),
        replace(good("23:00"), data_plan=False),
    ],
)
def test_what_refuses_no_order_now_leaves_it_ready(state):
    """A token that ends later, an answer that did not come, an address nobody spoke of."""
    made = rig()
    made.tell(state)
    assert light(made) == READY


def test_a_token_ends_by_itself():
    """No message says so."""
    made = rig()
    made.tell(good("09:21"))
    assert light(made) == READY
    made.now_s = moment("09:21")
    assert light(made)[1] == "exit would be refused: Token ended at 09:21"


def test_a_journal_that_fails_is_shown():
    """No order leaves then."""
    made = rig()
    made.tell(JournalState("disk full"))
    assert light(made)[1:] == ("exit would be refused: the journal cannot be written (disk full)", True)
    made.tell(JournalState(""))
    assert light(made) == READY


@pytest.mark.parametrize(
    ("mode", "at", "urgency"),
    [
        (Mode.EXECUTE, "10:00", Urgency.HIGH),
        (Mode.SEMI_AUTO, "10:00", Urgency.HIGH),
        (Mode.SIMULATE, "10:00", Urgency.MEDIUM),
        (Mode.ALERT_ONLY, "10:00", Urgency.MEDIUM),
        (Mode.EXECUTE, "08:00", Urgency.MEDIUM),
        (Mode.EXECUTE, "19:00", Urgency.MEDIUM),
    ],
)
def test_how_loud_it_is(mode, at, urgency):
    """HIGH where an exit could be due at any moment."""
    made = Rig(mode, MANY, now_s=moment(at))
    assert [said[0] for said in told(made)] == [urgency]


def test_on_paper_no_account_is_asked_and_alert_only_has_no_exit():
    """What Dhan thinks of our address is nothing to a paper exit; alert-only shows only what is red."""
    paper, looker = rig(Mode.SIMULATE), rig(Mode.ALERT_ONLY)
    for made in (paper, looker):
        made.tell(replace(good("23:00"), orders_allowed=False))
    assert light(paper) == READY
    assert looker.view.positions[0].ready is None


def test_many_at_once_are_one_alert():
    """A feed that is subscribed to nothing must not ring twenty times."""
    many = [position(leg(65, 24_000 + 100 * n, "CE", 20), strategy_id=n + 1) for n in range(4)]
    made = rig(Mode.EXECUTE, *many, quoted=False)
    later(made, PRICE_AFTER_S)
    ((urgency, title, text),) = told(made)
    assert (urgency, title) == (Urgency.HIGH, "The exits of 4 positions would be refused")
    assert len(text.splitlines()) == 4


def test_an_exit_that_runs_has_no_light():
    """Its card tells more; afterwards nothing is left of it."""
    made = rig(Mode.EXECUTE)
    made.command(confirmed=True)
    made.tell(HEALTH)
    assert made.view.positions[0].ready is None
    made.wait(5, *MIDS)
    made.tell(HEALTH)
    assert made.flat
    assert made.view.positions[0].ready is None
    assert made.monitor.readiness._entries == {}


def test_nothing_is_planned_again_when_nothing_has_changed():
    """A minute's look at a quiet house is a comparison for each contract."""
    made = rig()
    helm, planned = made.monitor.helm, []
    plan = helm.starts.plan

    def counted(position, part):
        planned.append(position)
        return plan(position, part)

    helm.starts.plan = counted
    for _ in range(3):
        later(made, 60)
        made.quotes(*MIDS)
    made.tell(TradesLoaded(tuple(made.rows)))
    assert planned == []
    master(made, upper_paise=9_000)
    assert len(planned) == 1


def test_a_tick_costs_it_nothing():
    """Nothing of it is called."""
    made = rig()
    made.monitor.readiness = None
    made.monitor.handle(Ticks([quote(made.legs[0].key, 19.95, 20.05)]), made.now_s)


def test_what_turns_red_stands_in_the_journal():
    """With its reason, and its end too."""
    made = rig()
    made.rows = [replace(row, quantity=row.quantity * 200) for row in made.rows]
    made.positions = (frozen(made.positions[0], 130),)
    heard = made.monitor.handle(TradesLoaded(tuple(made.rows)), made.now_s)
    heard += made.monitor.handle(InstrumentsLoaded({x.key: x.instrument for x in made.legs}), made.now_s)
    audits = [effect for effect in heard if isinstance(effect, Audit) and effect.event.startswith("exit-")]
    assert [audit.data["position"] for audit in audits] == ["default/3359"]
    assert "orders, more than 90" in audits[0].data["why"]


def _plan(made):
    return made.monitor.helm.starts.plan(made.positions[0], None)


def test_many_exits_are_planned_in_turns_and_told_together(monkeypatch):
    """A hundred that would be refused: no more than forty plans in one handling, and one alert of all."""
    handled, plan, handle = [], Starts.plan, Monitor.handle

    def counted(starts, position, part):
        handled[-1] += 1
        return plan(starts, position, part)

    def turn(monitor, message, now_s):
        handled.append(0)
        return handle(monitor, message, now_s)

    monkeypatch.setattr(Starts, "plan", counted)
    monkeypatch.setattr(Monitor, "handle", turn)
    many = [replace(MANY, strategy_id=number) for number in range(1, 101)]
    made = Rig(Mode.EXECUTE, *many)
    assert max(handled) == PLANNED_AT_ONCE
    assert sum(handled) == len(many)
    made.tell(good("23:00"))
    made.quotes(*MIDS * len(many))
    later(made, 1)
    assert [title for _, title, _ in told(made)] == ["The exits of 100 positions would be refused"]
    assert sum(handled) == len(many)
