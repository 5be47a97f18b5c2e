"""The broker's truth against ours: what differs, and why it matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, Position, PositionId

__all__ = ["Difference", "differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One contract in which the trade store and the broker disagree.

    Attributes:
        ours, theirs: net units; theirs None = the broker does not list the contract.
        danger: True when acting on our number could cross zero (they hold less, or the other way).
    """

    key: InstrumentKey
    name: str
    ours: int
    theirs: int | None
    positions: tuple[PositionId, ...]

    @property
    def danger(self) -> bool:
        """True when our number is more than what is surely held."""
        if self.theirs is None:
            return True
        return self.theirs * self.ours <= 0 or abs(self.theirs) < abs(self.ours)

    @property
    def text(self) -> str:
        """One sentence for the owner."""
        theirs = "does not list it" if self.theirs is None else f"holds {self.theirs:+d}"
        return f"{self.name}: the trade store says {self.ours:+d} units, the broker {theirs}."


def differences(positions: Iterable[Position], report: BrokerReport) -> list[Difference]:
    """Compare the sum of all positions' legs with the broker's net, contract by contract.

    A contract that only the broker holds is somebody else's business and no difference.
    """
    held: dict[InstrumentKey, int] = {}
    for row in report.positions:
        held[row.key] = held.get(row.key, 0) + row.net_quantity
    ours, names, owners = _sums(positions)
    found = [Difference(key, names[key], net, held.get(key), tuple(owners[key])) for key, net in ours.items()]
    return [d for d in found if d.theirs != d.ours]


def _sums(
    positions: Iterable[Position],
) -> tuple[
    Mapping[InstrumentKey, int], Mapping[InstrumentKey, str], Mapping[InstrumentKey, list[PositionId]]
]:
    ours: dict[InstrumentKey, int] = {}
    names: dict[InstrumentKey, str] = {}
    owners: dict[InstrumentKey, list[PositionId]] = {}
    for position in positions:
        for leg in position.legs:
            ours[leg.key] = ours.get(leg.key, 0) + leg.quantity
            names[leg.key] = leg.instrument.display
            owners.setdefault(leg.key, []).append(position.id)
    return ours, names, owners
