"""What the options of one expiry say of their underlying: the forward of put-call parity.

All in *doubled* paise: the sum of bid and ask of a quote is twice its mid, so nothing is ever rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Twins(NamedTuple):
    """A call and a put of one strike and expiry: the strike in paise, bid + ask of each in paise."""

    strike_paise: int
    call_both_paise: int
    put_both_paise: int

    @property
    def forward_both_paise(self) -> int:
        """Twice the forward at which owning the call and owing the put costs nothing."""
        return 2 * self.strike_paise + self.call_both_paise - self.put_both_paise


def forward_both_paise(twins: Iterable[Twins]) -> int | None:
    """Twice the forward, in paise, from the strike at which call and put are closest; None = no twins.

    There both are far from their intrinsic value and quoted best. Of two strikes equally close the
    lower one counts.
    """
    closest = min(
        twins,
        key=lambda pair: (abs(pair.call_both_paise - pair.put_both_paise), pair.strike_paise),
        default=None,
    )
    return None if closest is None else closest.forward_both_paise
