"""The book of an exit: what its orders traded, what that cost, and how long it took.

One line an exit, written when it ends; another one, which supersedes it, when what is known of it changes
afterwards. The line is plain JSON: prices and amounts in paise (an average may have a fraction), moments
ISO 8601 in Indian time. What is not known is null, never 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.effects import Record, WriteBook
from engine.intents import IntentState
from engine.model import key_parts
from engine.plan import rows_after
from engine.sessions import ist, ist_date

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from engine.charges import ChargeTable
    from engine.effects import Effect
    from engine.intents import Intent, LegPlan
    from engine.model import Mode
    from engine.orders import Order

__all__ = ["Bookkeeper", "book_of"]

#: What each line says of its own figures, so that nobody has to look it up.
NOTES = {
    "slippage": "against the mid (else the last price) at the trigger; positive = worse than it",
    "charges": "of this exit's orders; those of the entry are not included",
    "realised": "of the units that this exit's orders traded, against their entry prices",
}


class Bookkeeper:
    """Sees to it that each exit that has ended has its line, and another when its figures have changed.

    Args:
        charges: the dated rates; None = charges are not known.
    """

    def __init__(self, charges: ChargeTable | None) -> None:
        self._charges = charges
        self._last: dict[str, tuple[int, list[Any]]] = {}  # exit -> number of its last line, what that saw

    def restore(self, kept: Mapping[str, Mapping[str, Any]], intents: Iterable[Intent]) -> None:
        """Take over which lines the journal has; an exit that ended before there were any gets none."""
        for intent in intents:
            if not intent.state.live:
                self._last[intent.id] = (0, _seen(intent))
        for value in sorted(kept.values(), key=lambda value: int(value["line"]["sequence"])):
            self._last[value["line"]["intent"]] = (value["line"]["sequence"], list(value["seen"]))

    def keep(self, intents: Container[str]) -> None:
        """Forget all exits but these: of the others nothing will change any more."""
        self._last = {name: last for name, last in self._last.items() if name in intents}

    def look(self, intents: Iterable[Intent], mode: Mode, now_s: float) -> list[Effect]:
        """The lines that are due: for the journal in the transaction that ends the exit, and for the file.

        An exit that ended before it was flat and has traded nothing leaves none.
        """
        effects: list[Effect] = []
        for intent in intents:
            if intent.state.live:
                continue
            number, before = self._last.get(intent.id, (0, []))
            seen = _seen(intent)
            if seen == before or not (intent.state.flat or any(order.filled for order in intent.orders)):
                continue
            self._last[intent.id] = (number + 1, seen)
            line = book_of(intent, mode, self._charges, now_s, number + 1)
            effects.append(Record("book", f"{intent.id}/{number + 1}", {"line": line, "seen": seen}))
            effects.append(WriteBook(line))
        return effects


def book_of(
    intent: Intent, mode: Mode, charges: ChargeTable | None, ended_s: float, sequence: int = 1
) -> dict[str, Any]:
    """The book of an exit that ended at ``ended_s``, as one JSON object; see `NOTES`.

    ``mode`` is what the house was in: in simulate all of it is paper. ``sequence`` is 1, or one more than
    that of the line which this one supersedes.
    """
    legs = [_leg(intent, index, charges) for index in range(len(intent.legs))]
    whole = not any(intent.outside(index) for index in range(len(intent.legs)))
    made = _sum(leg["realised_paise"] for leg in legs) if whole else None
    costs = _sum(leg["charges_paise"] for leg in legs)
    traded = [leg["slippage_paise"] for leg in legs if leg["filled"]]
    slippage = _sum(traded) if traded else None
    verdict, part = intent.verdict, intent.part
    return {
        "intent": intent.id, "sequence": sequence, "supersedes": sequence - 1 or None,
        "account": intent.account, "position": intent.position, "title": intent.title, "mode": mode,
        "rule": verdict.rule, "reason": verdict.reason, "by": intent.by,
        "part": None if part is None else part._asdict(),
        "verdict": {
            "pnl_paise": verdict.pnl_paise, "threshold_paise": verdict.threshold_paise,
            "open_share": verdict.fraction, "also": list(verdict.also),
        },
        "state": intent.state, "note": intent.note,
        "decided_at": _moment(intent.created_s), "ended_at": _moment(ended_s),
        "legs": legs,
        "slippage_rupees": None if slippage is None else slippage / 100,
        "charges_paise": costs,
        "realised_before_charges_paise": made,
        "realised_after_charges_paise": None if made is None or costs is None else made - costs,
        "seconds": _seconds(intent, ended_s),
        "naked_s": round(intent.naked_s, 3),
        "notes": NOTES,
    }  # fmt: skip


def _leg(intent: Intent, index: int, charges: ChargeTable | None) -> dict[str, Any]:
    leg = intent.legs[index]
    orders = [order for order in intent.orders if order.leg == index]
    units, turnover = intent.traded(index)
    known = all(map(_priced, orders))
    slippage = _slippage_paise(leg, units, turnover) if known else None
    segment, security_id = key_parts(leg.key)
    return {
        "name": leg.name, "segment": segment, "security_id": security_id, "side": leg.side,
        "planned": leg.quantity, "filled": units, "filled_by_earlier_exits": leg.before,
        "closed_by_others": intent.outside(index), "turnover_paise": turnover if known else None,
        "average_paise": _number(Fraction(turnover, units)) if units and known else None,
        "trigger_mid_paise": leg.trigger_mid_paise,
        "slippage_paise_per_unit": None if slippage is None else _number(Fraction(slippage, units)),
        "slippage_paise": slippage,
        "charges_paise": _sum(_charges_paise(leg, order, charges) for order in orders if order.filled),
        "realised_paise": _realised_paise(intent, index) if known else None,
        "orders": [_order(order) for order in orders], "rows": _rows(leg, units),
    }  # fmt: skip


def _rows(leg: LegPlan, units: int) -> dict[str, dict[str, int | None]]:
    """By row of the trade store: units that these fills took off it, units then left, its entry price."""
    before, after = rows_after(leg, leg.before), rows_after(leg, leg.before + units)
    return {
        str(row): {
            "units": abs(before[row] - after[row]),
            "left": abs(after[row]),
            "entry_paise": leg.prices_paise.get(row),
        }
        for row in leg.rows
    }


def _order(order: Order) -> dict[str, Any]:
    fills = [
        {"trade_id": name, "units": trade.units, "paise": trade.paise, "at": _moment(trade.at_s)}
        for name, trade in order.trades.items()
    ]
    average = _number(Fraction(order.turnover_paise, order.filled)) if order.filled else None
    return {
        "correlation_id": order.id, "order_id": order.order_id, "state": order.state,
        "units": order.request.quantity, "limit_paise": order.request.limit_paise,
        "sent_at": _moment(order.sent_s), "filled": order.filled,
        "average_paise": average if _priced(order) else None,
        "fills": fills, "fills_complete": order.told == order.filled,
    }  # fmt: skip


def _priced(order: Order) -> bool:
    """Whether what its filled units came to is known, and not only the limit they cannot be worse than."""
    return order.told == order.filled or order.average_paise > 0


def _slippage_paise(leg: LegPlan, units: int, turnover_paise: int) -> int | None:
    if leg.trigger_mid_paise is None or not units:
        return None
    return leg.side.sign * (turnover_paise - leg.trigger_mid_paise * units)


def _charges_paise(leg: LegPlan, order: Order, charges: ChargeTable | None) -> int | None:
    segment = key_parts(leg.key)[0]
    if charges is None or not _priced(order):
        return None
    rates = charges.on(ist_date(order.sent_s))
    if segment not in rates.exchange:
        return None
    return rates.turnover_paise(segment, leg.side, order.turnover_paise)


def _realised_paise(intent: Intent, index: int) -> int | None:
    """What the leg's own fills made: the units that they close are those after what earlier exits closed."""
    leg = intent.legs[index]
    units, turnover = intent.traded(index)
    if not leg.rows.keys() <= leg.prices_paise.keys() or intent.rest(index) < 0:
        return None
    if not units and intent.outside(index):
        return None
    entry = _entry_paise(leg, leg.before + units) - _entry_paise(leg, leg.before)
    return -leg.side.sign * turnover - entry


