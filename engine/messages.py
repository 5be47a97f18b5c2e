"""What comes into the machine and what goes out: frozen values, nothing else.

``monitor.handle(message, now_s) -> list[Effect]``. Nothing in here acts. A moment is epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model import (
        BrokerFill,
        BrokerOrder,
        BrokerPosition,
        ExitLevel,
        Instrument,
        InstrumentKey,
        OrderRequest,
        PositionId,
        TradeRow,
    )
    from engine.rules.rulebook import Rulebook

# ---------------------------------------------------------------------------------------------- in


class Tick:
    """The latest quote of one instrument, as the feed or a REST quote told it.

    Mutable and slotted for speed (one is made per packet); treat it as a value all the same.

    Attributes:
        ltp_paise: last traded price, on the instrument's tick; 0 = never traded.
        ltt_s: exchange time of the last trade, epoch seconds UTC; 0 = never.
        bid_paise, ask_paise: best prices; 0 = side empty; None = this source has no quotes.
        depth: the raw 100 bytes of five levels, decoded on demand by `engine.wire.depth`; or None.
    """

    __slots__ = (
        "ask_paise", "ask_quantity", "bid_paise", "bid_quantity", "depth", "key",
        "ltp_paise", "ltt_s", "oi", "volume",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 - one argument per wire field
        self,
        key: InstrumentKey,
        ltp_paise: int,
        ltt_s: int = 0,
        bid_paise: int | None = None,
        bid_quantity: int = 0,
        ask_paise: int | None = None,
        ask_quantity: int = 0,
        volume: int = 0,
        oi: int = 0,
        depth: bytes | None = None,
    ) -> None:
        """Hold the fields; no checks here, `engine.wire` and `engine.guards` make them."""
        self.key = key
        self.ltp_paise = ltp_paise
        self.ltt_s = ltt_s
        self.bid_paise = bid_paise
        self.bid_quantity = bid_quantity
        self.ask_paise = ask_paise
        self.ask_quantity = ask_quantity
        self.volume = volume
        self.oi = oi
        self.depth = depth

    def __repr__(self) -> str:
        """Show the quote the way a trader reads it."""
        return f"Tick({self.key}, {self.ltp_paise}, {self.bid_paise}/{self.ask_paise})"


@dataclass(slots=True)
class Ticks:
    """One batch of ticks, in the order they came.

    Not frozen, for speed (freezing would make it three times as dear to make); treat it as a value
    all the same.

    ``instant``: they are one moment (a snapshot of a recording) and all of them are taken in before
    anything is judged.
    """

    ticks: Sequence[Tick]
    instant: bool = False


class FeedState(StrEnum):
    """What the price feed is doing; every change is a message."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    REST = "rest quotes"
    DOWN = "down"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class FeedChanged:
    """The feed moved to another state; ``alarm`` when a person has to do something about it."""

    state: FeedState
    detail: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class InstrumentsLoaded:
    """The instrument master as of today, by key; ``failed`` non-empty: nothing was learnt."""

    instruments: Mapping[InstrumentKey, Instrument]
    failed: str = ""


