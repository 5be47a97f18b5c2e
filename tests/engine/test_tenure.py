"""One owner per account: whoever does not surely hold the lease only alerts, and comes back by himself."""

from __future__ import annotations

import pytest

from engine.broker_nouns import OrderRequest
from engine.effects import Alert, Audit, CancelOrder, LoadTrades, PlaceOrder, QueryBroker, Say
from engine.messages import Beat, BeatKind, LeaseState, Wish
from engine.model import Mode, Side, Urgency
from engine.tenure import MARGIN_S, RENEW_S, LeaseTerms, Tenure
from tests.engine.test_monitor import ENTRY, LOSS, PROFIT
from tests.support.leased import TTL_S, Leased, Registry
from tests.support.rig import Rig

OTHER = "there:9:zz"
STOP = '[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'


def other_owns(until_in_s=1e9):
    """A place in which somebody else owns the account, for so long from the start."""
    registry = Registry()
    rig = Leased(registry=registry)
    registry.give(OTHER, rig.now_s + until_in_s)
    return registry


def close_by_hand(rig):
    """Somebody else sends what closes all that is held, at prices that fill."""
    for number, row in enumerate(rig.exchange.positions()):
        units = row.net_quantity
        if units:
            side, limit = (Side.SELL, 5) if units > 0 else (Side.BUY, 100_000)
            rig.exchange.place(OrderRequest(f"hand-{number}", row.key, side, abs(units), limit, row.product))


def test_an_exit_runs_under_the_lease_and_the_audit_says_under_which():
    """Fence 1 is taken before the first order; each command of the exit is told with it."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(60, *PROFIT)
    assert rig.flat
    sent = [audit.data for audit in rig.audits if audit.event == "sent under the lease"]
    assert {data["fence"] for data in sent} == {1}
    assert {order.correlation_id for order in rig.placed} <= {
        name for data in sent for name in data["orders"]
    }


def test_the_fence_of_an_order_is_written_in_the_same_handling_and_before_it():
    """The line of the audit stands with the records that are committed before the command leaves."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(10, *PROFIT)
    sending = [each for each in rig.handled if any(isinstance(e, PlaceOrder) for e in each)]
    assert sending
    for effects in sending:
        orders = [e.order.correlation_id for e in effects if isinstance(e, PlaceOrder)]
        assert isinstance(effects[0], Audit)
        assert effects[0].event == "sent under the lease"
        assert set(orders) <= set(effects[0].data["orders"])


@pytest.mark.parametrize("mode", [Mode.SIMULATE, Mode.ALERT_ONLY, Mode.EXECUTE])
def test_a_monitor_that_needs_no_lease_asks_for_none(mode):
    """Without terms nothing is claimed, and nothing is held back for want of it."""
    rig = Rig(mode)
    rig.wait(60, *ENTRY)
    assert rig.view.degraded == ""


def test_a_second_monitor_only_alerts_and_says_whose_account_it_is():
    """The rule fires, nothing leaves, one HIGH alert names the host of the owner."""
    rig = Leased(registry=other_owns())
    rig.wait(1, *ENTRY)
    rig.wait(60, *LOSS)
    assert not rig.placed
    assert rig.degraded == "another monitor owns this account (there)"
    told = [a for a in rig.of(Alert) if a.title == "This monitor does not own the account"]
    assert [a.urgency for a in told] == [Urgency.HIGH]
    assert "(there)" in told[0].text
    assert any("another monitor owns this account" in a.text for a in rig.of(Alert) if a.position)


def test_it_takes_over_by_itself_reads_everything_first_and_then_acts():
    """The other falls silent: its lease is taken, books and rows are read anew, and the stop acts."""
    rig = Leased(registry=other_owns(until_in_s=40))
    rig.wait(1, *ENTRY)
    rig.wait(30, *LOSS)
    assert not rig.placed
    rig.wanted.clear()
    rig.wait(60, *LOSS)
    assert rig.flat
    assert "This monitor owns the account" in rig.titles
    begun = [type(effect) for effect in rig.wanted]
    first = begun.index(PlaceOrder)
    assert {QueryBroker, LoadTrades} <= set(begun[:first])


def test_after_a_takeover_nothing_is_sent_on_what_was_read_before_it():
    """The broker cannot be read when the account becomes ours: the books of before do not count."""
    registry = other_owns(until_in_s=40)
    rig = Leased(registry=registry)
    rig.wait(1, *ENTRY)
    rig.wait(30, *LOSS)
    rig.broker_answers = False
    rig.wait(30, *LOSS)
    assert registry.owner == "here:1:aa"
    assert rig.degraded == "the broker's positions have not been read yet"
    assert not rig.placed
    rig.broker_answers = True
    rig.wait(60, *LOSS)
    assert rig.flat


