"""What is kept of an account's day, so that a restart does not begin it anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import InstrumentKey, PositionId

    #: The legs of a position, and what parts of it have brought.
    Shape = tuple[tuple[tuple[InstrumentKey, int], ...], int]


class DayTotal(NamedTuple):
    """What all accounts have made since the last session, in paise.

    Attributes:
        paise: None = a position cannot be priced.
        closed_paise: what of it was made by positions that were closed today.
        blind: positions that cannot be priced.
    """

    paise: int | None
    closed_paise: int
    blind: tuple[PositionId, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """What has to survive a restart.

    Attributes:
        date: ISO; empty = no session was seen yet.
        base: P&L of each position when its day began.
        last: the newest believable P&L of each.
        closed: what positions that ended today have made today.
        peak_paise: the day's highest P&L since the trailing limit was activated.
        fired: the limit that has spoken today; empty = none.
        outcome: what came of it, a word of `engine.limits`; with the question's nonce if it was one.
        known: the positions the owner need not be told of any more.
        shapes: of which legs, and after which parts, each position's figures are.
    """

    date: str = ""
    base: Mapping[PositionId, int] = field(default_factory=dict)
    last: Mapping[PositionId, int] = field(default_factory=dict)
    closed: Mapping[PositionId, int] = field(default_factory=dict)
    peak_paise: int | None = None
    fired: str = ""
    outcome: str = ""
    nonce: str = ""
    known: tuple[PositionId, ...] = ()
    shapes: Mapping[PositionId, Shape] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        maps = {name: dict(getattr(self, name)) for name in ("base", "last", "closed", "shapes")}
        rest = {name: getattr(self, name) for name in ("date", "peak_paise", "fired", "outcome", "nonce")}
        return maps | rest | {"known": list(self.known)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Day:
        """What `to_json` gave, read back."""
        shapes = {
            name: (tuple((key, units) for key, units in legs), realised_paise)
            for name, (legs, realised_paise) in data.get("shapes", {}).items()
        }
        return cls(**{**data, "known": tuple(data["known"]), "shapes": shapes})
