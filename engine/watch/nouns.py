"""What a watch remembers across restarts, and what it says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import InstrumentKey, Position, PositionId, Verdict

_NO_PRICES: Mapping[InstrumentKey, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Said:
    """What rows of a position said for all of it, kept where a partial exit has ended one of them.

    Attributes:
        margin_paise: blocked at entry for all combinations; None = unknown.
    """

    strategy: str
    rule_sets: tuple[str, ...]
    opened_at_s: float
    margin_paise: int | None


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
        peaks: highest P&L since each ratchet was armed, by the rule's name and what it counts.
        peaks_of: the legs and the open share those peaks were seen with; other legs end them.
        entry_spot_paise: the underlying's price at entry; None = unknown.
        scaled_to: the highest scaling level that has acted; no level up to it acts again.
        said: what rows that our partial exits have ended said; None = none has ended.
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
    scaled_to: Fraction = Fraction(0)
    said: Said | None = None

    def after_part(self, realised_paise: int, open_share: tuple[int, int]) -> Memory:
        """What is remembered when a part has been closed for that P&L and this share is left."""
        return replace(self, realised_paise=self.realised_paise + realised_paise, open_share=open_share)

    def listen(self, position: Position) -> Memory:
        """The same before a part ends rows of the position, which may be those that say it."""
        left, entry = self.shares(position.combinations)
        margin = position.margin_paise
        whole = None if margin is None else margin * entry // left
        if self.said is not None and left != entry:
            whole = self.said.margin_paise
        said = Said(position.strategy, position.rule_sets, position.opened_at_s, whole)
        return replace(self, said=said)

    def complete(self, position: Position) -> Position:
        """The position with what rows said that our own partial exits have ended."""
        left, entry = self.open_share
        if self.said is None or left != position.combinations:
            return position
        said, margin = self.said, self.said.margin_paise
        return replace(
            position,
            strategy=position.strategy or said.strategy,
            rule_sets=position.rule_sets or said.rule_sets,
            opened_at_s=min(position.opened_at_s, said.opened_at_s),
            margin_paise=position.margin_paise if margin is None else margin * left // entry,
        )

    def shares(self, combinations: int) -> tuple[int, int]:
        """Open combinations and those at entry, of a position that has that many now.

        When somebody else has changed them meanwhile, what is there now counts as entered.
        """
        return self.open_share if self.open_share[0] == combinations else (combinations, combinations)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        kept = {name: getattr(self, name) for name in self.__slots__}  # `asdict` copies each value
        return kept | {
            "open_share": list(self.open_share),
            "peaks": dict(self.peaks),
            "peaks_of": list(self.peaks_of),
            "scaled_to": str(self.scaled_to),
            "said": None if self.said is None else asdict(self.said),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Memory:
        """What `to_json` gave, read back; what an older version did not know yet is as at the start."""
        pairs = {name: tuple(data[name]) for name in ("open_share", "peaks_of") if name in data}
        said = data.get("said")
        if said is not None:
            said = Said(**{**said, "rule_sets": tuple(said["rule_sets"])})
        scaled_to = Fraction(data.get("scaled_to", "0"))
        return cls(**{**data, **pairs, "scaled_to": scaled_to, "said": said})


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
        mistake: it was asked for by a mistake in the trade store, which the owner should mend.
        failed: it made a mistake, and the position is held for it.
    """

    rule: str
    text: str
    refused: bool
    mistake: bool = False
    failed: bool = False


class Standing(NamedTuple):
    """What a position counts in its account's day, realised P&L included; None = it cannot be priced.

    Attributes:
        marked_paise, guarded_paise: at believable marks, and as stops count it.
        legs: instrument and signed units of each leg.
        arrived_s: when the newest price of each leg came that the P&L goes by; legs without one are left out.
        realised_paise: what partial exits of ours have brought.
        open_share: share of the entry combinations still open.
    """

    position: PositionId
    opened_at_s: float
    marked_paise: int | None
    guarded_paise: int | None
    legs: tuple[tuple[InstrumentKey, int], ...] = ()
    arrived_s: Mapping[InstrumentKey, float] = _NO_PRICES
    realised_paise: int = 0
    open_share: float = 1.0