def test_an_exit_that_ran_before_waits_for_the_books_when_the_account_is_ours_again():
    """Half done, lost for a while, regained while the broker is away: the last report is young, and old."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    rig.registry.give(OTHER, rig.now_s + 9)
    rig.wait(8)
    rig.wait(1, *PROFIT)  # its shorts are bought back, and the longs are next
    placed = len(rig.placed)
    assert 0 < placed < 4
    rig.tell(Beat(BeatKind.SYNC))
    rig.broker_answers = False
    rig.wait(10, *PROFIT)
    assert rig.registry.owner == rig.owner
    assert len(rig.placed) == placed
    assert rig.degraded == "the broker's positions have not been read yet"
    rig.broker_answers = True
    rig.wait(90, *PROFIT)
    assert rig.flat


def test_an_empty_store_is_not_believed_at_once_after_a_takeover():
    """There were positions: the third empty answer in a row counts, as at any other time."""
    rig = Leased(registry=other_owns(until_in_s=40))
    rig.wait(30, *ENTRY)
    rig.rows = []
    rig.wait(20, *ENTRY)
    assert rig.degraded == "the trade store has not been read yet"
    for _ in range(2):
        rig.tell(Beat(BeatKind.SYNC))
    assert rig.degraded == ""


def test_rows_that_were_asked_for_before_the_takeover_do_not_count():
    """An old answer that comes late tells of the other's time: rules wait for the next one."""
    rig = Leased(registry=other_owns(until_in_s=40))
    rig.store_answers = False
    rig.wait(60, *ENTRY)
    rig.store_answers = True
    rows = rig.ask_the_world(LoadTrades())[0]
    late = type(rows)(rows.rows, rows.detail, rows.levels, began_s=rig.now_s - 50)
    rig.tell(late)
    assert rig.degraded == "the trade store has not been read yet"
    rig.tell(Beat(BeatKind.SYNC))
    assert rig.degraded == ""


def test_a_lease_that_cannot_be_renewed_holds_to_its_end_and_no_longer():
    """The place is away: orders go on until the end is near, then it is told HIGH; back, they go on."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.registry.away = "no route"
    rig.wait(TTL_S - 12, *ENTRY)
    assert rig.degraded == ""
    rig.wait(12, *ENTRY)
    assert rig.degraded == "the lease of this account could not be renewed (no route)"
    rig.wait(30, *LOSS)
    assert not rig.placed
    told = [a for a in rig.of(Alert) if a.title == "This monitor does not own the account"]
    assert [a.urgency for a in told] == [Urgency.HIGH]
    rig.registry.away = ""
    rig.wait(60, *LOSS)
    assert rig.flat
    assert "This monitor owns the account" in rig.titles


def test_an_exit_stands_while_the_account_is_not_ours_and_goes_on_afterwards():
    """In its midst the lease is lost: no order, no new price, no cancel; taken again, it ends flat."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    placed = len(rig.placed)
    assert 0 < placed < 4
    rig.registry.give(OTHER, rig.now_s + 60)
    rig.wait(12)  # the next renewal tells
    rig.wanted.clear()
    rig.wait(40, *PROFIT)
    assert len(rig.placed) == placed
    assert not [c for c in rig.wanted if isinstance(c, PlaceOrder | CancelOrder)]
    rig.wait(60, *PROFIT)
    assert rig.flat


def test_a_process_that_slept_past_the_end_sends_nothing_in_its_first_breath():
    """Stopped with an exit in its midst and woken: before the first answer the lease counts as over."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    placed = len(rig.placed)
    rig.registry.give(OTHER, rig.now_s + 1e6)
    rig.asleep = True
    rig.now_s += TTL_S + 5
    for _ in range(10):
        rig.tell(Beat(BeatKind.PULSE))
        rig.quotes(*PROFIT)
    assert len(rig.placed) == placed
    assert rig.degraded == "the lease of this account has run out"
    rig.wait(4)
    assert "This monitor does not own the account" in rig.titles


def test_a_stop_says_that_its_cancels_do_not_leave():
    """/stop where the account is another's: the rules stand still, the order is the owner's to cancel."""
    rig = Leased(registry=other_owns())
    rig.wait(1, *ENTRY)
    rig.command(Wish.STOP)
    assert rig.of(Say)[-1].text.endswith(
        "From here nothing is sent, no cancel either: another monitor owns this account (there)."
    )


def test_whoever_does_not_own_the_account_leaves_the_rows_alone():
    """His exit turns out flat by another's hand: the rows are the owner's to close, and late ones ours."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    rig.registry.give(OTHER, rig.now_s + 90)
    rig.wait(12)
    rig.wait(1, *PROFIT)
    close_by_hand(rig)
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert len(rig.rows) == 4
    rig.wait(60, *PROFIT)
    rig.tell(Beat(BeatKind.SYNC))
    assert not rig.rows


