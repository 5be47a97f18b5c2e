"""Rows of `exit_intents` and `exit_orders`, made of what the journal keeps of exits and their orders.

The journal's own records are the outbox: whoever writes these rows may forget them and make them again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.effects import Record
from engine.intents import IntentState
from engine.model import InstrumentKey, key_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ended", "intent_row", "order_row", "over_s", "recent"]

_Json = dict[str, Any]

#: Exits older than this are not told again by a new process.
RECENT_S = 3 * 86_400.0


def ended(intent: Mapping[str, Any]) -> bool:
    """Whether nothing of an exit can change any more; one that is stuck may still get flat."""
    state = IntentState(intent["state"])
    return not state.live and state is not IntentState.STUCK


def over_s(intent: Mapping[str, Any]) -> float:
    """When an exit ended, epoch seconds: of an older version's its beginning, infinity while it goes on."""
    if not ended(intent):
        return float("inf")
    return float(intent.get("ended_s") or intent["created_s"])


def recent(kept: Mapping[str, Mapping[str, Mapping[str, Any]]], now_s: float) -> Iterator[Record]:
    """What the journal keeps of exits of the last days and of those that go on; then their orders."""
    told = {
        name: intent
        for name, intent in kept.get("intent", {}).items()
        if not ended(intent) or now_s - intent["created_s"] < RECENT_S
    }
    yield from (Record("intent", name, intent) for name, intent in told.items())
    orders = kept.get("order", {}).items()
    yield from (Record("order", name, order) for name, order in orders if order["intent"] in told)


def intent_row(intent: Mapping[str, Any]) -> _Json:
    """An exit as its row; ``pnl`` is the one that decided it, in rupees.

    One that an older version has ended does not say when, and has no end here either. The id has the account
    before it: two accounts of one database count their exits alike.
    """
    verdict = intent["verdict"]
    ended_s = intent.get("ended_s")
    account, _, strategy_id = str(intent["position"]).rpartition("/")
    return {
        "id": f"{account}/{intent['id']}", "strategy_id": int(strategy_id), "rule": verdict["rule"],
        "status": str(intent["state"]), "reason": verdict["reason"], "pnl": _rupees(verdict["pnl"]),
        "created_at": _moment(intent["created_s"]), "ended_at": None if ended_s is None else _moment(ended_s),
        "detail": {
            "exit_id": intent["id"], "by": intent["by"], "note": intent["note"], "part": intent["part"],
            "urgency": verdict["urgency"], "threshold": _rupees(verdict["threshold"]),
        },
    }  # fmt: skip


def order_row(order: Mapping[str, Any]) -> _Json:
    """An order as its row; prices in rupees."""
    _, security_id = key_parts(InstrumentKey(order["key"]))
    return {
        "id": order["id"], "security_id": security_id, "side": str(order["side"]),
        "quantity": order["quantity"], "limit_price": _rupees(order["limit"]), "filled": order["filled"],
        "average": _rupees(order["average"]), "status": str(order["state"]),
        "broker_order_id": order["order_id"] or None,
        "sent_at": _moment(order["sent_s"]) if order["sent_s"] else None,
    }  # fmt: skip


def _rupees(paise: float | None) -> str | None:
    """Paise, of an average perhaps with a fraction, as the database's decimal text."""
    return None if paise is None else f"{paise / 100:.4f}"


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
