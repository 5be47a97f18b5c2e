"""What comes into the machine and what goes out: frozen values, nothing else.

``monitor.handle(message, now_s) -> list[Effect]``. Nothing in here acts. A moment is epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.controls import ControlState
from engine.tick import Tick as Tick  # noqa: PLC0414 - the message in which everybody looks for it

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, HeldContract
    from engine.model import ExitLevel, Instrument, InstrumentKey, TradeRow
    from engine.rules.rulebook import Rulebook


@dataclass(slots=True)
class Ticks:
    """One batch of ticks, in the order they came.

    Not frozen, for speed (freezing would make it three times as dear to make); treat it as a value
    all the same.

    ``instant``: they are one moment (a snapshot of a recording) and all of them are taken in before
    anything is judged. ``age_s``: so long ago they arrived somewhere else (only of an instant).
    """

    ticks: Sequence[Tick]
    instant: bool = False
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class QuotesRead:
    """REST quotes that a `QueryQuotes` asked for at ``began_s``; what the feed has brought since is newer."""

    ticks: tuple[Tick, ...]
    began_s: float


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
    """The feed moved to another state; ``alarm`` when a person has to do something about it.

    ``surplus``: what is to be known of instruments that no socket has room for; empty = all have it.
    ``mended``: what a person had to do is done, though it is not LIVE: this feed has no better state now.
    """

    state: FeedState
    detail: str
    alarm: bool = False
    surplus: str = ""
    mended: bool = False


@dataclass(frozen=True, slots=True)
class InstrumentsLoaded:
    """The instrument master as of today, by key; ``failed`` non-empty: nothing was learnt."""

    instruments: Mapping[InstrumentKey, Instrument]
    failed: str = ""


@dataclass(frozen=True, slots=True)
class TradesLoaded:
    """The open rows of the trade store; ``rows`` None = the query failed (never: no positions).

    ``levels`` are all rows of ``strategy_exit_levels``, wrong ones too. ``began_s`` is when the store was
    asked; None = just now.
    """

    rows: tuple[TradeRow, ...] | None
    detail: str = ""
    levels: tuple[ExitLevel, ...] = ()
    began_s: float | None = None


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
class HeldAtBroker:
    """What the broker holds and when the day's trades were, for whoever takes positions over from there."""

    held: tuple[HeldContract, ...]
    fills: tuple[BrokerFill, ...]


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """One order changed, says the order-update socket (a hint; REST confirms).

    ``looked_up``: it is the answer to a `QueryOrder`.
    """

    order: BrokerOrder
    looked_up: bool = False


class Verb(StrEnum):
    """The commands that change something at the broker: three of an order, four of the whole account."""

    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"
    EXIT_ALL = "exit all"
    KILL = "kill switch"
    ARM = "arm P&L exit"
    DISARM = "disarm P&L exit"


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
    """What became of one `PlaceOrder`, `ModifyOrder`, `CancelOrder` or `ControlAccount`.

    ``correlation_id``: of the order; of a command of the whole account the name of what wanted it.
    """

    verb: Verb
    correlation_id: str
    outcome: Outcome


class Wish(StrEnum):
    """What a person can ask of a running monitor."""

    EXIT = "exit"
    STOP = "stop"
    RESUME = "resume"
    SET = "set"
    ADOPT = "adopt"
    SHRINK = "shrink"
    UNWATCH = "unwatch"
    GROUP = "group"
    FLATTEN = "flatten"
    MODE = "mode"
    CODE = "code"
    SNOOZE = "snooze"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked: Telegram's numeric ids, or ids of 0 for the host's own command line."""

    user_id: int
    chat_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Command:
    """A person's wish. ``strategy_id`` None with EXIT means every position, or those of a symbol.

    Attributes:
        message_id: the chat's message on which it was chosen, 0 = it was written.
        rule, value: what SET is to change, as it was written; in ``value`` also FLATTEN's typed word,
            EXIT's ``half`` or symbol, MODE's wanted mode, CODE's digits and SNOOZE's terms.
        owner: who asks is an owner of the account, and may loosen.
    """

    wish: Wish
    by: Actor
    strategy_id: int | None = None
    confirmed: bool = False
    message_id: int = 0
    rule: str = ""
    value: str = ""
    owner: bool = False


@dataclass(frozen=True, slots=True)
class Tap:
    """A press on a confirm button: the toast goes to ``callback_id``, ``edition`` is the drawing pressed."""

    nonce: str
    yes: bool
    by: Actor
    callback_id: str
    edition: int = 0


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Somebody wanted what they may not; nothing came of it, and the audit is to know.

    ``what`` they wanted, a word; ``why`` not: ``stranger``, or the role that it takes.
    """

    by: Actor
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class DrillWanted:
    """A person wants the drill held now; it changes nothing at the broker."""

    by: Actor


