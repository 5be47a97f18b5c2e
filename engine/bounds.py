"""Prices that the exchange does not take: the day's range, and what it has refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Side

if TYPE_CHECKING:
    from engine.intents import LegPlan

__all__ = ["inside_paise", "range_edge_paise"]

#: A refused price is forgotten after this, once the market has come to it: the exchange renews its
#: reference price every 30 s.
FORGOTTEN_S = 60.0


def range_edge_paise(leg: LegPlan, far_paise: int) -> int | None:
    """The worst price inside the day's range, on the tick grid; None = unknown.

    A range that the market itself has left (``far_paise`` is where we would trade now) is an old one.
    """
    if leg.side is Side.BUY:
        edge = None if leg.upper_paise is None else leg.upper_paise // leg.tick_paise * leg.tick_paise
    else:
        edge = None if leg.lower_paise is None else -(-leg.lower_paise // leg.tick_paise) * leg.tick_paise
    return edge if edge and not _beyond(leg, far_paise, edge) else None


def inside_paise(leg: LegPlan, wanted_paise: int, far_paise: int, resting_paise: int | None) -> int:
    """The limit to ask for: the wanted one, or one inside of what the exchange takes.

    Half-way between the last price that was surely good and the one that was refused, so that a few
    tries find the edge.

    Args:
        leg: what it was refused.
        wanted_paise: the ladder's limit.
        far_paise: where we would trade now.
        resting_paise: the limit of the order that is there, as far as it was read; None = a new order.

    Returns:
        A price on the tick grid.
    """
    edge = range_edge_paise(leg, far_paise)
    if edge is not None and _beyond(leg, wanted_paise, edge):
        wanted_paise = edge
    refused = leg.refused_paise
    if refused is None or _beyond(leg, refused, wanted_paise):
        return wanted_paise
    good = [resting_paise] if resting_paise is not None else [far_paise, leg.mid_paise]
    base = next((price for price in good if price is not None and _beyond(leg, refused, price)), None)
    sign, tick = leg.side.sign, leg.tick_paise
    if base is None:
        return max(refused - sign * tick, tick)
    nearer = base + (refused - base) // 2  # off the grid it is rounded to the good side
    return max((nearer // tick if leg.side is Side.BUY else -(-nearer // tick)) * tick, tick)


def forget(leg: LegPlan, far_paise: int, now_s: float) -> None:
    """Let go of a refused price that the market has reached, after a while."""
    refused = leg.refused_paise
    old = now_s - leg.refused_price_s >= FORGOTTEN_S
    if refused is not None and old and not _beyond(leg, refused, far_paise):
        leg.refused_paise = None


def _beyond(leg: LegPlan, price_paise: int, other_paise: int) -> bool:
    """Whether a price is worse for us than another one."""
    return (price_paise - other_paise) * leg.side.sign > 0
