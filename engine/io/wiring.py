"""What a chat is plugged into, and the lines to houses that may fall and be built again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from engine.accounts import People
from engine.audit_page import AuditNow
from engine.effects import Alert, Answer, Say
from engine.exit_sums import ExitLine
from engine.health import Health
from engine.io.ports import Chat, Clock
from engine.io.whys import Found
from engine.measures import ChatMeasures, Measures
from engine.messages import Command, FeedState, Message, Tap, Wish
from engine.model import Mode, PositionId, Urgency
from engine.monitor import Monitor
from engine.picture import RulesNow
from engine.preflight import Check
from engine.view import MonitorView

__all__ = [
    "Lent",
    "Line",
    "MakeChat",
    "Pace",
    "RunningChat",
    "See",
    "Target",
    "Traffic",
    "Wiring",
    "quiet_view",
]

Drawn = TypeVar("Drawn")


class Traffic(NamedTuple):
    """Prices since the start: that came, that newer ones have overtaken, and messages that wait now."""

    received: int
    conflated: int
    waiting: int


class See(Protocol):
    """Has an immutable picture of the machine drawn, by a pure function of the core."""

    def __call__(self, draw: Callable[[Monitor, float], Drawn], /) -> Drawn | None:
        """The picture; None while there is no machine."""


class Glance(Protocol):
    """Looks at a whole account, a few positions at a time, while the loop goes on."""

    async def __call__(self, wanted: Collection[PositionId] = (), /) -> MonitorView:
        """It at this moment; in full are its loudest positions and these, in brief all others."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a chat is plugged into: one account; everything in it is good for as long as the process lives.

    Attributes:
        account: its name.
        people: who may do what with it.
        post: takes a command or a tap; while the account is down the chat is told so.
        view: the account with the positions of a strategy id; while it is down the view says why and has no
            positions. Who needs no figures sees its outline (`engine.picture.outline`).
        glance: the account with all its positions, in full those that a page may show.
        rules: the rules of the positions of a strategy id, as they stand.
        why: what the journal has seen of a strategy id; raises BadInput when it cannot be read.
        see: a picture of the machine at this moment, drawn by one of the core's pages; None while it is down.
        traffic: what the feed has brought; None while it is down.
        audit: the last lines of the audit; raises BadInput when it cannot be read.
        books: what the exits that ended since a day have left; raises BadInput when it cannot be read.
        disk: how much room the account's data has.
    """

    account: str
    people: People
    post: Callable[[Message], None]
    view: Callable[[int], Awaitable[MonitorView]]
    glance: Glance
    rules: Callable[[int], tuple[RulesNow, ...]]
    why: Callable[[int], Awaitable[tuple[Found, ...]]]
    clock: Clock
    see: See
    traffic: Callable[[], Traffic | None]
    audit: Callable[[int], Awaitable[AuditNow]]
    books: Callable[[date], Awaitable[tuple[ExitLine, ...]]]
    disk: Callable[[], Awaitable[Check]]


@dataclass(frozen=True, slots=True)
class Pace:
    """What is counted of a house in this life.

    Attributes:
        measures: by the runner; it goes on counting.
        waiting: what waits, by the queue's name.
        conflated: ticks of which a later one was taken.
    """

    measures: Measures
    waiting: Mapping[str, int]
    conflated: int


class Lent(StrEnum):
    """Whether a tool of the host may ask Dhan for quotes: it answers one question a second of an account.

    YES: it is counted as the house's own. LATER: the house has just asked. EXITS: one runs, and may need it.
    """

    YES = "yes"
    LATER = "later"
    EXITS = "exits"


class RunningChat(Protocol):
    """A chat that has a life of its own and speaks for every account."""

    def of(self, account: str) -> Chat:
        """The port of one account's house; good for as long as the chat is."""

    async def run(self) -> None:
        """Run until cancelled."""

    def measures(self) -> ChatMeasures:
        """What is counted of it."""


MakeChat = Callable[[Sequence[Wiring]], RunningChat]


class Target(Protocol):
    """A house that lives."""

    def post(self, message: Message) -> None:
        """Put a message into its inbox."""

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """It, with the positions of one strategy id or all, drawn between ticks."""

    async def glance(self, wanted: Collection[PositionId] = (), /) -> MonitorView:
        """It, with all positions, in full its loudest and these, drawn between ticks."""

    def rules(self, strategy_id: int) -> tuple[RulesNow, ...]:
        """The rules of a strategy id at this moment."""

    @property
    def rounds(self) -> int:
        """How often its exit loop has gone round."""

    @property
    def saved(self) -> bool:
        """Whether its journal has everything that was decided."""

    def health(self) -> Health:
        """What its machine knows of itself at this moment."""

    def pace(self) -> Pace:
        """What is counted of it."""

    def see(self, draw: Callable[[Monitor, float], Drawn], /) -> Drawn:
        """A picture of its machine at this moment."""

    def traffic(self) -> Traffic:
        """What its feed has brought."""

    def lend_quote(self) -> Lent:
        """Whether a tool may ask for quotes now."""

    def took(self, command: Command) -> bool:
        """Whether it has handled a /stop, and its journal has what came of that."""


