"""A decided exit as a durable thing: its plan, its orders, its end.

An intent is decided once, has one id, and ends in *flat*, *stuck* or *aborted*; a second wish for
the same position joins it. Everything here goes to the journal before anything leaves the house.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from engine.broker_nouns import Product
from engine.model import Action, InstrumentKey, PositionId, Right, Side, Urgency, Verdict
from engine.orders import Order
from engine.pricing import Style

__all__ = ["Contract", "Intent", "IntentState", "LegPlan", "Part"]


class IntentState(StrEnum):
    """Where an exit stands. FLAT, CLOSED_OUTSIDE, STUCK and ABORTED are ends.

    An exit of a part is FLAT when the part is verified closed. CLOSED_OUTSIDE is as flat, but somebody
    else has traded some of it, at prices that nobody here knows.
    """

    WORKING = "working"
    STOPPING = "stopping"
    FLAT = "flat"
    CLOSED_OUTSIDE = "closed outside"
    STUCK = "stuck"
    ABORTED = "aborted"

    @property
    def live(self) -> bool:
        """True until the exit has ended."""
        return self in (IntentState.WORKING, IntentState.STOPPING)

    @property
    def flat(self) -> bool:
        """True when nothing of what the exit was to close is left."""
        return self in (IntentState.FLAT, IntentState.CLOSED_OUTSIDE)


class Part(NamedTuple):
    """How much of a position a partial exit closes, in combinations.

    Attributes:
        closes: those that this exit closes.
        open: those open before it.
        entry: those that were entered.
    """

    closes: int
    open: int
    entry: int

    @property
    def left(self) -> int:
        """Combinations open after it."""
        return self.open - self.closes

    @property
    def done_text(self) -> str:
        """What is closed when it is done, counted from the entry."""
        return f"closed {self.entry - self.left} of {self.entry}, {self.left} open"


class Contract(NamedTuple):
    """What of a contract decides which legs hedge each other; a future has neither right nor strike."""

    right: Right | None
    strike_paise: int | None
    expiry: date | None

    def to_json(self) -> list[Any]:
        """The contract as the journal keeps it."""
        return [self.right, self.strike_paise, self.expiry.isoformat() if self.expiry else None]

    @classmethod
    def from_json(cls, row: list[Any]) -> Contract:
        """Read the journal's form back."""
        right, strike_paise, day = row
        expiry = date.fromisoformat(day) if day else None
        return cls(Right(right) if right else None, strike_paise, expiry)


