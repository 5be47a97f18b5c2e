"""The next move of one leg of an exit: place, re-price, cancel, shrink, wait or give up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.blotter import is_lost
from engine.bounds import forget, inside_paise, range_edge_paise
from engine.model import Action
from engine.pricing import Ladder, Style, far_side_paise, limit_paise, mid_paise
from engine.rules.day_limits import DAY_RULES
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.broker_nouns import BrokerPosition, Product
    from engine.intents import Intent, LegPlan
    from engine.ledger import Ledger
    from engine.orders import Order
    from engine.pricing import Touch
    from engine.tuning import Tuning

__all__ = ["Block", "Cancel", "Place", "Reprice", "Step", "Tell", "Wait", "next_step"]

MAX_MODIFIES = 20
MAX_ORDERS = 90
SHRINK_READS = 3
MISSING_READS = 5
#: What was read longer ago than this (the gate was shut meanwhile) starts no order.
OLD_READ_S = 15.0
#: A cancel that was refused, lost, or taken without effect is sent again after this.
CANCEL_AGAIN_S = 5.0
#: An order that is to fill at once or not at all is still there after this: it rests like any other.
IOC_RESTS_S = 5.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now; ``report`` when a fresh report would help, ``why`` in people's words."""

    report: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Send a new order for this leg."""

    quantity: int
    limit_paise: int
    product: Product
    ioc: bool = False


@dataclass(frozen=True, slots=True)
class Reprice:
    """Move the working order to this limit."""

    order: Order
    limit_paise: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the working order (to replace it once the cancel is confirmed)."""

    order: Order


