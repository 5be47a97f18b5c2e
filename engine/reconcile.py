"""The broker's truth against ours: what differs, and why it matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, Position, PositionId

__all__ = ["Difference", "Opposed", "Recorded", "differences", "opposed", "recorded"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One contract in which the trade store and the broker disagree.

    Attributes:
        ours, theirs: net units; theirs None = the broker does not list the contract.
    """

    key: InstrumentKey
    name: str
    ours: int
    theirs: int | None
    positions: tuple[PositionId, ...]

    @property
    def more(self) -> bool:
        """True when the broker holds more, the same way round: closing what is recorded crosses no zero."""
        return self.theirs is not None and self.ours * self.theirs > 0 and abs(self.theirs) > abs(self.ours)

    @property
    def text(self) -> str:
        """One sentence for the owner."""
        theirs = (
            "does not list it"
            if self.theirs is None
            else f"holds {self.theirs:+d}"
            if self.theirs
            else "holds none"
        )
        return f"{self.name}: the trade store says {self.ours:+d} units, the broker {theirs}."


class Recorded(NamedTuple):
    """What positions come to, by contract: net units, what people call it, and whose they are."""

    units: Mapping[InstrumentKey, int]
    names: Mapping[InstrumentKey, str]
    owners: Mapping[InstrumentKey, Sequence[PositionId]]


def recorded(positions: Iterable[Position]) -> Recorded:
    """Add up the legs of all positions."""
    units: dict[InstrumentKey, int] = {}
    names: dict[InstrumentKey, str] = {}
    owners: dict[InstrumentKey, list[PositionId]] = {}
    for position in positions:
        name = position.id
        for leg in position.legs:
            key = leg.key
            units[key] = units.get(key, 0) + leg.quantity
            names[key] = leg.instrument.display
            owners.setdefault(key, []).append(name)
    return Recorded(units, names, owners)


def differences(
    ours: Recorded, report: BrokerReport, traded: Mapping[InstrumentKey, int]
) -> list[Difference]:
    """Compare the sum of all positions' legs with the broker's net, contract by contract.

    ``traded``: signed units that are gone of rows which still list them. A contract that only the broker
    holds is somebody else's business and no difference; one that is all traded need not be listed.
    """
    held: dict[InstrumentKey, int] = {}
    for row in report.positions:
        held[row.key] = held.get(row.key, 0) + row.net_quantity
    found = []
    for key, net in ours.units.items():
        here, theirs = net + traded.get(key, 0), held.get(key)
        if (theirs or 0) != here or (theirs is None and here):
            found.append(Difference(key, ours.names[key], here, theirs, tuple(ours.owners[key])))
    return found


@dataclass(frozen=True, slots=True)
class Opposed:
    """One contract that some positions hold long and others short: the broker shows only the net."""

    key: InstrumentKey
    name: str
    longs: tuple[PositionId, ...]
    shorts: tuple[PositionId, ...]

    @property
    def text(self) -> str:
        """What that means for the owner."""
        return (
            f"{self.name} is held long by {', '.join(self.longs)} and short by {', '.join(self.shorts)}. The "
            "broker nets them: an exit of one can only trade what the net allows, and never opens the other "
            "again. Close them together, or by hand."
        )


def opposed(positions: Sequence[Position]) -> frozenset[Opposed]:
    """Contracts in which positions of one account face each other."""
    sides: dict[InstrumentKey, tuple[set[PositionId], set[PositionId]]] = {}
    names: dict[InstrumentKey, str] = {}
    for position in positions:
        name = position.id
        nets: dict[InstrumentKey, int] = {}
        for leg in position.legs:
            key = leg.key
            nets[key] = nets.get(key, 0) + leg.quantity
            names[key] = leg.instrument.display
        for key, net in nets.items():
            longs, shorts = sides.setdefault(key, (set(), set()))
            if net:
                (longs if net > 0 else shorts).add(name)
    return frozenset(
        Opposed(key, names[key], tuple(sorted(longs)), tuple(sorted(shorts)))
        for key, (longs, shorts) in sides.items()
        if longs and shorts
    )
