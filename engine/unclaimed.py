"""What the broker holds and no open row of the trade store names: read twice before it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.joins import fno_segment
from engine.model import InstrumentKind, Segment, key_parts
from engine.sessions import ist_date
from engine.trades import row_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.broker_nouns import HeldContract
    from engine.helm import Helm
    from engine.model import Instrument, InstrumentKey

__all__ = ["Unclaimed", "unfit"]

#: An answer without any position is not believed at once.
EMPTY_READS = 3
_OURS = frozenset({Segment.NSE_FNO, Segment.BSE_FNO})
_KINDS = frozenset({InstrumentKind.OPTION, InstrumentKind.FUTURE})


class Unclaimed:
    """The broker's contracts as last read, and which of them are somebody's already.

    Args:
        helm: whose rows and exits have their contracts already.

    Attributes:
        read: whether the broker was ever read.
        now: what is held, by contract.
        steady: the part of it that the read before showed too, in the same quantity.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self.read = False
        self.now: dict[InstrumentKey, HeldContract] = {}
        self.steady: dict[InstrumentKey, HeldContract] = {}
        self._listed: dict[InstrumentKey, int] = {}
        self._coming: set[InstrumentKey] = set()
        self._empty = 0

    def take(self, held: Iterable[HeldContract]) -> bool:
        """Take in an answer; False when it is not believed yet."""
        nets: dict[InstrumentKey, HeldContract] = {}
        for one in held:
            if key_parts(one.key)[0] in _OURS:  # the same one in two products is one position
                nets[one.key] = nets[one.key].plus(one) if one.key in nets else one
        if not nets and self.now and self._empty < EMPTY_READS:
            self._empty += 1
            return False
        self.read, self._empty = True, 0
        self._listed = {key: one.units for key, one in nets.items()}
        before, self.now = self.now, {key: one for key, one in nets.items() if one.units}
        self.steady = {
            key: one for key, one in self.now.items() if key in before and before[key].units == one.units
        }
        return True

    def moved(self, key: InstrumentKey, units: int) -> bool:
        """Whether the broker lists a contract with another quantity; one that is not listed tells nothing."""
        return self._listed.get(key, units) != units

    def expect(self, keys: Iterable[InstrumentKey]) -> None:
        """Rows of these contracts are on their way into the store."""
        self._coming |= set(keys)

    def covered(self) -> set[InstrumentKey] | None:
        """Contracts that rows name, now or soon, or that an exit trades; None = the rows are not known.

        A row whose contract is not found may mean any of its underlying.
        """
        rows = self._helm.holdings.open_rows()
        if rows is None:
            return None
        keys = set(map(row_key, rows))
        self._coming -= keys
        keys |= self._coming
        keys |= {leg.key for intent in self._helm.desk.live() for leg in intent.legs}
        vague = {row.symbol for row in rows if not row.security_id}
        return keys | {key for key, one in self.now.items() if one.symbol in vague}


def unfit(made: Instrument, now_s: float) -> str:
    """Why rows of the trade store cannot name a contract; empty = they can."""
    if made.kind not in _KINDS:
        return f"{made.display} is neither an option nor a future"
    if made.segment is not fno_segment(made.symbol):
        return f"options of {made.symbol} are known on {fno_segment(made.symbol)} alone"
    if made.expiry is not None and made.expiry < ist_date(now_s):
        return f"{made.display} expired on {made.expiry}"
    return ""
