"""What would be refused now, known before the stop fires: one light and one sentence for each thing.

Red: an exit could not be sent, or would be refused. Amber: it goes, slower or less surely.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from engine.access import SKEW_DOUBT_S, SKEW_TOLD_S, clock_words, token_words
from engine.model import Side
from engine.pricing import reference_paise
from engine.steps import MAX_ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.intents import LegPlan
    from engine.messages import AccountState
    from engine.model import InstrumentKey, Position
    from engine.pricing import Touch
    from engine.sessions import Calendar

__all__ = [
    "Check",
    "Light",
    "access_bar",
    "access_checks",
    "leg_faults",
    "plan_check",
    "price_faults",
    "worst",
]

_ELSEWHERE = "this address is not the one registered at Dhan: no order is taken"
_NO_DERIVATIVES = "no derivatives"
#: A slice as large as this is none: no freeze quantity is published.
_NO_FREEZE = 10**8
#: Above so many lots in one order a freeze quantity that nobody has published is worth a word.
_MANY_LOTS = 10


class Light(IntEnum):
    """How a thing stands; comparable, the worst is the largest."""

    GREEN = 0
    AMBER = 1
    RED = 2


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    light: Light
    text: str


def worst(checks: Sequence[Check]) -> Light:
    """The worst light of all; nothing looked at is green."""
    return max((check.light for check in checks), default=Light.GREEN)


def plan_check(
    position: Position, plan: Sequence[LegPlan], touch: Callable[[InstrumentKey], Touch | None] | None
) -> Check:
    """Check the exit that the position would have now.

    Args:
        position: what is held.
        plan: its exit (`engine.plan.plan_exit`).
        touch: the prices of a contract, None where there is none; None altogether while no market is open.
    """
    found = [fault for leg in plan for fault in leg_faults(leg)]
    if touch is not None:
        found += [fault for leg in plan for fault in price_faults(leg, touch(leg.key))]
    light = max((light for light, _ in found), default=Light.GREEN)
    orders, both = sum(_orders(leg) for leg in plan), len({leg.rank for leg in plan}) > 1
    text = "; ".join(fault for _, fault in found) or (
        f"{orders} order{'s' * (orders != 1)}{', shorts first' * both}"
        if plan
        else "nothing is left to trade"
    )
    return Check(f"plan {position.strategy_id} {position.symbol}", light, text)


def _orders(leg: LegPlan) -> int:
    """How many slices it takes."""
    return -((leg.before - leg.quantity) // leg.slice_quantity)


def leg_faults(leg: LegPlan) -> list[tuple[Light, str]]:
    """What would hinder a leg's orders whatever the prices: lots, tick, number and size of its orders."""
    found = []
    if leg.quantity % leg.lot:
        found.append((Light.RED, f"{leg.name}: {leg.quantity} are not whole lots of {leg.lot}"))
    if leg.tick_paise <= 0:
        found.append((Light.RED, f"{leg.name}: its tick is not known"))
    if _orders(leg) > MAX_ORDERS:
        found.append((Light.RED, f"{leg.name}: needs {_orders(leg)} orders, more than {MAX_ORDERS}"))
    if leg.slice_quantity >= _NO_FREEZE and leg.quantity - leg.before > _MANY_LOTS * leg.lot:
        found.append((Light.AMBER, f"{leg.name}: no freeze quantity is known, so it leaves as one order"))
    return found


def price_faults(leg: LegPlan, touch: Touch | None) -> list[tuple[Light, str]]:
    """Whether there is a price to trade at, inside the day's range."""
    reference = None if touch is None else reference_paise(touch)
    if touch is None or reference is None:
        return [(Light.RED, f"{leg.name}: there is no price, so no limit can be set")]
    far = touch.ask_paise if leg.side is Side.BUY else touch.bid_paise
    if not far:
        wanted = "sells" if leg.side is Side.BUY else "buys"
        return [(Light.AMBER, f"{leg.name}: nobody {wanted} it now")]
    above = leg.upper_paise is not None and far > leg.upper_paise
    below = leg.lower_paise is not None and far < leg.lower_paise
    if above or below:
        return [(Light.AMBER, f"{leg.name}: its price is outside of the day's range")]
    return []


def access_checks(state: AccountState | None, calendar: Calendar, now_s: float) -> list[Check]:
    """Token, address, permission and clock, one line each, as the broker has told them."""
    if state is None or state.failed:
        why = "it was not asked yet" if state is None else state.failed
        return [Check("broker", Light.RED, f"Dhan does not answer: {why}")]
    if state.refused:
        return [Check("token", Light.RED, state.refused), _clock(state)]
    return [_token(state, calendar, now_s), _address(state), _permission(state), _clock(state)]


def access_bar(state: AccountState | None, now_s: float) -> str:
    """Why the broker would take no order at this moment; empty = nothing is known that says so."""
    if state is None:
        return ""
    if state.refused:
        return state.refused
    if state.valid_until_s is not None and state.valid_until_s <= now_s:
        return token_words(state, now_s)
    if state.orders_allowed is False:
        return _ELSEWHERE
    return f"{_NO_DERIVATIVES} at Dhan" if state.derivatives is False else ""


def _token(state: AccountState, calendar: Calendar, now_s: float) -> Check:
    words = token_words(state, now_s)
    if state.valid_until_s is None:
        return Check("token", Light.AMBER, "taken, but until when is not known")
    if state.valid_until_s <= now_s:
        return Check("token", Light.RED, words)
    if state.valid_until_s < calendar.window(now_s).close_s:
        return Check("token", Light.RED, f"{words}: it does not last the session")
    return Check("token", Light.GREEN, words)


def _address(state: AccountState) -> Check:
    if state.orders_allowed is None:
        return Check("IP", Light.AMBER, "Dhan does not say whether it takes orders from here")
    if state.orders_allowed:
        return Check("IP", Light.GREEN, "orders are taken from this address")
    return Check("IP", Light.RED, _ELSEWHERE)


def _permission(state: AccountState) -> Check:
    lacking = [
        words
        for words, has in (("no data plan", state.data_plan), (_NO_DERIVATIVES, state.derivatives))
        if has is False
    ]
    if lacking:
        return Check("permission", Light.RED, ", ".join(lacking))
    return Check("permission", Light.GREEN, "data plan and derivatives")


def _clock(state: AccountState) -> Check:
    if state.skew_s is None:
        return Check("clock", Light.AMBER, "Dhan's clock is not known")
    if abs(state.skew_s) <= SKEW_TOLD_S:
        return Check("clock", Light.GREEN, f"within {SKEW_TOLD_S:.0f} s of Dhan's")
    light = Light.RED if abs(state.skew_s) > SKEW_DOUBT_S else Light.AMBER
    return Check("clock", light, clock_words(state.skew_s))
