"""What goes out of the machine: frozen values that the ring performs, nothing else.

``monitor.handle(message, now_s) -> list[Effect]``; what comes in is in `engine.messages`. All
records of one handling are one transaction, committed before any other of its effects is performed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.broker_nouns import MarginStep, OrderRequest
    from engine.charts import Chart, CurveChart
    from engine.controls import PnlExit
    from engine.messages import Actor, Verb, Wish
    from engine.model import Instrument, InstrumentKey, PositionId, TradeRow


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
class RecallOrder:
    """Let a place or modify of this order that still waits in our own house not leave any more.

    What is past recall is dealt with as before; one that was held answers as *not sent*.
    """

    correlation_id: str


@dataclass(frozen=True, slots=True)
class QueryBroker:
    """Read orders, trades and positions; the answer is a `BrokerReport` with this number."""

    request: int
    why: str


@dataclass(frozen=True, slots=True)
class QueryOrder:
    """Look one order up by the name we gave it; what is found comes back as an `OrderUpdate`.

    That nothing is found, or no answer comes, proves nothing and is not told.
    """

    correlation_id: str


@dataclass(frozen=True, slots=True)
class QueryQuotes:
    """Ask for the quotes of these contracts by REST; the answer is a `QuotesRead`.

    That no answer comes is not told: the quotes that are known just get older.
    """

    keys: tuple[InstrumentKey, ...]


@dataclass(frozen=True, slots=True)
class ReopenUpdates:
    """Give up the connection of the order-update socket, which says nothing any more, and open another."""


@dataclass(frozen=True, slots=True)
class QueryAccount:
    """Ask how our access to the account stands; the answer is an `AccountState`."""


@dataclass(frozen=True, slots=True)
class QueryMargin:
    """Ask what margin each of these baskets of orders would need beside what is held.

    The answer is a `MarginKnown` with this nonce; nothing waits for it.
    """

    nonce: str
    baskets: tuple[tuple[MarginStep, ...], ...]


@dataclass(frozen=True, slots=True)
class RenewToken:
    """Change the access token for a new one, which ends the old one; the answer is a `TokenRenewal`."""


@dataclass(frozen=True, slots=True)
class ClaimLease:
    """Take or renew the lease of the account; the answer is a `LeaseState`.

    Attributes:
        fence: under which it is held already; 0 = it is to be taken.
        heirs: dead processes whose lease is ours to take before its end.
        above: a new fence is to be higher than this one.
    """

    fence: int
    heirs: tuple[str, ...]
    above: int


@dataclass(frozen=True, slots=True)
class QueryControls:
    """Ask how the broker's own nets stand; the answer is a `ControlState` with this number."""

    request: int


@dataclass(frozen=True, slots=True)
class ControlAccount:
    """Send a command that is about the whole account; the answer is a `CommandOutcome` of this name.

    Attributes:
        name: what wants it.
        terms: those of `Verb.ARM`.
    """

    verb: Verb
    name: str
    terms: PnlExit | None = None


@dataclass(frozen=True, slots=True)
class GoOn:
    """There is more to do: say `engine.messages.Further` once others have had the loop."""


@dataclass(frozen=True, slots=True)
class LoadTrades:
    """Read the open rows of the trade store."""


@dataclass(frozen=True, slots=True)
class LoadInstruments:
    """Read the instrument master: every contract of these underlyings, and the underlyings."""

    symbols: frozenset[str]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The feed shall carry exactly these instruments from now on, the most urgent first."""

    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class CloseTrades:
    """Write the end of these rows to the trade store (verified flat): row id -> exit price.

    The price is None when nobody here traded the row (closed by hand, or cancelled by another row).

    Attributes:
        name: the exit's id.
        units: what each row held when it was closed, as far as it is known: another number there means that
            somebody else was faster.
    """

    exits: Mapping[int, int | None]
    closed_at_s: float
    name: str = ""
    units: Mapping[int, int] = field(default_factory=dict)


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
class AddTrades:
    """Write these rows into the trade store, each once, and read it again; the store gives them ids."""

    rows: tuple[TradeRow, ...]


@dataclass(frozen=True, slots=True)
class WriteBook:
    """Append this line to the file of executions, once, whenever the disk takes it (`engine.books`)."""

    line: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell the owner. The same ``topic`` again within its cool-down is said once.

    Attributes:
        text: plain sentences; the chat makes them pretty.
        position: what it is about; None = the whole house.
        choices: what may be made of it, as buttons; each asks before it does anything.
    """

    urgency: Urgency
    topic: str
    title: str
    text: str
    position: PositionId | None = None
    choices: tuple[Wish, ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """Tell what a session came to, as a picture with its numbers.

    Attributes:
        spans: the week and the month that it belongs to.
        books: whether trade store and broker agree after the close; empty = nobody has asked (on paper).
    """

    day: CurveChart
    spans: tuple[Chart, ...]
    books: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a person to confirm; the answer comes back as a `Tap` with this nonce.

    Attributes:
        wish: what yes would do.
        verdict_title: why it is asked, e.g. "Profit target reached".
        lines: preview lines (legs, expected prices, P&L), at most 32 columns each.
        message_id: the chat's message on which it was asked for; the question takes its place. 0 = none.
        drastic: yes sends orders at once.
        again: asked already; its message is to show these lines instead.
        anew: a yes was given and did not count: its buttons are offered once more.
        edition: which drawing of the question this is; a press on it comes back with that number.
        until: what is at its end.
        yes: empty = there is only a no.
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
    again: bool = False
    anew: bool = False
    edition: int = 0
    until: str = "Expires"


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
        closed: the position that is verified flat with it; None = none is.
    """

    nonce: str
    title: str
    lines: tuple[str, ...]
    final: bool
    urgency: Urgency = Urgency.NORMAL
    done: bool = False
    closed: PositionId | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """A plain reply to the person who asked."""

    to: Actor
    text: str


Effect = (
    Record | Settle | Audit | Seen | PlaceOrder | ModifyOrder | CancelOrder | RecallOrder
    | QueryBroker | QueryOrder | LoadTrades | LoadInstruments | Subscribe | CloseTrades | ReduceTrades
    | Alert | Ask | Answer | Card | Digest | Say | QueryAccount | QueryMargin | QueryQuotes | RenewToken
    | ReopenUpdates | WriteBook | ClaimLease | QueryControls | ControlAccount | AddTrades | GoOn
)  # fmt: skip