@dataclass(slots=True)
class LegPlan:
    """What one leg of an exit has to trade.

    Attributes:
        side: the side we must trade (BUY for a short leg).
        quantity: units; shrinks when the position shrank outside, never grows.
        rank: 0 = shorts, first; 1 = longs, only when nothing short is left.
        mid_paise: frozen at the trigger, and anew by a new day or patience; None until a price is known.
        trigger_mid_paise: the first of them, from which slippage is told; None = none was frozen yet.
        baseline_net: the broker's net quantity at the first read, own fills before it included.
        rows: trade-store row id -> units of that row, for writing the end.
        lot, tick_paise, slice_quantity: the contract's grid and the largest single order.
        name: the contract in people's words.
        parts: how many slices were started.
        refusals: refusals in a row; refused_since_s, refused_filled: when the first of them came, and how
            many units were traded then; wait_until_s: ask for nothing before;
            shut_out: because the broker does not take our token or address.
        refused_paise, refused_price_s: a price that the exchange did not take, and when.
        reticks: how often a refusal has changed the tick.
        lower_paise, upper_paise: the day's price range; None = unknown.
        hands: how many of its orders somebody else has cancelled today.
        blocked: why this leg cannot go on; empty = it can.
        mid_s, mids: when the mid was frozen, and how often.
        uncapped: the cap's patience is over.
        before, before_paise: units that earlier exits of the same rows have traded already, and the
            turnover of those.
        keeps: units that a partial exit leaves open; the broker must hold them too.
        prices_paise: row id -> entry price per unit, for the P&L of a part.
        missing_reads, shrink_reads, shrink_net: reports in a row that lack the contract, or that
            show less than the plan, and what they showed; counted: the number of the last of them.
        contract: what it hedges and is hedged by; None = planned by an older version, not known.
        delivers: at expiry shares change hands, not money.
        lapsed: units that have expired before they were traded; they need no order any more.
    """

    key: InstrumentKey
    name: str
    side: Side
    quantity: int
    rank: int
    lot: int
    tick_paise: int
    slice_quantity: int
    rows: dict[int, int]
    mid_paise: int | None = None
    baseline_net: int | None = None
    product: Product = Product.MARGIN
    parts: int = 0
    refusals: int = 0
    wait_until_s: float = 0.0
    blocked: str = ""
    mid_s: float = 0.0
    mids: int = 1
    uncapped: bool = False
    before: int = 0
    before_paise: int = 0
    keeps: int = 0
    prices_paise: dict[int, int] = field(default_factory=dict)
    missing_reads: int = 0
    shrink_reads: int = 0
    shrink_net: int | None = None
    counted: int | None = None
    refused_since_s: float = 0.0
    refused_filled: int = 0
    refused_paise: int | None = None
    refused_price_s: float = 0.0
    reticks: int = 0
    lower_paise: int | None = None
    upper_paise: int | None = None
    hands: int = 0
    trigger_mid_paise: int | None = None
    contract: Contract | None = None
    shut_out: bool = False
    delivers: bool = False
    lapsed: int = 0

    @property
    def expiry(self) -> date | None:
        """The contract's last day; None = it has none, or it was planned by an older version."""
        return self.contract.expiry if self.contract else None

    def start_day(self) -> None:
        """Yesterday's refusals and reads mean nothing today; its mid ends with today's first price."""
        self.baseline_net, self.product = None, Product.MARGIN
        self.refusals, self.wait_until_s, self.blocked = 0, 0.0, ""
        self.refused_paise = self.lower_paise = self.upper_paise = None
        self.missing_reads, self.shrink_reads, self.shrink_net, self.hands = 0, 0, None, 0

    def become_whole(self) -> None:
        """What was to stay is to go too; what only kept the part from being closed counts no more."""
        self.quantity, self.keeps = self.quantity + self.keeps, 0
        self.refusals, self.blocked = 0, ""
        self.shrink_reads, self.shrink_net = 0, None

    def to_json(self) -> dict[str, Any]:
        """The leg as the journal keeps it."""
        return {
            "key": self.key, "name": self.name, "side": self.side, "quantity": self.quantity,
            "rank": self.rank, "lot": self.lot, "tick": self.tick_paise,
            "slice": self.slice_quantity, "rows": {str(k): v for k, v in self.rows.items()},
            "mid": self.mid_paise, "baseline": self.baseline_net, "product": self.product,
            "parts": self.parts, "blocked": self.blocked, "mid_s": self.mid_s,
            "mids": self.mids, "uncapped": self.uncapped,
            "before": self.before, "before_paise": self.before_paise, "keeps": self.keeps,
            "prices": {str(k): v for k, v in self.prices_paise.items()},
            "refusals": self.refusals, "wait_until_s": self.wait_until_s,
            "refused_since_s": self.refused_since_s, "refused_filled": self.refused_filled,
            "refused": self.refused_paise, "refused_price_s": self.refused_price_s,
            "reticks": self.reticks, "lower": self.lower_paise, "upper": self.upper_paise,
            "hands": self.hands, "trigger_mid": self.trigger_mid_paise,
            "contract": self.contract.to_json() if self.contract else None,
            "delivers": self.delivers, "lapsed": self.lapsed, "shut_out": self.shut_out,
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> LegPlan:
        """Read the journal's form back."""
        return cls(
            InstrumentKey(row["key"]), row["name"], Side(row["side"]), row["quantity"], row["rank"],
            row["lot"], row["tick"], row["slice"], {int(k): v for k, v in row["rows"].items()},
            row["mid"], row["baseline"], Product(row["product"]), row["parts"],
            blocked=row["blocked"], mid_s=row["mid_s"],
            mids=row["mids"], uncapped=row["uncapped"],
            before=row["before"], before_paise=row["before_paise"], keeps=row.get("keeps", 0),
            prices_paise={int(k): v for k, v in row.get("prices", {}).items()},
            refusals=row.get("refusals", 0), wait_until_s=row.get("wait_until_s", 0.0),
            refused_since_s=row.get("refused_since_s", 0.0), refused_filled=row.get("refused_filled", 0),
            refused_paise=row.get("refused"), refused_price_s=row.get("refused_price_s", 0.0),
            reticks=row.get("reticks", 0), lower_paise=row.get("lower"), upper_paise=row.get("upper"),
            hands=row.get("hands", 0), trigger_mid_paise=row.get("trigger_mid"),
            contract=Contract.from_json(row["contract"]) if row.get("contract") else None,
            delivers=row.get("delivers", False), lapsed=row.get("lapsed", 0),
            shut_out=row.get("shut_out", False),
        )  # fmt: skip


@dataclass(slots=True)
class Intent:
    """One decided exit.

    Attributes:
        id: ``yymmdd`` and three base-36 digits; part of every correlation id.
        card: names the chat card that tells this story.
        by: who decided: the rule, or the person's name.
        begun_s: when it was decided, or the start of the later day on which it goes on.
        part: how much of the position it closes; None = all of it.
        naked_s: for how many seconds it has left more risk without a hedge than it began with.
        naked_since_s: since when it does so again, those seconds not counted yet; None = it does not.
        ended_s: when it ended for good; None = it goes on, is stuck (and may still get flat), or was ended
            by an older version.
    """

    id: str
    position: PositionId
    account: str
    title: str
    verdict: Verdict
    style: Style
    legs: list[LegPlan]
    by: str
    card: str
    created_s: float
    state: IntentState = IntentState.WORKING
    orders: list[Order] = field(default_factory=list)
    note: str = ""
    begun_s: float = 0.0
    verify_since_s: float | None = None
    part: Part | None = None
    naked_s: float = 0.0
    naked_since_s: float | None = None
    ended_s: float | None = None

    def __post_init__(self) -> None:
        """It begins when it is decided."""
        self.begun_s = self.begun_s or self.created_s

    def end(self, state: IntentState, now_s: float) -> None:
        """It is over: nothing of it will change any more."""
        self.state, self.ended_s = state, now_s

    def filled(self, leg: int) -> int:
        """Units filled for a leg, over all its orders and those of earlier exits of the same rows."""
        units = self.legs[leg].before
        for order in self.orders:  # asked for more often than anything else
            if order.leg == leg:
                units += order.filled
        return units

    def traded(self, leg: int) -> tuple[int, int]:
        """Units and turnover in paise that this exit's own orders have traded of a leg."""
        mine = [o for o in self.orders if o.leg == leg]
        return sum(o.filled for o in mine), sum(o.turnover_paise for o in mine)

    def turnover_paise(self, leg: int) -> int:
        """What was paid or received for all the units of a leg that are filled."""
        return self.legs[leg].before_paise + self.traded(leg)[1]

    def rest(self, leg: int) -> int:
        """Units of a leg still to trade."""
        return self.legs[leg].quantity - self.filled(leg)

    def live_orders(self) -> list[Order]:
        """Orders that may still trade, unknown ones included."""
        return [o for o in self.orders if o.state.live]

    def live_on(self, leg: int) -> list[Order]:
        """The live orders of one leg."""
        return [o for o in self.orders if o.leg == leg and o.state.live]

    def average_paise(self, leg: int) -> int | None:
        """Volume-weighted fill price of a leg, rounded against us; None while nothing is filled."""
        filled = self.filled(leg)
        if not filled:
            return None
        turnover = self.turnover_paise(leg)
        return -(-turnover // filled) if self.legs[leg].side is Side.BUY else turnover // filled

    def outside(self, leg: int) -> int:
        """Units of a leg that the rows list and that somebody else has closed."""
        plan = self.legs[leg]
        return abs(sum(plan.rows.values())) - plan.keeps - plan.quantity - plan.lapsed

    def exit_paise(self, leg: int) -> int | None:
        """What the rows of a leg were closed at; None = unknown: some of it expired, or is not our doing."""
        return None if self.outside(leg) or self.legs[leg].lapsed else self.average_paise(leg)

    def to_json(self) -> dict[str, Any]:
        """The intent as the journal keeps it; its orders are rows of their own."""
        return {
            "id": self.id, "position": self.position, "account": self.account, "title": self.title,
            "verdict": verdict_to_json(self.verdict),
            "style": self.style, "legs": [leg.to_json() for leg in self.legs], "by": self.by,
            "card": self.card, "created_s": self.created_s, "state": self.state, "note": self.note,
            "begun_s": self.begun_s, "part": list(self.part) if self.part else None,
            "naked_s": self.naked_s, "naked_since_s": self.naked_since_s, "ended_s": self.ended_s,
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: dict[str, Any], orders: list[Order]) -> Intent:
        """Read the journal's form back, with the orders that belong to it."""
        return cls(
            row["id"], PositionId(row["position"]), row["account"], row["title"],
            verdict_from_json(row["verdict"]), Style(row["style"]),
            [LegPlan.from_json(leg) for leg in row["legs"]], row["by"], row["card"],
            row["created_s"], IntentState(row["state"]), orders, row["note"],
            row["begun_s"], part=Part(*row["part"]) if row.get("part") else None,
            naked_s=row.get("naked_s", 0.0), naked_since_s=row.get("naked_since_s"),
            ended_s=row.get("ended_s"),
        )  # fmt: skip


def verdict_to_json(v: Verdict) -> dict[str, Any]:
    """A verdict as the journal keeps it."""
    return {
        "rule": v.rule, "action": v.action, "urgency": int(v.urgency), "pnl": v.pnl_paise,
        "threshold": v.threshold_paise, "fraction": v.fraction, "reason": v.reason,
        "also": list(v.also),
    }  # fmt: skip


def verdict_from_json(row: dict[str, Any]) -> Verdict:
    """Read the journal's form back."""
    return Verdict(
        row["rule"], Action(row["action"]), Urgency(row["urgency"]), row["pnl"], row["threshold"],
        row["fraction"], row["reason"], tuple(row["also"]),
    )  # fmt: skip
