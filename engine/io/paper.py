"""The paper exchange behind the broker's port: simulate mode's broker, filled by live quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
from engine.io.ports import Clock
from engine.messages import Beat, BeatKind, Message, OrderUpdate, Outcome, QuotesRead, Tick, Ticks
from engine.model import InstrumentKey
from engine.paper import PaperExchange
from engine.sessions import ist_date

#: How long a paper order is under way, and for how long a quote still counts as there.
LATENCY_S = 0.2
QUOTE_LIVES_S = 10.0


class PaperBroker:
    """Implements `engine.io.ports.Broker` without any outside call.

    Args:
        nets: what the trade store says is held, before any paper trade.
        post: where order updates go.
    """

    def __init__(
        self,
        exchange: PaperExchange,
        clock: Clock,
        nets: Callable[[], Mapping[InstrumentKey, int]],
        post: Callable[[Message], None],
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._nets = nets
        self._post = post
        self._last: dict[InstrumentKey, tuple[float, Tick]] = {}
        self._day = ist_date(clock.now_s())

    def listen(self, message: Message) -> None:
        """Match resting orders against ticks; on the pulse, against quotes that still stand.

        At the close they end, at midnight the books do.
        """
        now_s = self._clock.now_s()
        if isinstance(message, Ticks | QuotesRead):
            for tick in message.ticks:
                self._last[tick.key] = now_s, tick
                self._offer(tick)
        elif isinstance(message, Beat) and message.kind is BeatKind.PULSE:
            if (today := ist_date(now_s)) != self._day:
                self._day = today
                self._exchange.start_day()
                self._last.clear()
            for key in self._exchange.working():
                last = self._last.get(key)
                if last is not None and now_s - last[0] <= QUOTE_LIVES_S:
                    self._offer(last[1])

        elif isinstance(message, Beat) and message.kind is BeatKind.SESSION_CLOSE:
            for row in self._exchange.close():
                self._post(OrderUpdate(row))

    def _offer(self, tick: Tick) -> None:
        for row in self._exchange.quote(tick):
            self._post(OrderUpdate(row))

    async def place(self, order: OrderRequest) -> Outcome:
        """Take the order after a moment's latency."""
        await self._clock.sleep(LATENCY_S)
        return self._exchange.place(order)

    async def modify(self, order_id: str, order: OrderRequest) -> Outcome:
        """Move the limit after a moment's latency."""
        await self._clock.sleep(LATENCY_S)
        return self._exchange.modify(order_id, order)

    async def cancel(self, order_id: str) -> Outcome:
        """Cancel after a moment's latency."""
        await self._clock.sleep(LATENCY_S)
        return self._exchange.cancel(order_id)

    def recall(self, correlation_id: str) -> None:
        """Nothing waits here for longer than the latency."""

    async def orders(self) -> Sequence[BrokerOrder]:
        """The paper order book."""
        return self._exchange.orders()

    async def orders_named(self, correlation_id: str) -> Sequence[BrokerOrder]:
        """The paper order of this name."""
        return [row for row in self._exchange.orders() if row.correlation_id == correlation_id]

    async def traded(self) -> tuple[Sequence[BrokerFill], Sequence[BrokerPosition]]:
        """The paper trade book; recorded holdings and paper trades together."""
        self._exchange.hold(self._nets())
        return self._exchange.fills(), self._exchange.positions()