def _entry_paise(leg: LegPlan, units: int) -> int:
    """What was paid for so many units of a leg (received: negative).

    With the last of them the rows that cancel each other out are closed too.
    """
    if units >= abs(sum(leg.rows.values())):
        return sum(held * leg.prices_paise[row] for row, held in leg.rows.items())
    left = rows_after(leg, units)
    return sum((held - left[row]) * leg.prices_paise[row] for row, held in leg.rows.items())


def _seconds(intent: Intent, ended_s: float) -> dict[str, float | None]:
    """From the verdict to the first order, the last fill and verified flat; nights count."""
    sent = [order.sent_s for order in intent.orders]
    filled = [order.filled_s for order in intent.orders if order.filled]
    flat = intent.state is IntentState.FLAT or (intent.state.flat and bool(filled))
    marks = {
        "to_first_order": min(sent, default=None),
        "to_last_fill": max(filled, default=None),
        "to_verified_flat": ended_s if flat else None,
    }
    return {name: None if at_s is None else round(at_s - intent.created_s, 3) for name, at_s in marks.items()}


def _seen(intent: Intent) -> list[Any]:
    """What a line depends on and what may change after the end."""
    return [intent.state, sum(o.filled for o in intent.orders), sum(o.told for o in intent.orders)]


def _sum(amounts: Iterable[Any]) -> Any:
    """The sum; None when one of them is unknown."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _number(exact: Fraction) -> int | float:
    """A whole number as such, else to four decimals."""
    return exact.numerator if exact.denominator == 1 else round(float(exact), 4)


def _moment(at_s: float | None) -> str | None:
    return None if at_s is None else ist(at_s).isoformat(timespec="milliseconds")
