"""From the feed's float32 rupees to paise on the instrument's price grid, and Dhan's clock to UTC.

A float32 has 24 significant bits, so 81234.05 arrives as 81234.046875. Below 131,072 rupees two
neighbouring floats are less than a paisa apart, and rounding to the paisa recovers the price, whatever
the instrument's tick. Above, rounding to the tick does, as long as neighbours are no further apart than
one tick: below 524,288 rupees for five paise. Beyond that the bytes do not say which price was meant,
and that is an error, not a guess.
"""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.errors import WireError
from engine.tick import utc_of_ltt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Below so many rupees float32 tells paise apart.
PAISE_APART_BELOW = 131_072.0

_FLOAT = struct.Struct("<f")
_BITS = struct.Struct("<I")


class BrokenFrame(WireError):
    """Part of a frame made no sense; ``good`` holds what was understood, in order."""

    def __init__(self, faults: Iterable[str], good: Sequence[object]) -> None:
        """Keep the understood parts; the text lists the faults."""
        self.good = tuple(good)
        super().__init__("; ".join(faults))


def paise_of_bits(bits: int, tick_paise: int) -> int:
    """Turn the four bytes of a feed price (as an unsigned integer) into paise.

    The result is the price whose float32 these bytes are, to the paisa where float32 tells paise apart,
    even between two ticks: then the grid we were told is wrong, and rounding to it would invent a price.

    Raises:
        WireError: not a number, infinite, negative, or too large for float32 to tell ticks apart.
    """
    return paise_of_float(_FLOAT.unpack(_BITS.pack(bits))[0], tick_paise)


def paise_of_float(rupees: float, tick_paise: int) -> int:
    """Like `paise_of_bits`, for a float32 already widened (JSON quotes carry those too).

    Raises:
        WireError: not a number, infinite, negative, or too large for float32 to tell ticks apart.
    """
    if not 0.0 <= rupees < math.inf:
        msg = f"price {rupees} rupees: expected a finite number, zero or more"
        raise WireError(msg)
    paise = rupees * 100.0
    if rupees < PAISE_APART_BELOW:
        return int(paise + 0.5)
    apart_paise = 100.0 * 2.0 ** (math.frexp(rupees)[1] - 24)
    if apart_paise > tick_paise:
        msg = f"price {rupees} rupees: float32 cannot tell ticks of {tick_paise} paise apart there"
        raise WireError(msg)
    return int(paise / tick_paise + 0.5) * tick_paise


def utc_of_ist_text(text: str, layout: str) -> int:
    """Read an IST time such as ``20/11/2026 14:39:29``; UTC epoch seconds, 0 when it names none."""
    try:
        moment = datetime.strptime(text, layout).replace(tzinfo=UTC)
    except ValueError:
        return 0
    return utc_of_ltt(int(moment.timestamp()))
