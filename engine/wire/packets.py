"""What the packets of the live feed say, besides ticks: plain facts, without their bytes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model import InstrumentKey, Segment
from engine.tick import Tick


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open interest in units, sent beside Quote packets (code 5)."""

    key: InstrumentKey
    oi: int


@dataclass(frozen=True, slots=True)
class PreviousClose:
    """Yesterday's close and open interest (code 6); for indices only, on most days."""

    key: InstrumentKey
    close_paise: int
    oi: int


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """Something about the market changed (code 7). The packet does not say what."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class FeedDisconnect:
    """Dhan closes the feed and says why (code 50)."""

    reason_code: int
    text: str


Packet = Tick | OpenInterest | PreviousClose | MarketStatus | FeedDisconnect


#: What the numbers of a disconnect packet mean (Dhan's annexure, data API errors).
DISCONNECT_REASONS = {
    800: "internal server error",
    804: "more instruments than allowed",
    805: "too many requests or connections",
    806: "the data API is not subscribed",
    807: "the access token has expired",
    808: "authentication failed: client id or access token is wrong",
    809: "the access token is invalid",
    810: "the client id is invalid",
    811: "invalid expiry date",
    812: "invalid date format",
    813: "invalid security id",
    814: "invalid request",
}