@dataclass(frozen=True, slots=True)
class Block:
    """This leg cannot go on; a person must be told."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """The leg goes on as it is, but the owner should know."""

    topic: str
    text: str


Step = Wait | Place | Reprice | Cancel | Block | Tell


def next_step(
    intent: Intent,
    index: int,
    units: int,
    ledger: Ledger,
    live: Sequence[Order],
    touch: Touch,
    now_s: float,
    tuning: Tuning,
) -> Step:
    """Decide what to do for one leg, given every live order of the account.

    Of its rest ``units`` may go now (`engine.batches.turn`), those of live orders included. Changes only the
    leg's own counters (reads that disagreed, the frozen mid).
    """
    leg = intent.legs[index]
    own = intent.live_on(index)
    if own and (_held_less(leg, ledger, live) or sum(o.rest for o in own) > units):
        return _take_back(leg, own, now_s)
    if leg.blocked:
        return Wait()
    if own:
        return _tend(intent, leg, own[0], touch, now_s, tuning)
    if units <= 0 or now_s < leg.wait_until_s or _came_to_nothing(intent, index, now_s):
        return Wait()
    return _start(intent, index, units, ledger, live, touch, now_s, tuning)


def cancel_due(order: Order, now_s: float) -> bool:
    """True when a cancel of this order may leave now: none is under way, or the last one did nothing."""
    if not order.order_id or order.pending:
        return False
    return order.cancel_sent_s is None or now_s - order.cancel_sent_s >= CANCEL_AGAIN_S


def ladder_of(intent: Intent, leg: LegPlan) -> Ladder:
    """The price ladder of a leg; its mid must be frozen."""
    assert leg.mid_paise is not None  # noqa: S101 - callers freeze it first
    return Ladder(leg.side, intent.style, leg.mid_paise, leg.tick_paise, leg.uncapped and _must_go_on(intent))


def _must_go_on(intent: Intent) -> bool:
    """Whether the exit goes past its cap when that has been waited at; the others stay there."""
    return intent.verdict.action is Action.CLOSE_IMMEDIATELY or intent.verdict.rule in DAY_RULES


def freeze_mid(leg: LegPlan, touch: Touch, now_s: float) -> bool:
    """Freeze the price the cap is measured from; False while nothing is known of the price.

    An exit whose orders died with the day's session begins the next one from that day's first price:
    a cap around yesterday's would keep it out of a market that opened elsewhere.
    """
    today = ist_date(now_s)
    if leg.mid_paise is not None and ist_date(leg.mid_s) == today:
        return True
    if leg.mid_paise is not None and ist_date(touch.arrived_s) != today:
        return False
    return renew_mid(leg, touch, now_s)


def renew_mid(leg: LegPlan, touch: Touch, now_s: float) -> bool:
    """Freeze the price the cap is measured from anew, and begin the ladder again; False = there is none."""
    fresh = mid_paise(touch)
    if fresh is None:
        return False
    leg.mid_paise, leg.mid_s, leg.mids, leg.uncapped = fresh, now_s, 1, False
    leg.trigger_mid_paise = fresh if leg.trigger_mid_paise is None else leg.trigger_mid_paise
    return True


def _held_less(leg: LegPlan, ledger: Ledger, live: Sequence[Order]) -> bool:
    """The last word of the broker is less than what our orders ask for: somebody else traded."""
    row = ledger.row(leg) if ledger.fresh(leg.key) else None
    return row is not None and ledger.free(leg, row.net_quantity, live) < 0


def _take_back(leg: LegPlan, own: Sequence[Order], now_s: float) -> Step:
    """More is asked for than may be traded: an order that was given up turned up, or a hand was faster.

    One order at a time, the newest first; what is still right to trade is placed anew afterwards.
    """
    due = [order for order in own if cancel_due(order, now_s)]
    if due:
        return Cancel(due[-1])
    return Wait(report=True, why=f"{leg.name}: more is asked for than is held, and a cancel is not confirmed")


def _tend(intent: Intent, leg: LegPlan, order: Order, touch: Touch, now_s: float, tuning: Tuning) -> Step:
    """Look after a live order: step its price, replace it when its modifications are used up."""
    if not order.order_id or order.unknown_s is not None:
        return Wait(report=True)  # the desk tells of it by itself
    if order.pending or order.cancel_sent_s is not None:
        if order.cancel_sent_s is not None and cancel_due(order, now_s):
            return Cancel(order)
        return Wait(report=True, why=f"{leg.name}: the broker does not confirm a change of {order.id}")
    if not freeze_mid(leg, touch, now_s) or (order.request.ioc and now_s - order.priced_s < IOC_RESTS_S):
        return Wait()
    told = _patience(intent, leg, touch, now_s, tuning)
    if told is not None:
        return told
    ladder = ladder_of(intent, leg)
    far = far_side_paise(ladder, touch)
    limit, sign = order.request.limit_paise, leg.side.sign  # somebody may have moved it past the cap
    at_cap = (limit - ladder.cap_paise()) * sign >= 0 or limit == range_edge_paise(leg, far)
    if at_cap and now_s - order.priced_s >= tuning.cap_wait_s and not leg.uncapped:
        leg.uncapped = True
        text = f"{leg.name}: the limit stands at its cap and is not filled. " + (
            "Going on to the exchange's price band." if _must_go_on(intent) else "It stays there."
        )
        return Tell(f"cap:{intent.id}:{leg.key}", text)
    if now_s - order.priced_s < intent.style.step_s or now_s < leg.wait_until_s:
        return Wait()
    forget(leg, far, now_s)
    wanted = limit_paise(ladder, touch, now_s - leg.mid_s)
    return _reprice(leg, order, inside_paise(leg, wanted, far, order.request.limit_paise))


def _reprice(leg: LegPlan, order: Order, wanted_paise: int) -> Step:
    """Move a resting order to a better limit, or replace it; never lose it for a price that is not taken."""
    if (wanted_paise - order.request.limit_paise) * leg.side.sign <= 0:
        return Wait()
    if order.modifies < MAX_MODIFIES:
        return Reprice(order, wanted_paise)
    return Wait() if leg.refused_paise is not None else Cancel(order)


def _patience(intent: Intent, leg: LegPlan, touch: Touch, now_s: float, tuning: Tuning) -> Step | None:
    """A patient exit takes a new mid once after its wait, then tells the owner."""
    if intent.style is not Style.PATIENT or now_s - leg.mid_s < tuning.patient_wait_s:
        return None
    if leg.mids == 1:
        fresh = mid_paise(touch)
        leg.mid_paise = fresh if fresh is not None else leg.mid_paise
        leg.mid_s, leg.mids = now_s, 2
        return None
    if leg.mids == 2:
        leg.mids = 3
        return Tell(
            f"patience:{intent.id}:{leg.key}", f"{leg.name}: still not filled at a fair price; it stays."
        )
    return None


def _came_to_nothing(intent: Intent, index: int, now_s: float) -> bool:
    """The leg's last order has just gone without a fill: the next price has its moment, not this one."""
    mine = [order for order in intent.orders if order.leg == index]
    return bool(mine) and not mine[-1].filled and now_s - mine[-1].sent_s < intent.style.step_s


def _start(
    intent: Intent,
    index: int,
    units: int,
    ledger: Ledger,
    live: Sequence[Order],
    touch: Touch,
    now_s: float,
    tuning: Tuning,
) -> Step:
    """Decide on a new order, from the broker's fresh word about what is held."""
    leg = intent.legs[index]
    if not ledger.fresh(leg.key) or ledger.age_s(now_s) > OLD_READ_S:
        return Wait(report=True, why="the broker's books cannot be read")
    row = ledger.row(leg)
    if row is None:
        return _missing(leg, ledger)
    leg.missing_reads = 0
    if (wait := _not_whole(intent, index, ledger)) is not None:
        return wait
    if leg.baseline_net is None and not ledger.settle(leg, row):
        return Wait(report=True, why=f"{leg.name}: the position list is too young after our last fill")
    quantity = min(units, ledger.free(leg, row.net_quantity, live), leg.slice_quantity)
    quantity -= quantity % leg.lot
    if quantity <= 0:
        return _nothing_free(intent, index, ledger, live, row, now_s)
    if not freeze_mid(leg, touch, now_s):
        return _no_price(intent, leg)
    sent = sum(o.leg == index for o in intent.orders)
    if sent >= MAX_ORDERS:
        return Block(f"{leg.name}: gave up after {sent} orders")
    if not sent:
        leg.mid_s = now_s  # the cap is the trigger's, but the ladder's steps begin with the first order
    ladder = ladder_of(intent, leg)
    far = far_side_paise(ladder, touch)
    forget(leg, far, now_s)
    limit = inside_paise(leg, limit_paise(ladder, touch, now_s - leg.mid_s), far, None)
    inside = (ladder.cap_paise() - limit) * leg.side.sign > 0
    ioc = tuning.ioc and intent.style is Style.URGENT and inside and not leg.uncapped
    return Place(quantity, limit, leg.product, ioc)