@dataclass(frozen=True, slots=True)
class TradesLoaded:
    """The open rows of the trade store; ``rows`` None = the query failed (never: no positions).

    ``levels`` are all rows of ``strategy_exit_levels``, wrong ones too.
    """

    rows: tuple[TradeRow, ...] | None
    detail: str = ""
    levels: tuple[ExitLevel, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """The rules file has another content; ``rulebook`` None = it is refused, for these faults.

    ``version`` names the content: the same content has the same one.
    """

    rulebook: Rulebook | None
    source: str
    version: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """The broker's truth: orders and fills read first, positions after them.

    ``failed`` non-empty: nothing was learnt, and the other fields mean nothing. ``began_s`` is when
    the first of the reads was sent: an order sent after it may be missing without being absent.
    """

    request: int
    began_s: float
    orders: tuple[BrokerOrder, ...] = ()
    fills: tuple[BrokerFill, ...] = ()
    positions: tuple[BrokerPosition, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """One order changed, says the order-update socket (a hint; REST confirms)."""

    order: BrokerOrder


class Verb(StrEnum):
    """The three commands that change something at the broker."""

    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker took the command; ``order_id`` is its name for the order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker definitely did not take the command; code and words are its own."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the broker took the command. Ask; never send again blindly."""

    detail: str


Outcome = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What became of one `PlaceOrder`, `ModifyOrder` or `CancelOrder`."""

    verb: Verb
    correlation_id: str
    outcome: Outcome


class Wish(StrEnum):
    """What a person can ask of a running monitor."""

    EXIT = "exit"
    STOP = "stop"
    RESUME = "resume"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked: Telegram's numeric ids, or ids of 0 for the host's own command line."""

    user_id: int
    chat_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Command:
    """A person's wish. ``strategy_id`` None with EXIT means every position.

    Attributes:
        message_id: the chat's message on which it was chosen, 0 = it was written.
        rule, value: what SET is to change, as it was written.
    """

    wish: Wish
    by: Actor
    strategy_id: int | None = None
    confirmed: bool = False
    message_id: int = 0
    rule: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Tap:
    """A press on a confirm button; ``callback_id`` is what the toast is answered to."""

    nonce: str
    yes: bool
    by: Actor
    callback_id: str


class BeatKind(StrEnum):
    """The clock's reasons to wake the machine."""

    PULSE = "pulse"
    SYNC = "sync"
    HEALTH = "health"
    CLEAN = "clean"
    SESSION_OPEN = "session open"
    SESSION_CLOSE = "session close"


@dataclass(frozen=True, slots=True)
class Beat:
    """The clock struck."""

    kind: BeatKind


@dataclass(frozen=True, slots=True)
class JournalState:
    """The journal cannot be written (``failed`` says why), or can be again (empty).

    What hung on a failed write was not performed.
    """

    failed: str


@dataclass(frozen=True, slots=True)
class UpdatesStopped:
    """The order-update socket stays away until a person mends what ``detail`` names."""

    detail: str


Message = (
    Ticks | FeedChanged | InstrumentsLoaded | TradesLoaded | BrokerReport | OrderUpdate
    | CommandOutcome | Command | Tap | Beat | JournalState | UpdatesStopped | RulesChanged
)  # fmt: skip

# --------------------------------------------------------------------------------------------- out


@dataclass(frozen=True, slots=True)
class Record:
    """Remember this across restarts. All records of one handling are one transaction, first."""

    kind: str
    key: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settle:
    """Move a confirmation from ``expect`` to ``to`` as one compare-and-set in the journal.

    If the row is not in ``expect``, somebody was faster: the whole handling is dropped.
    """

    nonce: str
    expect: str
    to: str


@dataclass(frozen=True, slots=True)
class Audit:
    """One line of the append-only story: what was decided, on what."""

    event: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at a position that the journal keeps for a while (`engine.why.Sighting` as JSON).

    ``passing``: it says how things stand and takes the place of the last such look.
    """

    position: PositionId
    at_s: float
    data: Mapping[str, Any]
    passing: bool


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Send this order."""

    order: OrderRequest


@dataclass(frozen=True, slots=True)
class ModifyOrder:
    """Re-price or re-size a working order; ``order.quantity`` is the order's *total* (Dhan v2)."""

    order_id: str
    order: OrderRequest


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel a working order."""

    order_id: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class QueryBroker:
    """Read orders, trades and positions; the answer is a `BrokerReport` with this number."""

    request: int
    why: str


@dataclass(frozen=True, slots=True)
class LoadTrades:
    """Read the open rows of the trade store."""


@dataclass(frozen=True, slots=True)
class LoadInstruments:
    """Read the instrument master: every contract of these underlyings, and the underlyings."""

    symbols: frozenset[str]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The feed shall carry exactly these instruments from now on."""

    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class CloseTrades:
    """Write the end of these rows to the trade store (verified flat): row id -> exit price.

    The price is None when nobody here traded the row (closed by hand, or cancelled by another row).
    """

    exits: Mapping[int, int | None]
    closed_at_s: float


class RowPart(NamedTuple):
    """What a verified partial exit has taken off one row of the trade store.

    Attributes:
        before, after: units of the row, positive; another number there means that somebody else was faster.
        exit_paise: what each unit taken off brought; None = unknown.
    """

    row_id: int
    before: int
    after: int
    exit_paise: int | None


@dataclass(frozen=True, slots=True)
class ReduceTrades:
    """Write to the trade store what a verified partial exit has taken off its rows.

    Attributes:
        name: the exit's id, which names the closed parts.
    """

    name: str
    parts: tuple[RowPart, ...]
    closed_at_s: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell the owner. The same ``topic`` again within its cool-down is said once.

    Attributes:
        text: plain sentences; the chat makes them pretty.
        position: what it is about; None = the whole house.
    """

    urgency: Urgency
    topic: str
    title: str
    text: str
    position: PositionId | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a person to confirm; the answer comes back as a `Tap` with this nonce.

    Attributes:
        wish: what yes would do.
        verdict_title: why it is asked, e.g. "Profit target reached".
        lines: preview lines (legs, expected prices, P&L), at most 32 columns each.
        message_id: the chat's message on which it was asked for; the question takes its place. 0 = none.
        drastic: yes sends orders at once.
    """

    nonce: str
    wish: Wish
    title: str
    lines: tuple[str, ...]
    expires_s: float
    urgency: Urgency
    yes: str
    no: str
    position: PositionId | None = None
    message_id: int = 0
    drastic: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The short toast for a tap."""

    callback_id: str
    text: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """The story of one question or exit so far; the chat edits the same message each time.

    Attributes:
        nonce: names the card: the question it grew from, or the intent's id for automatic exits.
        final: nothing more will come; buttons are gone for good.
        done: what was wanted has come about.
    """

    nonce: str
    title: str
    lines: tuple[str, ...]
    final: bool
    urgency: Urgency = Urgency.NORMAL
    done: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """A plain reply to the person who asked."""

    to: Actor
    text: str


Effect = (
    Record | Settle | Audit | Seen | PlaceOrder | ModifyOrder | CancelOrder | QueryBroker | LoadTrades
    | LoadInstruments | Subscribe | CloseTrades | ReduceTrades | Alert | Ask | Answer | Card | Say
)  # fmt: skip
