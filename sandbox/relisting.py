"""What the instrument master says otherwise from now on: lots revised, strikes adjusted, contracts gone.

Only the published files change; the market goes on in what it lists, as the real one does until the day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model import Instrument, InstrumentKey

_NAMES = ("expiry", "gone", "lot", "security_id", "segment", "strike", "tick")


class Relisting:
    """Changed rows of the master."""

    def __init__(self) -> None:
        """Everything is as the market lists it."""
        self._changed: dict[InstrumentKey, Instrument | None] = {}

    def edit(self, old: Instrument, asked: Mapping[str, Any]) -> None:
        """List a contract otherwise: ``lot`` in units, ``strike`` and ``tick`` in rupees, ``gone`` for good.

        Raises:
            ValueError: an unknown name or a value that makes no sense.
        """
        for name in asked:
            if name not in _NAMES:
                raise ValueError(f"read {name!r}, expected one of {', '.join(_NAMES)}")
        if asked.get("gone"):
            self._changed[old.key] = None
            return
        new = old
        if "lot" in asked:
            new = replace(new, lot=int(asked["lot"]))
        if "strike" in asked:
            new = replace(new, strike_paise=round(float(asked["strike"]) * 100))
        if "tick" in asked:
            new = replace(new, tick_paise=round(float(asked["tick"]) * 100))
        if "expiry" in asked:
            new = replace(new, expiry=date.fromisoformat(asked["expiry"]))
        if min(new.lot, new.tick_paise) <= 0:
            raise ValueError(f"read lot {new.lot}, tick {new.tick_paise} paise; expected more than 0")
        self._changed[old.key] = new

    def listed(self, instruments: Iterable[Instrument]) -> list[Instrument]:
        """These contracts as the master publishes them."""
        rows = (self._changed.get(each.key, each) for each in instruments)
        return [row for row in rows if row is not None]