class Line:
    """The way to one account's house, whichever of its lives it is in.

    A /stop is kept until a house has it in its journal, whether it came while there was none or in the moment
    in which one fell: the next life hears it before anything else.

    Attributes:
        why_down: why there is no house, in words.
    """

    def __init__(self, account: str, mode: Mode, clock: Clock, *, sandbox: bool) -> None:
        """Lead nowhere yet."""
        self.account, self._mode, self._clock, self._sandbox = account, mode, clock, sandbox
        self._target: Target | None = None
        self._chat: Chat | None = None
        self._stop: Command | None = None
        self.why_down = "it is being started"

    def plug(self, chat: Chat) -> None:
        """Who is answered while there is no house."""
        self._chat = chat

    def lead_to(self, target: Target) -> None:
        """There is a house."""
        self._target = target
        if self._stop is not None:
            target.post(self._stop)

    def cut(self, why: str) -> None:
        """There is none any more."""
        self._let_go()
        self._target, self.why_down = None, why

    def _let_go(self) -> None:
        """A /stop that is in the journal outlives the house without us."""
        if self._stop is not None and self._target is not None and self._target.took(self._stop):
            self._stop = None

    @property
    def up(self) -> bool:
        """Whether there is a house."""
        return self._target is not None

    def post(self, message: Message) -> None:
        """Hand on, or answer that nobody is there."""
        if self._target is not None:
            self._let_go()  # before a /resume: it must not be halted anew by what was taken
            if isinstance(message, Command):
                self._stop = message if message.wish is Wish.STOP else self._stop
            self._target.post(message)
        elif isinstance(message, Command):
            self._answer(message)
        elif isinstance(message, Tap) and self._chat is not None:
            self._chat.answer(Answer(message.callback_id, f"Nothing was done: {self._down()}", alarm=True))

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """The house, with the positions of one strategy id or all; or that there is none."""
        return self.nothing() if self._target is None else await self._target.view(strategy_id)

    async def glance(self, wanted: Collection[PositionId] = (), /) -> MonitorView:
        """The house with all positions, in full its loudest and these; or that there is none."""
        return self.nothing() if self._target is None else await self._target.glance(wanted)

    def nothing(self) -> MonitorView:
        """What there is to see while there is no house."""
        return quiet_view(
            self._clock.now_s(),
            self._mode,
            self._down(),
            sandbox=self._sandbox,
            halted=self._stop is not None,
        )

    def rules(self, strategy_id: int) -> tuple[RulesNow, ...]:
        """The rules of a strategy id; none while there is no house."""
        return () if self._target is None else self._target.rules(strategy_id)

    @property
    def rounds(self) -> int | None:
        """How often the exit loop of this life has gone round; None = there is no house."""
        return None if self._target is None else self._target.rounds

    @property
    def saved(self) -> bool:
        """Whether a journal has everything that was decided; a /stop that the line keeps, none has."""
        return self._target is not None and self._target.saved

    def lend_quote(self) -> Lent:
        """Whether a tool may ask for quotes now; where there is no house, nobody else does."""
        return Lent.YES if self._target is None else self._target.lend_quote()

    def health(self) -> Health | None:
        """What the house knows of itself at this moment; None = there is none."""
        return None if self._target is None else self._target.health()

    def pace(self) -> Pace | None:
        """What is counted of the house; None = there is none."""
        return None if self._target is None else self._target.pace()

    def see(self, draw: Callable[[Monitor, float], Drawn], /) -> Drawn | None:
        """A picture of the machine; None while there is no house."""
        return None if self._target is None else self._target.see(draw)

    def traffic(self) -> Traffic | None:
        """What the feed has brought; None while there is no house."""
        return None if self._target is None else self._target.traffic()

    def _answer(self, command: Command) -> None:
        if command.wish is Wish.STOP:
            self._stop, what = command, "Kept: it will be halted before it does anything"
        elif command.wish is Wish.RESUME and self._stop is not None:
            self._stop, what = None, "The kept /stop is taken back"
        else:
            what = "Nothing was done"
        if self._chat is None:
            return
        told = f"{what}. {self._down()}."
        if command.by.chat_id:
            self._chat.say(Say(command.by, told))
        else:  # from the command line of the host: people in the chat must know
            head = f"Asked by {command.by.name}: {command.wish}"
            self._chat.alert(Alert(Urgency.HIGH, f"{command.wish} while down", head, told))

    def _down(self) -> str:
        return f"Account {self.account} is down: {self.why_down}"


def quiet_view(at_s: float, mode: Mode, why: str, *, sandbox: bool, halted: bool = False) -> MonitorView:
    """What can be seen of an account whose house is down: only that."""
    return MonitorView(
        at_s=at_s, mode=mode, sandbox=sandbox, halted=halted, degraded=why, feed=FeedState.DOWN,
        feed_detail="", data_age_s=None, cached_prices=0, subscribed=0, session_open=False,
        session_text="down", positions=(), down=True,
    )  # fmt: skip