@dataclass(frozen=True, slots=True)
class AccountState:
    """What token and broker say of our access to the account; None = not told, or not known.

    Attributes:
        valid_until_s: when the access token ends, epoch seconds.
        kind: Dhan's word for how the token was made: ``SELF`` on its web page, ``APP`` by key or TOTP.
        number: counts the tokens of this process; another number is another token.
        refused: the broker's words when it refuses token or address; empty = it does not.
        failed: why the broker could not be asked; empty = it was.
        orders_allowed: whether orders are taken from this host's address.
        data_plan: whether prices are subscribed to.
        derivatives: whether the account may trade them.
        skew_s: how far the clock of this machine is ahead of the broker's, to about half a second.
        note: what is wrong with the token's file; empty = nothing.
    """

    valid_until_s: float | None = None
    kind: str = ""
    number: int = 0
    refused: str = ""
    failed: str = ""
    orders_allowed: bool | None = None
    data_plan: bool | None = None
    derivatives: bool | None = None
    skew_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TokenRenewal:
    """What became of a `RenewToken`: empty = there is a new token, else why not."""

    failed: str


@dataclass(frozen=True, slots=True)
class MarginKnown:
    """The answer to a `QueryMargin`.

    Attributes:
        nonce: the question it is about.
        free_paise: what the account may spend now; negative = it owes.
        margins_paise: one for each basket, in their order.
        failed: why it could not be asked; empty = it was, and all of it is there.
    """

    nonce: str
    free_paise: int = 0
    margins_paise: tuple[int, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What became of a `ClaimLease`.

    Attributes:
        held: it is ours, under this ``fence``, until ``until_s`` unless it is renewed.
        fence: the newest number of the account, whoever holds it; 0 = not known.
        by: the owner, ``host:pid:chance:generation``.
        failed: why nobody knows; empty = this is the answer. What was held before is held until its end.
    """

    held: bool = False
    fence: int = 0
    until_s: float = 0.0
    by: str = ""
    failed: str = ""


class BeatKind(StrEnum):
    """The clock's reasons to wake the machine."""

    PULSE = "pulse"
    SYNC = "sync"
    STORE = "trade store"
    HEALTH = "health"
    CLEAN = "clean"
    ACCOUNT = "account"
    DRILL = "drill"
    MASTER = "instrument master"
    SESSION_OPEN = "session open"
    SESSION_CLOSE = "session close"


@dataclass(frozen=True, slots=True)
class Beat:
    """The clock struck."""

    kind: BeatKind


@dataclass(frozen=True, slots=True)
class Further:
    """The answer to `engine.effects.GoOn`."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """The journal cannot be written (``failed`` says why), or can be again (empty).

    What hung on a failed write was not performed.
    """

    failed: str


@dataclass(frozen=True, slots=True)
class CacheState:
    """How the prices that we share over Redis stand.

    Attributes:
        role: what we do with them, e.g. ``price mirror``.
        failed: why that does not work; empty = it does.
        lag_s: how old a price was when it arrived there, or here; None = not known.
    """

    role: str
    failed: str = ""
    lag_s: float | None = None


@dataclass(frozen=True, slots=True)
class RealtimeState:
    """Realtime was heard just now; or, with ``failed``, it is away and why."""

    failed: str = ""


@dataclass(frozen=True, slots=True)
class StoreWriting:
    """The trade store's writer has tried: so many changes of rows wait, and why; empty = all is written."""

    waiting: int
    failed: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """Prices from before our start, each with the moment at which it arrived then: to be shown, no more."""

    ticks: tuple[tuple[Tick, float], ...]


@dataclass(frozen=True, slots=True)
class BooksState:
    """News of the file of executions: ``state`` goes on the words "The file of executions"."""

    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Behind:
    """How far decisions are behind prices.

    Attributes:
        late: too far; the other fields say how.
        slow: more than one decision of a hundred came later than ``limit_s`` after its price.
        overtaken: prices that newer ones of their instrument have replaced before they were looked at.
        span_s: in so long.
    """

    late: bool
    slow: bool
    overtaken: int
    limit_s: float
    span_s: float


@dataclass(frozen=True, slots=True)
class UpdatesStopped:
    """The order-update socket is kept away by what ``detail`` names; empty = it lives again."""

    detail: str


Message = (
    Ticks | QuotesRead | FeedChanged | InstrumentsLoaded | TradesLoaded | BrokerReport | OrderUpdate
    | CommandOutcome | Command | Tap | Beat | JournalState | UpdatesStopped | RulesChanged
    | AccountState | TokenRenewal | MarginKnown | BooksState | LeaseState | ControlState | CacheState
    | RealtimeState | StoreWriting | Remembered | HeldAtBroker | TurnedAway
    | DrillWanted | Further | Behind
)  # fmt: skip
