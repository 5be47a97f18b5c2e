"""The outside world as the engine sees it: protocols only, no code.

Everything that may wait, fail or lie is behind one of these. An order command answers with an
outcome; a read either answers or raises a `engine.errors.SourceError`. An empty answer is an
answer only where a method says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.book_rows import RowFigures
    from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
    from engine.controls import ControlState, PnlExit
    from engine.effects import (
        Alert,
        Answer,
        Ask,
        Card,
        ClaimLease,
        CloseTrades,
        Digest,
        QueryMargin,
        RowPart,
        Say,
    )
    from engine.messages import AccountState, LeaseState, MarginKnown, Outcome, Tick, TokenRenewal, Verb
    from engine.model import ExitLevel, Instrument, InstrumentKey, TradeRow


class Clock(Protocol):
    """Where time comes from; durations and moments on one scale."""

    def now_s(self) -> float:
        """Epoch seconds of the monitor's world (shifted when CLOCK_START is set)."""

    async def sleep(self, seconds: float) -> None:
        """Wait; virtual time in tests."""


class Broker(Protocol):
    """Dhan's trading API, or the paper exchange."""

    async def place(self, order: OrderRequest) -> Outcome:
        """Send one limit order, once."""

    async def modify(self, order_id: str, order: OrderRequest) -> Outcome:
        """Change limit and total quantity of a working order."""

    async def cancel(self, order_id: str) -> Outcome:
        """Ask for a working order to be cancelled; accepted is not yet cancelled."""

    def recall(self, correlation_id: str) -> None:
        """Let a place or modify that has not left yet not leave any more; it answers *not sent* then."""

    async def orders(self) -> Sequence[BrokerOrder]:
        """Today's order book. Raises SourceError."""

    async def orders_named(self, correlation_id: str) -> Sequence[BrokerOrder]:
        """Today's orders of this name; none when the broker says that it knows none. Raises SourceError."""

    async def traded(self) -> tuple[Sequence[BrokerFill], Sequence[BrokerPosition]]:
        """Today's trade book and net positions; nobody knows which was seen first. Raises SourceError."""


class Access(Protocol):
    """What token and broker say of our access; the answers never raise."""

    async def state(self) -> AccountState:
        """How it stands now."""

    async def renew(self) -> TokenRenewal:
        """Change the access token for a new one, which ends the old one."""


class Margins(Protocol):
    """What exits would need in margin; the answer never raises, and nothing of the account changes."""

    async def known(self, query: QueryMargin) -> MarginKnown:
        """What is free, and the margin of each basket."""


class Control(Protocol):
    """The broker's own nets, which are about the whole account."""

    async def state(self, request: int) -> ControlState:
        """How they stand, under this number; it never raises."""

    async def command(self, verb: Verb, terms: PnlExit | None) -> Outcome:
        """Send one command of the whole account, once; ``terms`` are those of ARM."""


class Quotes(Protocol):
    """Quotes by REST, for when the socket is down or not wanted."""

    async def quotes(self, keys: Iterable[InstrumentKey]) -> Sequence[Tick]:
        """Latest quotes, missing ids left out (at most 1,000 keys a call). Raises SourceError."""


class Updates(Protocol):
    """The order-update socket."""

    def reopen(self) -> None:
        """Give up the connection and open another; nothing to do where there is none."""


class Feed(Protocol):
    """The live price feed: one long-running task that owns its sockets."""

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Carry exactly these from now on, the most urgent first; never blocks."""

    async def run(self) -> None:
        """Run until cancelled, delivering through the callbacks given at construction."""


class TradeStore(Protocol):
    """Where the legs are recorded."""

    async def open_rows(self) -> Sequence[TradeRow]:
        """Every open row. An empty list is only an answer when the query itself succeeded.

        Raises SourceError; raises BadInput naming the row when one cannot be understood.
        """

    async def exit_levels(self) -> Sequence[ExitLevel]:
        """Every row of ``strategy_exit_levels``, wrong ones with their fault. Raises SourceError."""

    async def close_rows(self, job: CloseTrades) -> None:
        """Mark rows as closed at their exit prices. Idempotent. Raises SourceError."""

    async def reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        """Take parts off rows; each part becomes a closed row. Idempotent. Raises SourceError."""

    async def note_exits(self, figures: Sequence[RowFigures]) -> Sequence[RowFigures]:
        """Write what exits cost and made to their rows; those whose row is not there (yet) come back.

        A row that has as new a line keeps what it says. Raises SourceError.
        """


class Holder(NamedTuple):
    """Who has an account, as a lease's place tells it; ``ours``: whoever has just asked.

    ``left_s``: it ends so soon; None = after the life that was asked for.
    """

    ours: bool
    owner: str
    fence: int
    left_s: float | None = None


class Lease(Protocol):
    """The place where the owner of an account is written down: one row of account, owner, fence and end."""

    async def acquire(self, account: str, owner: str, ttl_s: float, claim: ClaimLease) -> Holder:
        """Take it if it is free or over, or if its owner is one of ``claim.heirs``; the fence grows.

        The new fence is higher than the old one and than ``claim.above``. Raises SourceError.
        """

    async def renew(self, account: str, owner: str, ttl_s: float, fence: int) -> Holder:
        """Move its end, if this owner still has it under this fence. Raises SourceError."""

    async def release(self, account: str, owner: str, fence: int) -> None:
        """Let go of it, if this owner has it under this fence; the fence stays. Raises SourceError."""


class RowTaker(Protocol):
    """A trade store that takes rows which somebody has accepted."""

    async def add_rows(self, rows: Sequence[TradeRow]) -> None:
        """Add rows under ids of its own; those that are there already stay. Raises SourceError."""


class Claims(Protocol):
    """This process's hold on the lease; the answer never raises."""

    async def claim(self, claim: ClaimLease) -> LeaseState:
        """Take it or renew it."""


class Chat(Protocol):
    """The owner's ear and mouth; every method only queues and returns at once."""

    def alert(self, alert: Alert) -> None:
        """Tell the owner."""

    def ask(self, ask: Ask) -> None:
        """Show a question with its buttons."""

    def answer(self, answer: Answer) -> None:
        """Answer a tap with a toast."""

    def card(self, card: Card) -> None:
        """Show or edit the card of a question or an exit."""

    def say(self, say: Say) -> None:
        """Reply in plain words."""

    def digest(self, digest: Digest) -> None:
        """Tell what a session came to."""
