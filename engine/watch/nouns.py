"""What a watch remembers across restarts, and what it says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import PositionId, Verdict


@dataclass(frozen=True, slots=True)
class Memory:
    """What must survive a restart of one position's watch.

    Attributes:
        peak_paise, trough_paise: highest and lowest believable P&L since take-over, realised
            included; None = none seen yet.
        alert_level: highest loss threshold told and not armed again: 0, 40, 60 or 80.
        realised_paise: what partial exits have brought.
        open_share: open combinations over those at entry, as a pair of whole numbers.
        warned_s: the latest expiry warning told, epoch seconds; None = none.
        peaks: highest P&L since each ratchet was armed, by the rule's name.
        peaks_of: the legs and the open share those peaks were seen with; other legs end them.
        entry_spot_paise: the underlying's price at entry; None = unknown.
    """

    peak_paise: int | None = None
    trough_paise: int | None = None
    alert_level: int = 0
    realised_paise: int = 0
    open_share: tuple[int, int] = (1, 1)
    warned_s: float | None = None
    peaks: Mapping[str, int] = field(default_factory=dict)
    peaks_of: tuple[str, int, int] = ("", 1, 1)
    entry_spot_paise: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return asdict(self) | {"open_share": list(self.open_share), "peaks_of": list(self.peaks_of)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Memory:
        """What `to_json` gave, read back; what an older version did not know yet is as at the start."""
        pairs = {name: tuple(data[name]) for name in ("open_share", "peaks_of") if name in data}
        return cls(**{**data, **pairs})


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict about one position."""

    position: PositionId
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RuleNote:
    """A rule that does not guard a position, with the sentence why.

    Attributes:
        refused: the owner asked for something that cannot be had (worth an alert); False: the rule
            just does not apply here.
        failed: it made a mistake, and the position is held for it.
        mistake: it was asked for by a mistake in the trade store, which the owner should mend.
    """

    rule: str
    text: str
    refused: bool
    failed: bool = False
    mistake: bool = False
