"""What a replay prints: plain values for JSON, amounts in rupees, times in India."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from engine.model import Side, key_parts
from engine.payoff import entry_price, payoff
from engine.sessions import ist, ist_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from engine.charges import ChargeTable
    from engine.model import Mode
    from engine.orders import Order
    from engine.replay.cast import Entrant
    from engine.replay.story import Event, Life, Story


def result_of(
    story: Story,
    entrants: Sequence[Entrant],
    table: ChargeTable,
    days: Sequence[date],
    mode: Mode,
    ticks: int,
) -> dict[str, Any]:
    """Everything that happened, as plain values.

    ``wall_s`` is None: how long a run took is not part of what it found, and the same run twice
    must print the same bytes.
    """
    return {
        "day": days[0].isoformat() if len(days) == 1 else f"{days[0]}/{days[-1]}",
        "ticks": ticks,
        "wall_s": None,
        "mode": mode.value,
        "positions": [_position(entrant, story, table) for entrant in entrants],
    }


def _position(entrant: Entrant, story: Story, table: ChargeTable) -> dict[str, Any]:
    life = story.lives.get(entrant.id)
    first = entrant.rows[0]
    head = {
        "account": first.account,
        "strategy_id": first.strategy_id,
        "symbol": first.symbol,
        "strategy": next((row.strategy for row in entrant.rows if row.strategy), ""),
    }
    if life is None:
        return head | _never_watched(entrant)
    shape = payoff(life.position.legs)
    charges = entry_charges(life, table) + _exit_charges(life, story, table)
    gross = life.final_paise
    return head | {
        "opened_at": _time(life.position.opened_at_s),
        "net_premium": _rupees(shape.net_premium_paise),
        "max_profit": _rupees(shape.max_profit_paise),
        "max_loss": _rupees(shape.max_loss_paise),
        "defined_risk": shape.defined_risk,
        "status": _status(life, story),
        "why_invalid": None,
        "peak_pnl": _rupees(life.peak_paise),
        "trough_pnl": _rupees(life.trough_paise),
        "final_pnl_gross": _rupees(gross),
        "charges": _rupees(charges),
        "final_pnl_net": None if gross is None else _rupees(gross - charges),
        "events": [_event(event) for event in life.events],
        "orders": _orders(life, story),
    }


def _never_watched(entrant: Entrant) -> dict[str, Any]:
    """Invalid, or the recording ended before it began."""
    unknown = dict.fromkeys(("net_premium", "max_profit", "max_loss", "defined_risk"))
    money = dict.fromkeys(("peak_pnl", "trough_pnl", "final_pnl_gross", "charges", "final_pnl_net"))
    return {
        "opened_at": _time(min(row.timestamp_s for row in entrant.rows)),
        **unknown,
        "status": "invalid" if entrant.why_invalid else "open",
        "why_invalid": entrant.why_invalid or None,
        **money,
        "events": [],
        "orders": [],
    }


def _status(life: Life, story: Story) -> str:
    if life.ended:
        return "closed"
    if life.stuck:
        return "stuck"
    return "partially_closed" if story.fills(life) else "open"


def _event(event: Event) -> dict[str, Any]:
    verdict = event.verdict
    return {
        "at": _time(event.at_s),
        "kind": event.kind,
        "rule": verdict.rule,
        "action": verdict.action.value,
        "urgency": verdict.urgency.name,
        "pnl": _rupees(verdict.pnl_paise),
        "threshold": _rupees(verdict.threshold_paise),
        "fraction": round(verdict.fraction, 4),
        "reason": verdict.reason,
    }


def _orders(life: Life, story: Story) -> list[dict[str, Any]]:
    """One entry a slice of a leg's exit; whatever replaced a dead order counts as another attempt."""

    def piece(order: Order) -> tuple[str, int, int]:
        return order.intent, order.leg, order.part

    names = {leg.key: leg.instrument.display for leg in life.position.legs}
    found = []
    for _, group in groupby(sorted(life.orders, key=piece), key=piece):
        orders = list(group)
        ids = {order.order_id for order in orders}
        fills = [fill for fill in story.fills(life) if fill.order_id in ids]
        filled = sum(fill.quantity for fill in fills)
        turnover = sum(fill.quantity * fill.price_paise for fill in fills)
        first, last = orders[0], orders[-1]
        # Mostly the first order's own; more where the exit of a part has become one of the whole.
        asked = max(sum(o.filled for o in orders[:n]) + o.request.quantity for n, o in enumerate(orders))
        found.append((
            first.sent_s,
            {
                "at": _time(first.sent_s),
                "security": names[first.request.key],
                "side": first.request.side.value,
                "quantity": asked,
                "limit": _rupees(last.request.limit_paise),
                "filled": filled,
                "average": round(turnover / filled / 100, 2) if filled else None,
                "attempts": len(orders),
            },
        ))  # fmt: skip
    return [order for _, order in sorted(found, key=lambda entry: entry[0])]


def entry_charges(life: Life, table: ChargeTable) -> int:
    """Each leg was one executed order on the day it was entered."""
    return sum(
        table.on(ist_date(leg.entered_at_s)).order_paise(
            leg.instrument.segment, _side(leg.quantity), abs(leg.quantity), entry_price(leg)
        )
        for leg in life.position.legs
    )


def _exit_charges(life: Life, story: Story, table: ChargeTable) -> int:
    """Each order that traded anything, on the day it was sent."""
    total = 0
    for order in life.orders:
        fills = [fill for fill in story.fills(life) if fill.order_id == order.order_id]
        units = sum(fill.quantity for fill in fills)
        if units:
            average = round(sum(fill.quantity * fill.price_paise for fill in fills) / units)
            segment = key_parts(order.request.key)[0]
            rates = table.on(ist_date(order.sent_s))
            total += rates.order_paise(segment, order.request.side, units, average)
    return total


def _side(quantity: int) -> Side:
    return Side.BUY if quantity > 0 else Side.SELL


def _rupees(paise: int | None) -> float | None:
    return None if paise is None else paise / 100


def _time(at_s: float) -> str:
    return ist(at_s).isoformat(timespec="seconds")