def _nothing_free(
    intent: Intent, index: int, ledger: Ledger, live: Sequence[Order], row: BrokerPosition, now_s: float
) -> Step:
    """All that is held is asked for, or nothing is held; an order that is lost is not waited for."""
    leg = intent.legs[index]
    mine = [order for order in live if order.request.key == leg.key and order.request.side is leg.side]
    if lost := next((order for order in mine if is_lost(order, now_s)), None):
        return Block(f"{leg.name}: order {lost.id} is not in the broker's books. It may still trade")
    if ledger.asked_for(leg, live):
        return Wait(report=True, why=f"{leg.name}: other live orders of ours already ask for what is held")
    return _shrink(intent, index, ledger, row)


def _missing(leg: LegPlan, ledger: Ledger) -> Step:
    """The contract is not in the position list, which is not the same as flat."""
    leg.missing_reads += _is_another(leg, ledger)
    if leg.missing_reads >= MISSING_READS:
        return Block(f"the broker does not list {leg.name}; unknown is not flat")
    return Wait(report=True, why=f"the broker does not list {leg.name}")


def _not_whole(intent: Intent, index: int, ledger: Ledger) -> Step | None:
    """The broker holds less than a partial exit is to close and to leave: believe it after some reads.

    A plan of the whole follows what is left; a part of something else than was planned would leave the
    legs in another ratio. Before the first order all legs are looked at, afterwards the one in turn.
    """
    leg = intent.legs[index]
    for each in range(len(intent.legs)) if not intent.orders else [index]:
        other = intent.legs[each]
        row = ledger.row(other)
        net = row.net_quantity if row is not None else 0
        if not other.keeps or -other.side.sign * net >= intent.rest(each) + other.keeps:
            continue
        _count(leg, net, ledger)
        why = f"{other.name}: the broker shows {net:+d} units, fewer than recorded"
        if leg.shrink_reads < SHRINK_READS:
            return Wait(report=True, why=why)
        return Block(f"{why}; a part of them is not closed")
    return None


def _count(leg: LegPlan, net: int, ledger: Ledger) -> None:
    """Count the reads in a row that show this net; one that shows another begins anew."""
    another = _is_another(leg, ledger)
    leg.shrink_reads = leg.shrink_reads + another if leg.shrink_net == net else 1
    leg.shrink_net = net


def _is_another(leg: LegPlan, ledger: Ledger) -> bool:
    """Whether a read has not been counted yet: exits are looked at far more often than books are read."""
    assert ledger.report is not None  # noqa: S101 - only a fresh one gets here
    before, leg.counted = leg.counted, ledger.report.request
    return before != leg.counted


def _no_price(intent: Intent, leg: LegPlan) -> Step:
    """Wait for the first price of a new day; that there was never one at all has to be told."""
    if leg.mid_paise is not None:
        return Wait()
    return Tell(
        f"noprice:{intent.id}:{leg.key}", f"{leg.name}: no price is known, so no order can be priced."
    )


def _shrink(intent: Intent, index: int, ledger: Ledger, row: BrokerPosition) -> Step:
    """Nothing is surely held any more, but the plan is not done: believe it after reads that agree.

    Soon after a fill of ours the list may lag behind it; then only a list that says what our own fills,
    or ours and other people's, explain is believed.
    """
    leg, net = intent.legs[index], row.net_quantity
    if not ledger.quiet(leg.key) and net not in (ledger.expected(leg), ledger.explained(leg)):
        return Wait(report=True, why=f"{leg.name}: the broker's position list does not follow our fills")
    _count(leg, net, ledger)
    if leg.shrink_reads < SHRINK_READS:
        return Wait(report=True, why=f"{leg.name}: the broker shows {net:+d} units")
    held = -leg.side.sign * net
    if held < 0:
        return Block(f"{leg.name}: the position was turned round by hand ({net:+d} units)")
    if other := ledger.elsewhere(leg):
        return Block(f"{leg.name}: {other} units are held as another product; close them in Dhan's app")
    ledger.rebase(leg, row)
    leg.shrink_reads = 0
    if intent.filled(index) + held - leg.keeps >= leg.quantity:
        return Wait(report=True)  # there is enough after all
    leg.quantity = intent.filled(index) + held
    if not held:  # once for the whole exit: whoever closes one leg closes the others too
        return Tell(
            f"gone:{intent.id}",
            f"{leg.name}: somebody else has closed what was left of it. The exit goes on with what is held.",
        )
    return Tell(
        f"shrunk:{intent.id}:{leg.key}:{leg.quantity}",
        f"{leg.name}: only {leg.quantity} of the planned units were left at the broker; the plan follows.",
    )
