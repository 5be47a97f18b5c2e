"""The nouns of the field: instruments, legs, positions, orders and what the broker says of them.

Everything here is an immutable value. Amounts are integer paise, prices integer paise per unit,
quantities signed integers in units (long positive, short negative), moments epoch seconds (UTC) as
float unless a name says otherwise. The vendor's spelling lives in the enums and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import IntEnum, StrEnum
from math import gcd
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from engine.row_ends import RowEnd

InstrumentKey = NewType("InstrumentKey", int)
"""One instrument of one segment as a single integer; see `instrument_key`."""

PositionId = NewType("PositionId", str)
"""``account/strategy_id``, e.g. ``default/3359``."""


class Segment(StrEnum):
    """Dhan's exchange segments, by their wire words."""

    IDX_I = "IDX_I"
    NSE_EQ = "NSE_EQ"
    NSE_FNO = "NSE_FNO"
    NSE_CURRENCY = "NSE_CURRENCY"
    BSE_EQ = "BSE_EQ"
    MCX_COMM = "MCX_COMM"
    BSE_CURRENCY = "BSE_CURRENCY"
    BSE_FNO = "BSE_FNO"


#: The number each segment has in the binary feed (6 is unused at Dhan).
SEGMENT_CODE: dict[Segment, int] = {
    Segment.IDX_I: 0,
    Segment.NSE_EQ: 1,
    Segment.NSE_FNO: 2,
    Segment.NSE_CURRENCY: 3,
    Segment.BSE_EQ: 4,
    Segment.MCX_COMM: 5,
    Segment.BSE_CURRENCY: 7,
    Segment.BSE_FNO: 8,
}
SEGMENT_BY_CODE: dict[int, Segment] = {code: segment for segment, code in SEGMENT_CODE.items()}


def instrument_key(segment: Segment, security_id: int) -> InstrumentKey:
    """Fold segment and security id into one key: Dhan's ids are unique per segment only.

    13 is NIFTY in IDX_I and ABB in NSE_EQ. The layout (segment code in the bits above 32) is that
    of a feed header read as one integer, so that the decoder gets the key for nothing.
    """
    return InstrumentKey(SEGMENT_CODE[segment] << 32 | security_id)


def key_parts(key: InstrumentKey) -> tuple[Segment, int]:
    """Take an instrument key apart again: (segment, security id)."""
    return SEGMENT_BY_CODE[key >> 32], key & 0xFFFFFFFF


class Right(StrEnum):
    """Call or put, in the words of the trades table and the instrument master."""

    CALL = "CE"
    PUT = "PE"


class Side(StrEnum):
    """The direction of an order or trade."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1


class InstrumentKind(StrEnum):
    """What sort of thing an instrument is; the words are our own, coarser than Dhan's."""

    INDEX = "index"
    EQUITY = "equity"
    FUTURE = "future"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One row of the instrument master, reduced to what an exit needs.

    Attributes:
        symbol: the underlying's symbol, e.g. NIFTY.
        lot: units per lot of *this contract* (lots differ between expiries of one underlying).
        tick_paise: price grid; 5 is one five-paise tick.
        freeze_quantity: largest quantity of one order in units; None = not published.
        lower_paise, upper_paise: the price range of the day the master is of; None = not published.
        display: what people call it, e.g. ``NIFTY 24 NOV 25300 CE``.
        index_option: True when cash-settled (index underlying), False when physically settled.
        key: under which every map of the house holds this instrument; of segment and id.
    """

    segment: Segment
    security_id: int
    kind: InstrumentKind
    symbol: str
    display: str
    lot: int = 1
    tick_paise: int = 5
    expiry: date | None = None
    strike_paise: int | None = None
    right: Right | None = None
    freeze_quantity: int | None = None
    trading_symbol: str = ""
    index_option: bool = True
    underlying: InstrumentKey | None = None
    lower_paise: int | None = None
    upper_paise: int | None = None
    key: InstrumentKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the key once: it is asked for some hundred times in an instrument's life."""
        object.__setattr__(self, "key", instrument_key(self.segment, self.security_id))


@dataclass(frozen=True, slots=True)
class Leg:
    """One contract of a position.

    Attributes:
        quantity: signed units still open according to the trade store (BUY +, SELL -).
        entry_price_paise: per unit; None = enter at the first quote (replay only).
        row_id: the trade store's id of the row this leg came from.
    """

    instrument: Instrument
    quantity: int
    entry_price_paise: int | None
    row_id: int
    entered_at_s: float

    @property
    def key(self) -> InstrumentKey:
        """The instrument's key."""
        return self.instrument.key


