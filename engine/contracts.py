"""What the contracts of each watched position were when somebody last looked, beside the newest master.

Journaled, so that a contract that changes while nobody runs is seen all the same, and one that has changed
holds its position also after a restart: until it is what it was, or the owner takes it over.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from engine.effects import Record
from engine.masterdiff import merged
from engine.model import Instrument, InstrumentKey, InstrumentKind, PositionId, Right, Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.model import Position

__all__ = ["Contracts"]


class Contracts:
    """The instruments to go by, and which positions are held because theirs have changed.

    Attributes:
        why: held positions, and what has changed, as a sentence without its full stop.
    """

    def __init__(self) -> None:
        self.why: dict[PositionId, str] = {}
        self._known: dict[PositionId, dict[InstrumentKey, Instrument]] = {}
        self._master: Mapping[InstrumentKey, Instrument] = {}
        self._told: dict[PositionId, str] = {}

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal remembers."""
        for name, row in rows.items():
            if row["legs"]:
                instruments = map(_from_json, row["legs"])
                self._known[PositionId(name)] = {each.key: each for each in instruments}
            if row["why"]:
                self.why[PositionId(name)] = self._told[PositionId(name)] = row["why"]

    def take(
        self, master: Mapping[InstrumentKey, Instrument], today: date
    ) -> tuple[Mapping[InstrumentKey, Instrument], list[Record]]:
        """A new master: what to go by from now on, and what is to be remembered of the held ones."""
        self._master = master
        before = self.why
        instruments, self.why = merged(self._known, master, today)
        told = [name for name in before.keys() | self.why.keys() if before.get(name) != self.why.get(name)]
        return instruments, [self._record(name) for name in sorted(told)]

    def news(self) -> list[tuple[PositionId, str]]:
        """What has changed and was not told yet; a restart tells nothing again."""
        told, self._told = self._told, dict(self.why)
        return [(name, why) for name, why in self.why.items() if told.get(name) != why]

    def odd(self, position: Position) -> tuple[str, ...]:
        """Legs that are no whole lots any more by the newest master: their odd rest cannot be traded."""
        lots = {leg.key: self._master[leg.key].lot for leg in position.legs if leg.key in self._master}
        return tuple(
            f"{abs(leg.quantity)} units of {leg.instrument.display} are no whole lots of {lots[leg.key]}"
            for leg in position.legs
            if leg.quantity % lots.get(leg.key, 1)
        )

    def learn(self, position: Position) -> list[Record]:
        """A position is watched by these contracts; nothing to remember when they are known."""
        found = {leg.key: _plain(leg.instrument) for leg in position.legs}
        if self._known.get(position.id) == found:
            return []
        self._known[position.id] = found
        return [self._record(position.id)]

    def keep(self, positions: Collection[PositionId]) -> list[Record]:
        """Forget every other position."""
        gone = sorted(self._known.keys() - set(positions))
        for name in gone:
            del self._known[name]
            self.why.pop(name, None)
        return [self._record(name) for name in gone]

    def take_over(self, positions: Collection[PositionId], today: date) -> Mapping[InstrumentKey, Instrument]:
        """The owner has seen it: the contracts of these are what the newest master says.

        They are learnt again, and recorded, when their positions are put under watch.
        """
        for name in [name for name in positions if self.why.pop(name, "")]:
            self._known[name] = {}
        return merged(self._known, self._master, today)[0]

    def _record(self, position: PositionId) -> Record:
        legs = [_to_json(each) for each in self._known.get(position, {}).values()]
        return Record("contracts", position, {"legs": legs, "why": self.why.get(position, "")})


def _plain(instrument: Instrument) -> Instrument:
    """Without what is of one day only."""
    if instrument.lower_paise is None and instrument.upper_paise is None:
        return instrument
    return replace(instrument, lower_paise=None, upper_paise=None)


def _to_json(one: Instrument) -> dict[str, Any]:
    return {
        "segment": one.segment, "id": one.security_id, "kind": one.kind, "symbol": one.symbol,
        "display": one.display, "lot": one.lot, "tick": one.tick_paise,
        "expiry": one.expiry.isoformat() if one.expiry else None, "strike": one.strike_paise,
        "right": one.right, "freeze": one.freeze_quantity, "trading": one.trading_symbol,
        "index": one.index_option, "underlying": one.underlying,
    }  # fmt: skip


def _from_json(row: Mapping[str, Any]) -> Instrument:
    return Instrument(
        Segment(row["segment"]), row["id"], InstrumentKind(row["kind"]), row["symbol"], row["display"],
        row["lot"], row["tick"], date.fromisoformat(row["expiry"]) if row["expiry"] else None, row["strike"],
        Right(row["right"]) if row["right"] else None, row["freeze"], row["trading"], row["index"],
        None if row["underlying"] is None else InstrumentKey(row["underlying"]),
    )  # fmt: skip
