"""What the contracts of one expiry say of their underlying: the forward, one for everybody who asks.

The guards measure intrinsic value against it and the model reckons with it. All in *doubled* paise: the
sum of bid and ask of a quote is twice its mid, so nothing is ever rounded.
"""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How many voices are heard, those nearest the money: more would be farther from it and quoted worse.
_VOICES = 3
#: How far a forward may lie from the underlying's price, in per cent of it: at once, and more for each
#: year to expiry. A dividend moves it down, interest up, and neither by more than that.
FAR_PCT, FAR_PCT_A_YEAR = 5, 10


class Twins(NamedTuple):
    """A call and a put of one strike and expiry: the strike in paise, bid + ask of each in paise."""

    strike_paise: int
    call_both_paise: int
    put_both_paise: int

    @property
    def forward_both_paise(self) -> int:
        """Twice the forward at which owning the call and owing the put costs nothing."""
        return 2 * self.strike_paise + self.call_both_paise - self.put_both_paise


def forward_both_paise(
    twins: Iterable[Twins],
    future_both_paise: int | None = None,
    spot_both_paise: int | None = None,
    days_left: int = 0,
) -> int | None:
    """Twice the forward, in paise; None = nothing tells it.

    Voices are the future of the same expiry and the three strikes at which call and put are closest: there
    both are far from their intrinsic value and quoted best. One wrong price must not move the forward of
    everybody, so of three voices the middle one counts, and of two the middle of them and the spot.
    A voice that is too far from the spot is not heard. Without a voice the spot stands in.

    Args:
        twins: strikes with a believable call and put, in any order.
        future_both_paise: bid + ask of the future of that expiry.
        spot_both_paise: twice the underlying's price, if it is believed.
        days_left: calendar days to expiry.
    """
    heard = nsmallest(
        _VOICES, twins, key=lambda pair: (abs(pair.call_both_paise - pair.put_both_paise), pair.strike_paise)
    )
    voices = [pair.forward_both_paise for pair in heard]
    if future_both_paise is not None:
        voices = [future_both_paise, *voices[: _VOICES - 1]]
    if spot_both_paise is not None:
        far = spot_both_paise * (365 * FAR_PCT + FAR_PCT_A_YEAR * max(days_left, 0))
        voices = [voice for voice in voices if 36500 * abs(voice - spot_both_paise) <= far]
        if len(voices) == _VOICES - 1:
            voices.append(spot_both_paise)
    if len(voices) == _VOICES:
        return sorted(voices)[1]
    return voices[0] if voices else spot_both_paise
