"""A held contract in a new instrument master: is it what it was?

Lots are revised, ids are given to other contracts, strikes are adjusted by corporate actions. An exit
that was armed on the old contract must not be sent for the new one before a person has looked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.money import rupees

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from engine.model import Instrument, InstrumentKey, PositionId

__all__ = ["changes", "merged"]


def changes(old: Instrument, new: Instrument | None) -> str:
    """What is another thing now, as a sentence without its full stop; empty = nothing that matters.

    The day's price range, the freeze quantity and the names may change: they are not the contract.
    """
    if new is None:
        return f"{old.display} is not in the instrument master any more"
    if (new.kind, new.symbol, new.right) != (old.kind, old.symbol, old.right):
        return f"the security id of {old.display} means {new.display} now"
    told = [
        f"{name} {was or 'none'} is {now or 'none'} now"
        for name, was, now in (
            ("lot", old.lot, new.lot),
            ("tick", rupees(old.tick_paise), rupees(new.tick_paise)),
            ("strike", _rupees(old.strike_paise), _rupees(new.strike_paise)),
            ("expiry", old.expiry, new.expiry),
        )
        if was != now
    ]
    return f"{old.display}: {', '.join(told)}" if told else ""


def merged(
    known: Mapping[PositionId, Mapping[InstrumentKey, Instrument]],
    master: Mapping[InstrumentKey, Instrument],
    today: date,
) -> tuple[dict[InstrumentKey, Instrument], dict[PositionId, str]]:
    """The new master, but for held contracts that have changed; and which positions hold those, and why.

    ``known``: what the contracts of each position were. One that has expired before ``today`` is gone as it
    should be.
    """
    kept = dict(master)
    held: dict[PositionId, str] = {}
    for position, instruments in known.items():
        found = {
            key: changes(old, master.get(key))
            for key, old in instruments.items()
            if key in master or old.expiry is None or old.expiry >= today
        }
        kept |= {key: instruments[key] for key, change in found.items() if change}
        if why := "; ".join(change for change in found.values() if change):
            held[position] = why
    return kept, held


def _rupees(paise: int | None) -> str:
    return "" if paise is None else rupees(paise)
