"""What we say on Dhan's two sockets: subscriptions on the feed, the login on the order updates."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import TYPE_CHECKING

from engine.model import key_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import InstrumentKey

#: More instruments than this in one message are not allowed (Dhan's live market feed page).
MESSAGE_LIMIT = 100


class FeedMode(IntEnum):
    """How much of an instrument the feed sends; the number subscribes, the next one unsubscribes.

    FULL on an index is silent, so an index is asked for as QUOTE.
    """

    TICKER = 15
    QUOTE = 17
    FULL = 21


def subscriptions(keys: Sequence[InstrumentKey], mode: FeedMode, *, end: bool = False) -> list[str]:
    """Write the messages that subscribe (or, with ``end``, unsubscribe) these instruments.

    Returns:
        JSON texts of at most 100 instruments each; none for no instruments. The security id is a
        string on this wire.
    """
    texts = []
    for first in range(0, len(keys), MESSAGE_LIMIT):
        part = [key_parts(key) for key in keys[first : first + MESSAGE_LIMIT]]
        message = {
            "RequestCode": mode + end,
            "InstrumentCount": len(part),
            "InstrumentList": [{"ExchangeSegment": str(s), "SecurityId": str(i)} for s, i in part],
        }
        texts.append(json.dumps(message))
    return texts


def login(client_id: str, access_token: str) -> str:
    """Write the first message on the order-update socket. It holds the token: never log it."""
    request = {"MsgCode": 42, "ClientId": client_id, "Token": access_token}
    return json.dumps({"LoginReq": request, "UserType": "SELF"})
