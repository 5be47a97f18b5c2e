"""The nouns of Dhan's own nets: its P&L-based exit, its kill switch, and what it says is held.

All of them are about the whole account: whatever else is held in it, by hand or by another program,
is meant too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import InstrumentKey

__all__ = ["ALL_PRODUCTS", "ControlState", "Controls", "Held", "PnlExit"]

#: Dhan's two words for what its P&L-based exit counts and closes: together everything.
ALL_PRODUCTS = ("INTRADAY", "DELIVERY")


@dataclass(frozen=True, slots=True)
class PnlExit:
    """Terms of Dhan's P&L-based exit: out when the account has lost, or made, so much in the day.

    Attributes:
        loss_paise, profit_paise: both positive.
        products: Dhan's words; empty = it does not say.
        kill_switch: whether Dhan switches trading off after it has fired.
    """

    loss_paise: int
    profit_paise: int
    products: tuple[str, ...] = ALL_PRODUCTS
    kill_switch: bool = False

    def same(self, other: PnlExit) -> bool:
        """Whether both mean the same; what one of them does not say is no difference."""
        products = not self.products or not other.products or set(self.products) == set(other.products)
        mine = self.loss_paise, self.profit_paise, self.kill_switch
        return products and mine == (other.loss_paise, other.profit_paise, other.kill_switch)

    def to_json(self) -> dict[str, Any]:
        """The terms as the journal keeps them."""
        return {
            "loss_paise": self.loss_paise, "profit_paise": self.profit_paise,
            "products": list(self.products), "kill_switch": self.kill_switch,
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> PnlExit:
        """Read the journal's form back."""
        return cls(row["loss_paise"], row["profit_paise"], tuple(row["products"]), row["kill_switch"])


class Held(NamedTuple):
    """One row of Dhan's position list as far as people need it, whatever it is a position in.

    Attributes:
        key: the contract; None = in a segment that is not one of ours.
        units: net and signed, 0 = squared off.
        pnl_paise: realised and unrealised by Dhan's own figures; None = it does not say.
    """

    name: str
    product: str
    key: InstrumentKey | None
    units: int
    pnl_paise: int | None

    def __str__(self) -> str:
        return f"{self.name} {self.units:+d}"


@dataclass(frozen=True, slots=True)
class ControlState:
    """How Dhan's own nets stand; an answer to `engine.effects.QueryControls`. None = not known.

    Attributes:
        request: the number of the question.
        killed: the kill switch is on: no order is taken.
        armed: the terms of the P&L-based exit that is armed; empty = none is.
        held: every row of the position list; an empty list is no proof that nothing is held.
        failed: what could not be read, and why.
    """

    request: int
    killed: bool | None = None
    armed: tuple[PnlExit, ...] | None = None
    held: tuple[Held, ...] | None = None
    failed: str = ""

    @property
    def pnl_paise(self) -> int | None:
        """The account's P&L by Dhan's own figures; None = not known."""
        if self.held is None or any(row.pnl_paise is None for row in self.held):
            return None
        return sum(row.pnl_paise or 0 for row in self.held)

    @property
    def open_rows(self) -> tuple[Held, ...]:
        """What is open, as far as it is known."""
        return tuple(row for row in self.held or () if row.units)


class Controls:
    """What was asked of Dhan's nets, and the newest answer.

    Attributes:
        asked: the number of the newest question.
        state: the newest answer; None = there is none yet.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.state: ControlState | None = None

    def next_request(self) -> int:
        """Number a new question."""
        self.asked += 1
        return self.asked

    def since(self, number: int) -> ControlState | None:
        """The newest answer, if it was asked for after this number."""
        return self.state if self.state is not None and self.state.request > number else None
