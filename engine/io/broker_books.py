"""The broker's books in one picture: orders, fills and positions between which nothing has moved.

Positions that were read before the orders are the dangerous way round: a fill in between is missing from the
positions and its order gone from the book, and the same would be traded twice. So what counts is this:

    a book of orders, then fills and positions, then the same book of orders once more

Each fill changes a row of the order book, so that nothing was filled between two books that are equal, and it
does not matter in which order fills and positions were read in between: they are read at the same time. Nor
does it matter how long ago the first of the two was read. A book in which nothing of ours was working is
therefore kept, and while no command of ours has left since, it is the first book of the next look: that takes
two round trips then, and three else. Should it not be the same any more, the look goes on with the newer one.

Nothing of it is less fresh for that: all that is told was read after it was asked for, the order book too,
since the one that is told was seen to be the same at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import SourceError
from engine.messages import BrokerReport
from engine.orders import read_correlation_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition
    from engine.io.ports import Broker, Clock

__all__ = ["BrokerBooks"]

#: How often fills and positions are read again when orders changed meanwhile; the last time is not held
#: against another book, but comes after the newest all the same.
REREADS = 2


class BrokerBooks:
    """Reads the books, one look after the other or several at once."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        """Nothing is known yet."""
        self._broker, self._clock = broker, clock
        self._still: Sequence[BrokerOrder] | None = None  # the last book, if nothing of ours moves it
        self._commands = 0

    def stirred(self) -> None:
        """A command of ours leaves: the order book that is known is about to change."""
        self._still = None
        self._commands += 1

    async def read(self, request: int) -> BrokerReport:
        """Look at all three; what came of it, failures too."""
        began_s = self._clock.now_s()
        try:
            orders, fills, positions = await self._look()
        except SourceError as error:
            return BrokerReport(request, began_s, failed=str(error) or repr(error))
        return BrokerReport(request, began_s, tuple(orders), tuple(fills), tuple(positions))

    async def _look(self) -> tuple[Sequence[BrokerOrder], Sequence[BrokerFill], Sequence[BrokerPosition]]:
        """As `read`. Raises SourceError."""
        commands, looks = self._commands, REREADS
        orders = self._still
        if orders is None:
            orders = await self._broker.orders()
        else:
            looks += 1  # one that goes by a book of old may be in vain
        for _ in range(looks):
            fills, positions = await self._broker.traded()
            after = await self._broker.orders()
            if after == orders:
                self._keep(after, commands)
                return after, fills, positions
            orders = after
        fills, positions = await self._broker.traded()
        return orders, fills, positions

    def _keep(self, orders: Sequence[BrokerOrder], commands: int) -> None:
        """Keep a book for the next look, unless that would most likely be in vain."""
        ours = (order for order in orders if read_correlation_id(order.correlation_id))
        calm = commands == self._commands and all(order.status.final for order in ours)
        self._still = orders if calm else None