def test_what_the_other_has_half_closed_is_closed_by_the_rule_that_is_met():
    """The other falls silent when its shorts are bought back: the longs are sold, and nothing twice."""
    registry = Registry()
    old = Leased(registry=registry, rules=STOP)
    old.wait(1, *ENTRY)
    old.wait(1, *LOSS)
    bought = {order.key for order in old.placed}
    assert len(bought) == 2
    new = Leased(owner="there:2:bb", registry=registry, rules=STOP)
    new.exchange = old.exchange
    new.now_s = old.now_s
    registry.until_s = new.now_s + 100  # long enough that store and broker are seen to differ
    for _ in range(24):
        new.tell(Beat(BeatKind.SYNC))
        new.wait(10, *LOSS)
    assert registry.owner == "there:2:bb"
    assert new.flat
    assert bought.isdisjoint(order.key for order in new.placed)
    old.now_s = new.now_s
    placed = len(old.placed)
    old.wait(60, *LOSS)
    assert len(old.placed) == placed
    assert old.flat


def test_a_restart_takes_the_lease_of_its_dead_predecessor_at_once():
    """Killed in the midst of an exit: whoever has the journal need not wait for the end of the lease."""
    rig = Leased()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    assert 0 < len(rig.placed) < 4
    rig.lease = LeaseTerms("here:2:bb", TTL_S)
    rig.start()
    assert rig.registry.owner == "here:2:bb"
    assert rig.registry.fence == 2
    rig.wait(60, *PROFIT)
    assert rig.flat


def test_two_that_died_before_they_had_it_are_known_to_the_third():
    """The name is written down before it is asked for; a life that got no answer leaves a trail too."""
    rig = Leased()
    rig.asleep = True
    rig.lease = LeaseTerms("here:2:bb", TTL_S)
    rig.start()
    rig.asleep = False
    rig.lease = LeaseTerms("here:3:cc", TTL_S)
    rig.start()
    assert rig.claims[-1].heirs == ("here:1:aa", "here:2:bb")
    assert rig.registry.owner == "here:3:cc"


def test_a_journal_that_was_copied_to_another_host_inherits_nothing():
    """Its writer may be alive there: the copy waits like everybody else."""
    rig = Leased()
    rig.lease = LeaseTerms("elsewhere:2:bb", TTL_S)
    rig.start()
    assert rig.registry.owner == "here:1:aa"
    assert rig.degraded == "another monitor owns this account (here)"


def test_the_fence_only_grows_even_when_its_place_was_lost():
    """A new place begins at nothing; the journal knows better."""
    rig = Leased()
    rig.registry.fence, rig.registry.owner = 7, ""
    rig.lease = LeaseTerms("here:2:bb", TTL_S)
    rig.start()
    assert rig.monitor.helm.tenure.fence == 8
    rig.registry = Registry()
    rig.lease = LeaseTerms("here:3:cc", TTL_S)
    rig.start()
    assert rig.monitor.helm.tenure.fence == 9


def test_a_clock_that_is_set_does_not_keep_the_lease_alive():
    """Back by an hour, the end lies an hour ahead: that is no lease, and it is asked for at once."""
    tenure = Tenure(LeaseTerms("here:1:aa", TTL_S))
    assert tenure.look(10_000.0)
    tenure.take(LeaseState(True, 1, 10_030.0, "here:1:aa"), 10_000.0)
    assert tenure.why(10_030.0 - MARGIN_S - 0.1) == ""
    assert tenure.why(10_030.0 - MARGIN_S) == "the lease of this account has run out"
    assert tenure.why(6_400.0) == "the lease of this account has run out"
    assert any("ClaimLease" in repr(effect) for effect in tenure.look(6_400.0))


def test_a_claim_without_an_answer_is_made_again_after_the_clock_was_set_back():
    """Ten seconds from a moment that lies ahead would be an hour."""
    tenure = Tenure(LeaseTerms("here:1:aa", TTL_S))
    assert tenure.look(10_000.0)
    assert tenure.look(6_400.0)


def test_a_claim_without_an_answer_is_made_again():
    """A lost answer must not mean that nobody ever asks again."""
    tenure = Tenure(LeaseTerms("here:1:aa", TTL_S))
    assert tenure.look(0.0)
    claims = [
        moment for moment in range(1, 25) if any("Claim" in repr(e) for e in tenure.look(float(moment)))
    ]
    assert claims == [10, 20]


def test_a_long_lease_is_renewed_as_often_as_a_short_one():
    """What counts when its place goes away is what is left then: almost all of it."""
    tenure = Tenure(LeaseTerms("here:1:aa", 3_600.0))
    assert tenure.look(10_000.0)
    tenure.take(LeaseState(held=True, fence=1, until_s=13_600.0, by="here:1:aa"), 10_000.0)
    assert tenure.look(10_000.0 + RENEW_S - 1) == []
    assert tenure.look(10_000.0 + RENEW_S) != []