@dataclass(frozen=True, slots=True)
class Position:
    """The open legs of one strategy in one account.

    Attributes:
        rule_sets: the sets of rules its rows name; one is expected, or none.
        levels: its rows of ``strategy_exit_levels``, as they are, wrong ones too.
        margin_paise: what the broker blocked for it at entry; None = unknown.
        id: ``account/strategy_id``.
    """

    account: str
    strategy_id: int
    symbol: str
    strategy: str
    legs: tuple[Leg, ...]
    opened_at_s: float
    rule_sets: tuple[str, ...] = ()
    levels: tuple[ExitLevel, ...] = ()
    margin_paise: int | None = None
    id: PositionId = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the id once."""
        object.__setattr__(self, "id", position_id(self.account, self.strategy_id))

    @property
    def nets(self) -> dict[InstrumentKey, int]:
        """Net units of each contract, those that cancel out included."""
        nets: dict[InstrumentKey, int] = {}
        for leg in self.legs:
            nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        return nets

    @property
    def combinations(self) -> int:
        """How often the position contains its smallest version in whole lots; at least 1.

        Four lots of each leg of a condor are four, two against four lots of a ratio are two.
        """
        lots = {leg.key: leg.instrument.lot for leg in self.legs}
        nets = {key: net for key, net in self.nets.items() if net}
        if any(net % lots[key] for key, net in nets.items()):
            return 1
        return max(gcd(*(net // lots[key] for key, net in nets.items())), 1)


@dataclass(frozen=True, slots=True)
class ExitLevel:
    """One row of ``strategy_exit_levels``: a level of one rule of one strategy.

    Attributes:
        strategy_id: 0 = cannot be read.
        exit_type, level_name, trigger_type: words of the table, folded; `engine.rules.levels` knows them.
        value: in the unit of the trigger type: per cent, rupees, days or the Greek itself.
        close_pct: what share of the entry combinations a scaling level closes, in per cent; None = a quarter.
        fault: what is wrong with the row's cells; such a row means nothing.
    """

    id: int
    strategy_id: int
    exit_type: str
    level_name: str
    trigger_type: str
    value: Decimal
    close_pct: Decimal | None = None
    enabled: bool = True
    fault: str = ""


def position_id(account: str, strategy_id: int) -> PositionId:
    """Name a position from the two columns that make it."""
    return PositionId(f"{account}/{strategy_id}")


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One row of the ``trades`` table, types already made ours; the columns keep their names.

    Attributes:
        security_id: Dhan's id of the contract; 0 = not written: `engine.joins` finds it.
        type: ``CE``, ``PE`` or ``FUT``, as written.
        quantity: units, positive; the direction is in ``action``.
        price_paise: entry price per unit; None when the column is empty.
        timestamp_s: when the leg was entered, epoch seconds.
        rule_set: the set of rules its position is tagged with; empty = none.
        margin_paise: margin blocked at entry for these units, or in one row for all of the position's;
            None = unknown.
        end: what a file says of the end of a row that has ended; None = it is open, or from a store.
    """

    id: int
    account: str
    strategy_id: int
    symbol: str
    strategy: str
    security_id: int
    action: Side
    type: str
    strike_price_paise: int | None
    expiry_date: date | None
    quantity: int
    price_paise: int | None
    order_id: str
    order_status: str
    timestamp_s: float
    rule_set: str = ""
    margin_paise: int | None = None
    end: RowEnd | None = None

    def after_part(self, quantity: int) -> TradeRow:
        """The row when only so many of its units are left; each took its share of the margin along."""
        margin = None if self.margin_paise is None else self.margin_paise * quantity // self.quantity
        return replace(self, quantity=quantity, margin_paise=margin)


#: The account of an owner who has one only, and of rows that name none.
DEFAULT_ACCOUNT = "default"


class Mode(StrEnum):
    """What a verdict may become; the words of the command line."""

    SIMULATE = "simulate"
    ALERT_ONLY = "alert-only"
    SEMI_AUTO = "semi-auto"
    EXECUTE = "execute"


class Urgency(IntEnum):
    """How loudly the owner is told; comparable, NORMAL is silent on the phone."""

    NORMAL = 0
    MEDIUM = 1
    HIGH = 2


class Action(StrEnum):
    """What a verdict asks for."""

    MONITOR = "MONITOR"
    ALERT = "ALERT"
    SCALE_OUT = "SCALE_OUT"
    CLOSE_POSITION = "CLOSE_POSITION"
    CLOSE_IMMEDIATELY = "CLOSE_IMMEDIATELY"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a position at one moment.

    Attributes:
        rule: the setting's name, e.g. ``profit_target``; ``forced`` for a person's wish.
        threshold_paise: the P&L the rule compares with; None for clock rules.
        fraction: share of the entry combinations this closes; for alerts the loss fraction f.
        reason: one sentence a person understands.
        also: names of other rules that had fired at the same moment.
    """

    rule: str
    action: Action
    urgency: Urgency
    pnl_paise: int | None
    threshold_paise: int | None
    fraction: float
    reason: str
    also: tuple[str, ...] = ()
