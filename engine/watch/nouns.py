"""What a watch remembers across restarts, and what it says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
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
        open_share: open combinations over those at entry, as a pair of whole numbers; (1, 1) = all.
        warned_s: the latest expiry warning told, epoch seconds; None = none.
        scaled_to: the highest scaling level that has acted; no level up to it acts again.
    """

    peak_paise: int | None = None
    trough_paise: int | None = None
    alert_level: int = 0
    realised_paise: int = 0
    open_share: tuple[int, int] = (1, 1)
    warned_s: float | None = None
    scaled_to: Fraction = Fraction(0)

    def after_part(self, realised_paise: int, open_share: tuple[int, int]) -> Memory:
        """What is remembered when a part has been closed for that P&L and this share is left."""
        return replace(self, realised_paise=self.realised_paise + realised_paise, open_share=open_share)

    def shares(self, combinations: int) -> tuple[int, int]:
        """Open combinations and those at entry, of a position that has that many now.

        When somebody else has changed them meanwhile, what is there now counts as entered.
        """
        return self.open_share if self.open_share[0] == combinations else (combinations, combinations)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return asdict(self) | {"open_share": list(self.open_share), "scaled_to": str(self.scaled_to)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Memory:
        """What `to_json` gave, read back."""
        return cls(
            **{
                **data,
                "open_share": tuple(data["open_share"]),
                "scaled_to": Fraction(data.get("scaled_to", "0")),
            }
        )


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
    """

    rule: str
    text: str
    refused: bool
