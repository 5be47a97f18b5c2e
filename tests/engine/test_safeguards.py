"""Safeguards that must never silence a stop, nor act on what another day, host or process was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.effects import Alert, Ask, ClaimLease
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, Command, LeaseState, Ticks, Wish
from engine.model import Mode
from engine.sessions import at
from engine.tenure import LeaseTerms
from engine.tuning import NetTuning
from tests.engine.makers import quote, strangle
from tests.support.nets import ALL_ON, Fault, NetRig
from tests.support.rig import OWNER, Rig, overnight, rows_of

MIDS, LOST = (20, 45, 40, 18), (20, 145, 40, 18)
STOP = '[default]\nstop_loss_rupees = 1000\nprofit_target = "off"\n'
NONE = NetTuning()


def guarded(nets=NONE, rules=STOP):
    """A condor with a stop, its prices known."""
    made = NetRig(nets=nets, rules=rules)
    made.wait(3, *MIDS)
    return made


def states(made):
    """Where the exits stand."""
    return [intent.state for intent in made.monitor.desk.intents.values()]


def test_a_stop_that_the_kill_switch_refuses_goes_on_when_it_is_off_again():
    """It was turned on a moment ago and nobody knew: refused, told, and not the end of the exit."""
    made = guarded()
    made.killed = True
    made.wait(20, *LOST)
    assert states(made) == [IntentState.WORKING]
    assert made.monitor.helm.killed
    made.killed = False
    made.tell(Beat(BeatKind.HEALTH))
    made.wait(120, *LOST)
    assert made.flat


def test_a_restart_under_the_kill_switch_sends_nothing_into_it():
    """The journal knows that it is on, before the broker has been asked again."""
    made = guarded()
    made.command(strategy_id=3359, confirmed=True)
    made.killed = True
    made.tell(Beat(BeatKind.ACCOUNT))
    sent, made.reads = len(made.placed), False
    made.restart()
    assert made.monitor.helm.killed
    made.wait(5, *MIDS)
    assert len(made.placed) == sent
    made.killed, made.reads = False, True
    made.tell(Beat(BeatKind.HEALTH))
    made.wait(120, *MIDS)
    assert made.flat


def test_a_kill_switch_that_nobody_can_look_at_any_more_does_not_bar_stops_for_ever():
    """It was on, the owner ends it, its page fails from then on: told in some minutes, and the stop goes."""
    made = guarded()
    made.killed = True
    made.tell(Beat(BeatKind.ACCOUNT))
    made.killed, made.reads = False, False
    made.wait(30, *LOST)
    assert not made.placed
    for _ in range(20):
        made.wait(15, *LOST)
        made.tell(Beat(BeatKind.HEALTH))
    assert made.titles().count("Whether Dhan's kill switch is on is not known") == 1
    assert made.flat


def test_until_it_was_once_answered_the_kill_switch_is_asked_about_each_minute():
    """One failed answer at the start is not the last word until the next look at the account."""
    made = NetRig(nets=NONE, rules=STOP)
    made.reads = False
    made.restart()
    made.wait(3, *MIDS)
    made.killed, made.reads = True, True
    made.tell(Beat(BeatKind.HEALTH))
    assert made.monitor.helm.killed


def test_an_expiry_that_was_mistyped_into_the_past_leaves_the_position_unwatched_and_its_hedge_held():
    """A row of no contract, expired before it was entered, has not expired: nothing of it is sold."""

    class Mistyped(Rig):
        def start(self):
            self.rows[1] = replace(self.rows[1], security_id=0, expiry_date=date(2026, 1, 27))
            super().start()

    made = Mistyped(Mode.EXECUTE, rules=STOP)
    made.wait(5, *MIDS)
    assert not made.monitor.holdings.positions
    assert any("3359" in bad.id for bad in made.monitor.holdings.invalid)
    made.command(strategy_id=3359, confirmed=True)
    made.wait(30, *LOST)
    assert not made.placed


def test_a_wish_to_be_flat_ends_when_another_monitor_had_the_account_meanwhile():
    """What the owner has opened since, under that one, is not what was asked about."""

    class Leased(NetRig):
        lease, ours, fence = LeaseTerms("host:1:abc", 30.0), True, 1

        def ask_the_world(self, effect):
            if isinstance(effect, ClaimLease):
                until_s, by = self.now_s + 30, "host:1:abc" if self.ours else "other:2:def"
                return [LeaseState(self.ours, self.fence, until_s if self.ours else 0.0, by)]
            return super().ask_the_world(effect)

    made = Leased(nets=NONE)
    made.wait(3, *MIDS)
    made.tell(Command(Wish.FLATTEN, OWNER, value="everything"))
    made.tap(made.of(Ask)[-1].nonce)
    made.ours, made.fence = False, 2
    made.wait(40)
    made.square_off()
    other = strangle()
    fresh = replace(
        other,
        strategy_id=4000,
        legs=tuple(
            replace(
                leg,
                row_id=500 + n,
                instrument=replace(leg.instrument, security_id=leg.instrument.security_id + 50_000),
            )
            for n, leg in enumerate(other.legs)
        ),
    )
    made.positions, made.rows = (*made.positions, fresh), rows_of(fresh, 100)
    held = {leg.key: made.exchange._baseline.get(leg.key, 0) + leg.quantity for leg in fresh.legs}
    made.exchange.hold({**made.exchange._baseline, **held})
    mids = (*MIDS, *(leg.entry_price_paise / 100 for leg in fresh.legs))
    made.tell(Beat(BeatKind.SYNC))
    made.wait(30, *mids)
    made.tell(Beat(BeatKind.SYNC))
    made.wait(30, *mids)
    made.ours, made.fence = True, 3
    for _ in range(30):
        made.wait(2, *mids)
        made.tell(Beat(BeatKind.SYNC))
    assert [intent.position for intent in made.monitor.desk.intents.values()] == ["default/3359"]
    (wish,) = made.journal["flatten"].values()
    assert wish["step"] == "stuck"
    assert "The account could not be flattened" in made.titles()


def test_a_net_that_did_not_leave_the_house_is_tried_again():
    """Three commands that were never sent say nothing about what Dhan would have answered."""
    made = NetRig(nets=ALL_ON, rules="[account.default]\nday_loss_rupees = 60000\n")
    made.faults.extend([Fault.NOT_SENT] * 4)
    made.wait(3, *MIDS)
    for _ in range(15):
        made.wait(60, *MIDS)
        made.tell(Beat(BeatKind.HEALTH))
    assert len(made.armed) == 1


def test_yesterdays_day_limit_turns_no_kill_switch_on_this_morning():
    """Its exits went on over the night; the limit of today has not spoken."""
    rules = '[default]\nstop_loss = "off"\nprofit_target = "off"\n[account.default]\nday_loss_rupees = 6000\n'
    made = NetRig(nets=NetTuning(kill_after_flat=True), rules=rules)
    made.now_s = at(date(2026, 2, 3), "15:29")
    made.wait(3, *MIDS)
    made.now_s = at(date(2026, 2, 3), "15:29") + 55
    for _ in range(8):
        made.now_s += 0.5
        for leg, mid in zip(made.legs, LOST, strict=True):
            made.tell(Ticks([quote(leg.key, mid - 0.05, mid + 0.05)]))
        made.tell(Beat(BeatKind.PULSE))
    assert not made.flat
    made.now_s = at(date(2026, 2, 3), "15:31")
    made.tell(Beat(BeatKind.PULSE))
    overnight(made)
    made.now_s = at(date(2026, 2, 4), "09:16")
    made.wait(150, *LOST)
    assert made.flat
    assert made.sent == []


@pytest.mark.parametrize("lives_s", [0.5, 3.0])
def test_a_loss_alert_that_waits_for_its_stop_survives_the_process(lives_s):
    """It counts as told in the journal, so whoever comes next tells it."""
    made = Rig(Mode.EXECUTE, rules=STOP + "confirm_s = 60\n")
    made.wait(3.5, *MIDS)
    made.wait(lives_s, 20, 45, 55.6, 18)
    made.start()
    made.wait(10, 20, 45, 55.6, 18)
    assert [a.text for a in made.of(Alert) if "beyond the stop loss rupees" in a.text] == [
        "Loss ₹1,014.00: beyond the stop loss rupees at −₹1,000.00."
    ]
