"""The switchboard of everything that can go wrong between a client and Dhan.

REST faults are armed for the next calls that match a verb and a path (below ``/v2``); socket faults are
counters and switches that the sockets look at. All methods can be driven over HTTP too, by name
(``POST /sandbox/faults {"arm": "stall", "times": 2}``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Reply(StrEnum):
    """What the client gets to see of a call."""

    HONEST = "honest"
    STALL = "stall"
    RESET = "reset"
    ERROR = "error"
    HALF_BODY = "half_body"


class Socket(StrEnum):
    """The two kinds of socket."""

    FEED = "feed"
    ORDERS = "orders"


@dataclass(slots=True)
class RestFault:
    """One armed fault.

    Attributes:
        times: how many matching calls are still hit.
        accepted: the call takes effect although the reply does not say so.
        status: HTTP status of an ERROR reply; ``body`` its JSON (None = an HTML page).
        seconds: how long a STALL lasts before the connection is cut, or how old delayed positions are.
        late_s: the order of the call shows up this much later.
        reason: the exchange rejects the order of the call with these words.
        lag_s: orders and trades are told as they were so long ago.
    """

    verb: str
    path: str
    times: int
    reply: Reply = Reply.HONEST
    accepted: bool = True
    status: int = 502
    body: dict[str, Any] | None = None
    seconds: float = 0.0
    late_s: float = 0.0
    reason: str = ""
    lag_s: float = 0.0

    def matches(self, verb: str, path: str) -> bool:
        """Whether a call is meant: the verb is the same or "*", the path begins alike."""
        return self.times > 0 and self.verb in {verb, "*"} and path.startswith(self.path)


#: Attributes of `Faults` that are simply on or off.
SWITCHES = ("feed_says_why", "no_data_plan", "refuse_tokens", "token_as_order_error", "wrong_ip")


@dataclass(slots=True)
class SocketFaults:
    """What one kind of socket does wrong.

    Attributes:
        upgrade_429: how many coming handshakes are refused with HTTP 429.
        silent: connections live, pings are answered, no data flows.
        lag_s: every frame is sent this much late.
        truncate, garbage: how many coming frames are cut short, or preceded by one of nonsense.
        heartbeat: how many coming feed frames are preceded by a bare header of code 0.
        duplicate: how many coming frames are sent twice.
        reorder: how many coming frames change places with the one after them.
    """

    upgrade_429: int = 0
    silent: bool = False
    lag_s: float = 0.0
    truncate: int = 0
    garbage: int = 0
    heartbeat: int = 0
    duplicate: int = 0
    reorder: int = 0


class Faults:
    """Arm a method; it hits the next matching calls.

    Attributes:
        refuse_tokens: every token counts as invalid.
        no_data_plan: the data API and the feed are not subscribed to (806).
        wrong_ip: orders come from an address that is not the registered one (DH-905 Invalid IP).
        token_as_order_error: a refused token is told as HTTP 400 DH-906, as was seen, not as 401 DH-901.
        feed_says_why: a refused or expired token on the feed gets a packet 50; otherwise a bare reset.
    """

    def __init__(self) -> None:
        """All is well."""
        self.rest: list[RestFault] = []
        self.sockets = {Socket.FEED: SocketFaults(), Socket.ORDERS: SocketFaults()}
        self.refuse_tokens = False
        self.no_data_plan = False
        self.wrong_ip = False
        self.token_as_order_error = False
        self.feed_says_why = False
        self._cutters: dict[Socket, Callable[[], None]] = {}

    @property
    def feed(self) -> SocketFaults:
        """Faults of the price feed."""
        return self.sockets[Socket.FEED]

    @property
    def updates(self) -> SocketFaults:
        """Faults of the order-update socket."""
        return self.sockets[Socket.ORDERS]

    def stall(
        self,
        *,
        times: int = 1,
        verb: str = "POST",
        path: str = "/orders",
        accepted: bool = True,
        seconds: float = 30.0,
    ) -> None:
        """No reply for a while, then the connection is cut; the call was taken or not."""
        self.rest.append(RestFault(verb, path, times, reply=Reply.STALL, accepted=accepted, seconds=seconds))

    def reset(
        self, *, times: int = 1, verb: str = "POST", path: str = "/orders", accepted: bool = True
    ) -> None:
        """A TCP reset in place of the reply."""
        self.rest.append(RestFault(verb, path, times, reply=Reply.RESET, accepted=accepted))

    def half_body(
        self, *, times: int = 1, verb: str = "POST", path: str = "/orders", accepted: bool = True
    ) -> None:
        """Half of the reply, then the end of the connection."""
        self.rest.append(RestFault(verb, path, times, reply=Reply.HALF_BODY, accepted=accepted))

    def error(
        self,
        *,
        times: int = 1,
        verb: str = "POST",
        path: str = "/orders",
        accepted: bool = True,
        status: int = 502,
        body: dict[str, Any] | None = None,
    ) -> None:
        """An HTTP error: an HTML page from a gateway, or a JSON body of your own."""
        self.rest.append(
            RestFault(verb, path, times, reply=Reply.ERROR, accepted=accepted, status=status, body=body)
        )

    def late(
        self,
        late_s: float,
        *,
        times: int = 1,
        path: str = "/orders",
        reply: Reply = Reply.STALL,
        seconds: float = 30.0,
    ) -> None:
        """The order is taken, but shows up in the book only ``late_s`` later; the reply is as said."""
        self.rest.append(RestFault("POST", path, times, reply=Reply(reply), seconds=seconds, late_s=late_s))

    def reject(self, reason: str, *, times: int = 1, path: str = "/orders") -> None:
        """The order is taken with an id and rejected by the exchange, with these words in the book."""
        self.rest.append(RestFault("POST", path, times, reason=reason))

    def delay_positions(self, seconds: float, *, times: int = 1) -> None:
        """Positions are told as they were some seconds ago."""
        self.rest.append(RestFault("GET", "/positions", times, seconds=seconds))

    def delay_books(self, seconds: float, *, times: int = 1) -> None:
        """Order book and trade book are told as they were some seconds ago, so many reads of each."""
        for path in ("/orders", "/trades"):
            self.rest.append(RestFault("GET", path, times, lag_s=seconds))

    def cut(self, socket: Socket = Socket.FEED) -> None:
        """Reset every connection of a kind now, without a close frame."""
        self._cutters[Socket(socket)]()

    def clear(self) -> None:
        """All is well again (connections already cut stay cut)."""
        self.rest.clear()
        self.sockets.update({kind: SocketFaults() for kind in Socket})
        for name in SWITCHES:
            setattr(self, name, False)

    def take(self, verb: str, path: str) -> RestFault | None:
        """The fault that hits this call, counted down; None = none."""
        for fault in self.rest:
            if fault.matches(verb, path):
                fault.times -= 1
                return fault
        return None

    def on_cut(self, socket: Socket, cutter: Callable[[], None]) -> None:
        """Let `cut` reach the sockets."""
        self._cutters[socket] = cutter
