"""The latest quote of one instrument: what is asked of every tick at once, the rest when somebody asks.

A Full packet has 45 fields, and of nine ticks in ten nobody ever asks for more than the three prices. A tick
that came by the feed therefore keeps its packet, and reads the rest of it the first time one of those fields
is wanted.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model import InstrumentKey

#: Dhan writes Indian wall-clock time as if it were UTC; India has no summer time.
IST_OFFSET_S = 19_800
#: Exchange times before this (2001) mean "never traded": Dhan sends 0 or some day in 1980.
FIRST_REAL_TIME_S = 1_000_000_000

#: What the packets say besides prices and levels (their layouts are told in `engine.wire.frames`).
_TICKER_REST = struct.Struct("<12xI")  # last trade
_QUOTE_REST = struct.Struct("<14xI4xI24x")  # last trade, volume
_FULL_REST = struct.Struct("<14xI4xI8xI24xII92x")  # last trade, volume, open interest, best quantities
#: Where in a Full packet the five levels begin.
_LEVELS_AT = 62


def utc_of_ltt(ltt_ist_s: int) -> int:
    """Turn Dhan's last-trade time (IST clock as epoch seconds) into UTC epoch seconds; 0 = never."""
    return ltt_ist_s - IST_OFFSET_S if ltt_ist_s > FIRST_REAL_TIME_S else 0


class Tick:
    """The latest quote of one instrument, as the feed or a REST quote told it.

    Slotted for speed (one is made per packet); treat it as a value all the same.

    Attributes:
        ltp_paise: last traded price, on the instrument's tick; 0 = never traded.
        bid_paise, ask_paise: best prices; 0 = side empty; None = this source has no quotes.
        packet: the Ticker, Quote or Full packet in which the other fields still are; None = they have
            been read, or never were in one. Only `engine.wire` sets it.
    """

    __slots__ = (
        "_ask_quantity", "_bid_quantity", "_depth", "_ltt_s", "_oi", "_volume",
        "ask_paise", "bid_paise", "key", "ltp_paise", "packet",
    )  # fmt: skip

    #: What a tick says, by the names under which it is asked.
    FIELDS = (
        "key", "ltp_paise", "ltt_s", "bid_paise", "bid_quantity", "ask_paise", "ask_quantity",
        "volume", "oi", "depth",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 - one argument per wire field
        self,
        key: InstrumentKey,
        ltp_paise: int,
        ltt_s: int = 0,
        bid_paise: int | None = None,
        bid_quantity: int = 0,
        ask_paise: int | None = None,
        ask_quantity: int = 0,
        volume: int = 0,
        oi: int = 0,
        depth: bytes | None = None,
    ) -> None:
        """Hold the fields; no checks here, `engine.wire` and `engine.guards` make them."""
        self.key = key
        self.ltp_paise = ltp_paise
        self.bid_paise = bid_paise
        self.ask_paise = ask_paise
        self.packet: bytes | None = None
        self._ltt_s = ltt_s
        self._bid_quantity = bid_quantity
        self._ask_quantity = ask_quantity
        self._volume = volume
        self._oi = oi
        self._depth = depth

    def __repr__(self) -> str:
        """Show the quote the way a trader reads it."""
        return f"Tick({self.key}, {self.ltp_paise}, {self.bid_paise}/{self.ask_paise})"

    @property
    def ltt_s(self) -> int:
        """Exchange time of the last trade, epoch seconds UTC; 0 = never."""
        if self.packet is not None:
            self._read_on()
        return self._ltt_s

    @property
    def volume(self) -> int:
        """Units traded today; 0 = none, or not told."""
        if self.packet is not None:
            self._read_on()
        return self._volume

    @property
    def oi(self) -> int:
        """Open interest in units; 0 = none, or not told."""
        if self.packet is not None:
            self._read_on()
        return self._oi

    @property
    def bid_quantity(self) -> int:
        """Units at the best bid."""
        if self.packet is not None:
            self._read_on()
        return self._bid_quantity

    @bid_quantity.setter
    def bid_quantity(self, units: int) -> None:
        if self.packet is not None:
            self._read_on()
        self._bid_quantity = units

    @property
    def ask_quantity(self) -> int:
        """Units at the best ask."""
        if self.packet is not None:
            self._read_on()
        return self._ask_quantity

    @ask_quantity.setter
    def ask_quantity(self, units: int) -> None:
        if self.packet is not None:
            self._read_on()
        self._ask_quantity = units

    @property
    def depth(self) -> bytes | None:
        """The raw 100 bytes of five levels, decoded on demand by `engine.wire.depth`; or None."""
        if self.packet is not None:
            self._read_on()
        return self._depth

    def _read_on(self) -> None:
        """Read what the packet still holds, and let go of it."""
        packet = self.packet
        if packet is None:
            return
        ltt = volume = oi = bids = asks = 0
        depth = None
        if len(packet) == _FULL_REST.size:
            ltt, volume, oi, bids, asks = _FULL_REST.unpack(packet)
            depth = packet[_LEVELS_AT:]
        elif len(packet) == _QUOTE_REST.size:
            ltt, volume = _QUOTE_REST.unpack(packet)
        else:
            (ltt,) = _TICKER_REST.unpack(packet)
        self._ltt_s = ltt - IST_OFFSET_S if ltt > FIRST_REAL_TIME_S else 0
        self._volume, self._oi, self._depth = volume, oi, depth
        self._bid_quantity, self._ask_quantity = bids, asks
        self.packet = None  # last: another thread may be reading the same tick
