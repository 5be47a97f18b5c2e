"""A model broker that refuses: at once, in the order book, or when an order is to be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.broker_nouns import OrderRequest, OrderStatus
from engine.messages import Accepted, Refused
from tests.support.broker import Fill, ModelBroker

#: What is asked for, and when -> code and words of the refusal, None = it is taken.
Refuses = Callable[[OrderRequest, float], tuple[str, str] | None]


class Stage(StrEnum):
    """Where a refusal shows."""

    PLACE = "the answer to the order"
    BOOK = "the order book, after the order was taken"
    MODIFY = "the answer to a change of it"


@dataclass
class RefusingBroker(ModelBroker):
    """Refuses what ``refuses`` says, at ``stage``; ``asked`` are the limits of all places and changes."""

    refuses: Refuses = lambda _request, _now_s: None
    stage: Stage = Stage.PLACE

    def __post_init__(self) -> None:
        super().__post_init__()
        self.now_s = 0.0
        self.asked: list[int] = []

    def place(self, request, now_s: float):
        self.now_s = now_s
        said = self.refuses(request, now_s) if self.stage is not Stage.MODIFY else None
        self.asked.append(request.limit_paise)
        if said is None:
            return super().place(request, now_s)
        self.placed.append(request)
        if self.stage is Stage.PLACE:
            return Refused(*said)
        fills, self.fills_as = self.fills_as, Fill.NEVER
        order_id = self.admit(request, now_s)
        self.fills_as = fills
        self.orders[order_id] = replace(self.orders[order_id], status=OrderStatus.REJECTED, reason=said[1])
        return Accepted(order_id)

    def pass_time(self, now_s: float) -> None:
        self.now_s = now_s
        super().pass_time(now_s)

    def modify(self, order_id: str, request):
        self.asked.append(request.limit_paise)
        said = self.refuses(request, self.now_s) if self.stage is not Stage.BOOK else None
        return super().modify(order_id, request) if said is None else Refused(*said)

    @property
    def resting(self) -> list[int]:
        """The limits of what is at the exchange."""
        return [order.limit_paise for order in self.orders.values() if not order.status.final]
