"""From the feed's float32 rupees to paise on the instrument's price grid, and Dhan's clock to UTC.

A float32 has 24 significant bits, so 81234.05 arrives as 81234.046875. Rounding to the instrument's
tick recovers the price exactly as long as two neighbouring floats are no further apart than one tick:
below 524,288 rupees for five paise, below 131,072 for one. Beyond that the bytes do not say which
price was meant, and that is an error, not a guess.
"""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Dhan writes Indian wall-clock time as if it were UTC; India has no summer time.
IST_OFFSET_S = 19_800

#: Exchange times before this (2001) mean "never traded": Dhan sends 0 or some day in 1980.
FIRST_REAL_TIME_S = 1_000_000_000

_MEMO_LIMIT = 65_536

_FLOAT = struct.Struct("<f")
_BITS = struct.Struct("<I")

#: For each tick size the prices already worked out, by the float's four bytes read as an integer.
#: A pure memo (bounded): a day of options moves among a few thousand prices, and looking one up costs
#: a tenth of working it out.
KNOWN_PAISE: defaultdict[int, dict[int, int]] = defaultdict(dict)


class BrokenFrame(WireError):
    """Part of a frame made no sense; ``good`` holds what was understood, in order."""

    def __init__(self, faults: Iterable[str], good: Sequence[object]) -> None:
        """Keep the understood parts; the text lists the faults."""
        self.good = tuple(good)
        super().__init__("; ".join(faults))


def paise_of_bits(bits: int, tick_paise: int) -> int:
    """Turn the four bytes of a feed price (as an unsigned integer) into paise.

    The result is the grid price whose float32 these bytes are. Below 131,072 rupees, where float32
    tells paise apart, a price between two ticks is kept to the paisa: then the grid we were told is
    wrong, and rounding would invent a price.

    Raises:
        WireError: not a number, infinite, negative, or too large for float32 to tell ticks apart.
    """
    known = KNOWN_PAISE[tick_paise]
    paise = known.get(bits)
    if paise is None:
        paise = paise_of_float(_FLOAT.unpack(_BITS.pack(bits))[0], tick_paise)
        if len(known) >= _MEMO_LIMIT:
            known.clear()
        known[bits] = paise
    return paise


def paise_of_float(rupees: float, tick_paise: int) -> int:
    """Like `paise_of_bits`, for a float32 already widened (JSON quotes carry those too).

    Raises:
        WireError: not a number, infinite, negative, or too large for float32 to tell ticks apart.
    """
    if not 0.0 <= rupees < math.inf:
        msg = f"price {rupees} rupees: expected a finite number, zero or more"
        raise WireError(msg)
    apart_paise = 100.0 * 2.0 ** (math.frexp(rupees)[1] - 24)
    if apart_paise > tick_paise:
        msg = f"price {rupees} rupees: float32 cannot tell ticks of {tick_paise} paise apart there"
        raise WireError(msg)
    paise = rupees * 100.0
    on_grid = int(paise / tick_paise + 0.5) * tick_paise
    if apart_paise > 1.0 or abs(paise - on_grid) <= apart_paise * 0.5000001:
        return on_grid
    return int(paise + 0.5)


def utc_of_ltt(ltt_ist_s: int) -> int:
    """Turn Dhan's last-trade time (IST clock as epoch seconds) into UTC epoch seconds; 0 = never."""
    return ltt_ist_s - IST_OFFSET_S if ltt_ist_s > FIRST_REAL_TIME_S else 0


def utc_of_ist_text(text: str, layout: str) -> int:
    """Read an IST time such as ``20/11/2026 14:39:29``; UTC epoch seconds, 0 when it names none."""
    try:
        moment = datetime.strptime(text, layout).replace(tzinfo=UTC)
    except ValueError:
        return 0
    return utc_of_ltt(int(moment.timestamp()))
