"""Margin and funds, asked of Dhan: a read that changes nothing and that nothing waits for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from engine.errors import SourceError
from engine.io.dhan.outcomes import answer_of
from engine.messages import MarginKnown
from engine.model import key_parts
from engine.wire.margin import parse_free, parse_margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.broker_nouns import MarginStep
    from engine.effects import QueryMargin
    from engine.io.dhan.http import Reply
    from engine.io.dhan.rest import DhanRest

__all__ = ["DhanMargin"]

#: No basket is asked about later than this: who has to answer has answered, or wants no more words.
DEADLINE_S = 12.0
_BAD_REQUEST = 400
#: dhanhq's own spelling, and that of the documentation's table.
_SPELLINGS = (("includeOrder", "scripList"), ("includeOrders", "scripts"))


class DhanMargin:
    """Asks what an exit would need; implements `engine.io.ports.Margins`.

    One question after the other, none of them cut off amid a call: together they never hold more than
    one of the places for reads.
    """

    def __init__(self, rest: DhanRest) -> None:
        self._rest = rest
        self._one = asyncio.Lock()
        self._spelling = 0

    async def known(self, query: QueryMargin) -> MarginKnown:
        """What is free, and the margin of each basket; the first that cannot be asked ends it."""
        async with self._one:
            until_s = asyncio.get_running_loop().time() + DEADLINE_S
            margins: list[int] = []
            try:
                free_paise = parse_free(answer_of((await self._rest.ask("/fundlimit")).reply))
                for basket in query.baskets:
                    if asyncio.get_running_loop().time() > until_s:
                        return MarginKnown(query.nonce, failed=f"no answer within {DEADLINE_S:.0f} s")
                    margins.append(await self._margin(basket))
            except (SourceError, ValueError) as error:
                return MarginKnown(query.nonce, failed=str(error))
        return MarginKnown(query.nonce, free_paise, tuple(margins))

    async def _margin(self, basket: Sequence[MarginStep]) -> int:
        """The margin of one basket; where our spelling is refused the other is tried, kept if it works."""
        reply = await self._asked(basket, self._spelling)
        if reply.status != _BAD_REQUEST:
            return parse_margin(answer_of(reply))
        margin = parse_margin(answer_of(await self._asked(basket, 1 - self._spelling)))
        self._spelling = 1 - self._spelling
        return margin

    async def _asked(self, basket: Sequence[MarginStep], spelling: int) -> Reply:
        orders, scripts = _SPELLINGS[spelling]
        body = {"includePosition": True, orders: True, scripts: [_script(step) for step in basket]}
        return (await self._rest.ask("/margincalculator/multi", body)).reply


def _script(step: MarginStep) -> dict[str, Any]:
    segment, security_id = key_parts(step.key)
    return {
        "exchangeSegment": segment.value,
        "transactionType": step.side.value,
        "quantity": step.quantity,
        "productType": step.product.value,
        "securityId": str(security_id),
        "price": step.price_paise / 100,
        "triggerPrice": 0.0,
    }
