"""Which legs of an exit may trade now, and how much: shorts before longs, in batches if the owner wants.

A batch is so many lots of the smallest leg, and of every other leg its share: first of all shorts, then
of the longs. So a position that leaves in batches has its legs in their ratio, hedged as it was, at the
end of each. Without batches the whole exit is one: all shorts, then all longs.

A long is only ever reduced to what the shorts that are still open need of it:

- no long is further gone than the short that is least gone;
- of each right no fewer longs stay than shorts are open, however many there were at first. A future that
  is held counts as a call, and needs puts as a sold put does.

Shares are rounded to whole lots so that shorts go first: a short's part of a batch up, a long's down. A
short that cannot be bought back keeps its longs; the other shorts do not wait for it. What is open is
known from the fills alone, so that a restart goes on in the middle of a batch.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Right
from engine.plan import SHORTS
from engine.tuning import BY_SLICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.intents import Intent, LegPlan

__all__ = ["count", "turn"]

#: More are not made, however small the batches: the orders of a leg are counted.
MOST_BATCHES = 20
#: So long after the exit's last order its next batch of shorts waits for longs that nobody buys.
LONGS_WAIT_S = 15.0

ALL, NOTHING = Fraction(1), Fraction(0)


class _Open(NamedTuple):
    """What is open of the leg of a number, in units; ``live`` is what its orders ask for."""

    number: int
    leg: LegPlan
    rest: int
    live: int

    @property
    def blocked(self) -> bool:
        """Whether it stays as it is until somebody helps."""
        return bool(self.leg.blocked) and self.rest > 0

    def fits(self, share: Fraction) -> bool:
        """Whether no more than a share of it is open; with an order alive it is never quite gone."""
        return max(self.rest, min(self.live, 1)) <= _lower(self.leg, share)


def turn(intent: Intent, batch_lots: int, now_s: float, *, hold: bool = False) -> list[tuple[int, int]]:
    """The legs whose turn it is, as (index, units that may go now, those of live orders included).

    Nothing = nothing can go on: all is traded, or what rests is blocked or hedges what is blocked.

    Args:
        intent: with the fills as they are known.
        batch_lots: as in `engine.tuning.Tuning`.
        now_s: the moment; it decides only how long shorts wait for longs.
        hold: sell no hedge while anything is short, whatever the batches.
    """
    legs = [_open(intent, index) for index in range(len(intent.legs))]
    shorts = [each for each in legs if each.leg.rank == SHORTS]
    longs = [each for each in legs if each.leg.rank != SHORTS]
    reached, goal = ALL, NOTHING
    for share in _ends(intent.legs, 0 if hold else batch_lots):
        if not all(short.fits(share) for short in shorts):
            goal = share
            break
        reached = share
    sold = list(_sold(longs, shorts, reached, hold=hold))
    late = [each for each, units in sold if units and each.rest > _upper(each.leg, reached)]
    if any(_waited_for(each, intent, now_s) for each in late):
        bought = [(each, min(each.live, each.rest)) for each in shorts]
    else:
        goal = NOTHING if any(each.blocked for each in shorts) else goal
        bought = [(each, _bought(each, goal)) for each in shorts]
    return [
        (each.number, units)
        for each, units in (*bought, *sold)
        if each.live or (units > 0 and not each.leg.blocked)
    ]


def count(legs: Sequence[LegPlan], batch_lots: int) -> int:
    """In how many batches a plan would go; ``batch_lots`` as in `engine.tuning.Tuning`."""
    return sum(1 for _ in _ends(legs, batch_lots))


def _open(intent: Intent, index: int) -> _Open:
    live = sum(order.rest for order in intent.live_on(index))
    return _Open(index, intent.legs[index], max(intent.rest(index), 0), live)


def _ends(legs: Sequence[LegPlan], batch_lots: int) -> Iterator[Fraction]:
    """What share of everything is open at the end of each batch, down to nothing."""
    planned = [leg for leg in legs if leg.quantity > 0]
    lots = max(min((leg.quantity // leg.lot for leg in planned), default=1), 1)
    if batch_lots == BY_SLICE:
        slices = max((-(-leg.quantity // leg.slice_quantity) for leg in planned), default=1)
        batch_lots = max(lots // slices, 1)
    step = max(batch_lots or lots, -(-lots // MOST_BATCHES))
    yield from (Fraction(left, lots) for left in range(lots - step, 0, -step))
    yield NOTHING


def _bought(short: _Open, goal: Fraction) -> int:
    """Units of a short that a batch buys back, in whole lots; what is at the exchange stays there."""
    over = short.rest - _lower(short.leg, goal)
    return min(max(-(-over // short.leg.lot) * short.leg.lot, short.live), short.rest)


def _sold(
    longs: Sequence[_Open], shorts: Sequence[_Open], reached: Fraction, *, hold: bool
) -> Iterator[tuple[_Open, int]]:
    """Units of each long that may go when all shorts have come to a share.

    An order that is at the exchange may stay there ahead of its batch if the hedge can bear that.
    """
    least = max((Fraction(short.rest, short.leg.quantity or 1) for short in shorts), default=NOTHING)
    room = {right: _room(right, longs, shorts) for right in Right}
    for each in sorted(longs, key=lambda each: not each.live):
        most = each.rest - _upper(each.leg, reached)
        if not hold:
            most = max(most, min(each.live, each.rest - _upper(each.leg, least)))
        most = min([most, *(room[right] for right in _covers(each.leg))])
        odd = 0 if most == each.rest else (most - each.live) % each.leg.lot
        units = max(most - odd, 0)
        for right in _covers(each.leg):
            room[right] -= units
        yield each, units


def _room(right: Right, longs: Iterable[_Open], shorts: Iterable[_Open]) -> int:
    """Units by which what is held of a right exceeds what needs it."""
    held = sum(each.rest for each in longs if right in _covers(each.leg))
    needing = [each for each in shorts if right in _covers(each.leg)]
    if right is Right.PUT:
        needing += [each for each in longs if _is_future(each.leg)]
    return held - sum(each.rest for each in needing)


def _covers(leg: LegPlan) -> tuple[Right, ...]:
    """Against which options of the other side a contract stands; none for one that is not known."""
    if leg.contract is None:
        return ()
    return (leg.contract.right or Right.CALL,)


def _is_future(leg: LegPlan) -> bool:
    return leg.contract is not None and leg.contract.right is None


def _waited_for(long: _Open, intent: Intent, now_s: float) -> bool:
    """Whether shorts wait for this long: not when it is refused, has no price, or nobody buys it."""
    leg = long.leg
    if leg.blocked or leg.refusals or leg.uncapped or leg.mids > 1 or leg.mid_paise is None:
        return False
    return now_s - max((order.sent_s for order in intent.orders), default=now_s) < LONGS_WAIT_S


def _lower(leg: LegPlan, share: Fraction) -> int:
    """A share of a leg in whole lots, rounded down."""
    return int(leg.quantity * share) // leg.lot * leg.lot


def _upper(leg: LegPlan, share: Fraction) -> int:
    """A share of a leg in whole lots, rounded up, at most all of it."""
    lots = -(-leg.quantity * share // leg.lot)
    return min(int(lots) * leg.lot, leg.quantity)
