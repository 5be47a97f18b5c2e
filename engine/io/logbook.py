"""What the log tells of exits, orders, feed and Realtime: read off what passes by, decided by nobody here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from engine.effects import Record
from engine.messages import FeedChanged, Message, OrderUpdate, RealtimeState, Ticks
from engine.model import InstrumentKey, key_parts

__all__ = ["Logbook"]

_feed = logging.getLogger("engine.io.feed")
_orders = logging.getLogger("engine.io.orders")
_realtime = logging.getLogger("engine.io.stores.realtime")

#: Of so many exits it is remembered which position they are of.
_MOST = 1_000


class Logbook:
    """Writes a line when an exit, one of its orders, the feed or Realtime comes into another state."""

    def __init__(self) -> None:
        self._positions: dict[str, str] = {}  # intent -> position
        self._told: dict[str, str] = {}  # exit or order -> its last line
        self._realtime = ""

    def listen(self, message: Message) -> None:
        """A message was handled."""
        if type(message) is Ticks:  # thousands a second, and nothing to tell
            return
        match message:
            case FeedChanged(state=state, detail=detail):
                _feed.info("%s: %s", state.value, detail)
            case OrderUpdate(order=order):
                _orders.info(
                    "the broker says %s, %d of %d filled", order.status.value, order.filled, order.quantity,
                    extra={"order": order.correlation_id},
                )  # fmt: skip
            case RealtimeState(failed=failed) if failed != self._realtime:
                self._realtime = failed
                _realtime.info("away: %s", failed) if failed else _realtime.info("told again")

    def note(self, record: Record) -> None:
        """The journal has this."""
        if record.kind == "intent":
            _keep(self._positions, record.key, str(record.value["position"]))
            self._intent(record.value)
        elif record.kind == "order":
            self._order(record.value)

    def _intent(self, row: Mapping[str, Any]) -> None:
        text = f"exit of {row['title']}: {row['state']}" + (f" ({row['note']})" if row["note"] else "")
        self._tell(row["id"], text, row["id"])

    def _order(self, row: Mapping[str, Any]) -> None:
        _, security_id = key_parts(InstrumentKey(row["key"]))
        text = (
            f"{row['side']} {row['quantity']} of {security_id} at {row['limit'] / 100:.2f}: {row['state']}, "
            f"{row['filled']} filled" + (f" ({row['reason']})" if row["reason"] else "")
        )
        self._tell(row["id"], text, row["intent"], row["id"])

    def _tell(self, key: str, text: str, intent: str, order: str = "") -> None:
        """Once for each state; a record may be written for more."""
        if self._told.get(key) == text:
            return
        _keep(self._told, key, text)
        account, _, strategy = self._positions.get(intent, "").rpartition("/")
        _orders.info(
            "%s", text,
            extra={"account": account, "strategy": strategy, "intent": intent, "order": order},
        )  # fmt: skip


def _keep(memory: dict[str, str], key: str, value: str) -> None:
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > _MOST:
        del memory[next(iter(memory))]
