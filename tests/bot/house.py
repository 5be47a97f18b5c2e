"""A small house around the chat: a core that answers as told, a quick clock, pictures to look at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TypeVar, cast

from bot.app import TelegramChat
from bot.poller import PollPace
from bot.rooms import ChatPlot
from engine.accounts import People
from engine.audit_page import AuditNow
from engine.chat_tuning import ChatTuning
from engine.effects import Alert, Answer, Ask, Card, Digest, Effect, Say
from engine.errors import BadInput
from engine.exit_sums import ExitLine
from engine.io.app import Wiring
from engine.io.log import Redactor, Tail
from engine.io.process import Process, Version
from engine.io.whys import Found
from engine.io.wiring import Traffic
from engine.messages import Command, FeedState, Message, Tap, TurnedAway, Wish
from engine.model import Action, Mode, PositionId, Urgency, position_id
from engine.picture import RulesNow, outline
from engine.preflight import Check, Light
from engine.view import (
    LegView,
    MonitorView,
    Outline,
    PositionBrief,
    PositionState,
    PositionView,
    ThresholdView,
)
from sandbox.telegram_server import Message as Bubble
from sandbox.telegram_server import Query, TelegramServer
from tests.support.clock import VirtualClock

TOKEN = "7000000001:canary-telegram-token-0000000000000"
OWNER = 4242
#: Tuesday 3 February 2026, 09:21:33 IST.
AT_S = 1_770_090_693.0

T = TypeVar("T")


class QuickClock:
    """Real time, faster: a minute of the chat's waits takes a few seconds of the test's."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._began_s = time.monotonic()
        #: Set as soon as somebody waits for time to pass.
        self.rested = asyncio.Event()

    def now_s(self) -> float:
        """Epoch seconds, running ``speed`` times as fast from `AT_S` on."""
        return AT_S + (time.monotonic() - self._began_s) * self._speed

    def skip(self, seconds: float) -> None:
        """Let this much time have passed, without waking anybody."""
        self._began_s -= seconds / self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait so many of this clock's seconds."""
        self.rested.set()
        await asyncio.sleep(max(seconds, 0) / self._speed)


@dataclass
class Core:
    """The monitor's stand-in: keeps what is posted and answers with the effects it is told to give.

    What is for the audit alone is kept apart, as nothing comes of it.
    """

    answers: Callable[[Message], Iterable[Effect]] = lambda _message: ()
    posted: list[Message] = field(default_factory=list)
    turned_away: list[TurnedAway] = field(default_factory=list)
    chat: TelegramChat | None = None
    account: str = "default"
    people: People = field(default_factory=lambda: People(owners=frozenset({OWNER})))
    picture: MonitorView | None = None
    rules_now: Iterable[RulesNow] = ()
    seen: Iterable[Found] | BadInput = ()
    pictures: dict[Callable[..., object], object] = field(default_factory=dict)
    came: Iterator[Traffic] = field(default_factory=lambda: iter(()))
    audited: AuditNow | BadInput = field(default_factory=lambda: AuditNow((), 0, 0, ""))
    left: tuple[ExitLine, ...] | BadInput = ()
    disk_is: Check = field(default_factory=lambda: Check("disk", Light.GREEN, "12.0 GB free of 40"))
    looked_at: list[int | None] = field(default_factory=list)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self, message: Message) -> None:
        """Take a message, as the inbox does: at once, and act on it in the loop's next turn."""
        if isinstance(message, TurnedAway):
            self.turned_away.append(message)
            return
        self.posted.append(message)
        asyncio.get_running_loop().call_soon(self._act, message)
        self._bell.set()

    def _act(self, message: Message) -> None:
        for effect in self.answers(message):
            self.give(effect)

    def give(self, effect: Effect) -> None:
        """Hand one effect to the chat."""
        assert self.chat is not None
        port = self.chat.of(self.account)
        match effect:
            case Alert():
                port.alert(effect)
            case Ask():
                port.ask(effect)
            case Answer():
                port.answer(effect)
            case Card():
                port.card(effect)
            case Say():
                port.say(effect)
            case Digest():
                port.digest(effect)
            case _:
                raise AssertionError(f"{effect} is not the chat's")

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """Show the picture, or what it has of one strategy id; each look is counted."""
        self.looked_at.append(strategy_id)
        shown = self.picture or house()
        of = tuple(p for p in shown.positions if strategy_id in {None, p.strategy_id})
        return replace(shown, positions=of)

    def rules(self, strategy_id: int) -> tuple[RulesNow, ...]:
        """Show the rules it was given, of that id."""
        return tuple(each for each in self.rules_now if each.position.strategy_id == strategy_id)

    async def why(self, strategy_id: int) -> tuple[Found, ...]:
        """Tell what it was given, of that id."""
        if isinstance(self.seen, Exception):
            raise self.seen
        return tuple(each for each in self.seen if each.position.endswith(f"/{strategy_id}"))

    def see(self, draw: Callable[..., T], /) -> T | None:
        """Show the picture that it was given for this page; the outline is that of the whole."""
        if draw is outline:
            shown = self.picture or house()
            held = tuple((p.strategy_id, p.symbol) for p in shown.positions)
            drawn = Outline(shown.mode, shown.halted, shown.session_open, held, shown.code_of)
            return None if shown.down else cast("T", drawn)
        return cast("T | None", self.pictures.get(draw))

    def traffic(self) -> Traffic | None:
        """Tell the next of what it was given; None when there is no more."""
        return next(self.came, None)

    async def audit(self, last: int) -> AuditNow:
        """Tell the last lines of what it was given."""
        if isinstance(self.audited, Exception):
            raise self.audited
        return replace(self.audited, lines=self.audited.lines[:last])

    async def books(self, since: date) -> tuple[ExitLine, ...]:
        """Tell what exits have left since that day."""
        if isinstance(self.left, Exception):
            raise self.left
        return tuple(line for line in self.left if line["ended_at"] >= since.isoformat())

    async def disk(self) -> Check:
        """Tell what it was given."""
        return self.disk_is

    async def glance(self, _wanted: Collection[PositionId] = (), /) -> MonitorView:
        """All of it."""
        return await self.view()

    def wiring(self, clock: QuickClock | VirtualClock) -> Wiring:
        """What a chat is plugged into."""
        return Wiring(
            account=self.account, people=self.people, post=self.post, view=self.view, glance=self.glance,
            rules=self.rules, why=self.why, clock=clock, see=self.see, traffic=self.traffic, audit=self.audit,
            books=self.books, disk=self.disk,
        )  # fmt: skip

    def of(self, kind: type[T]) -> list[T]:
        """Pick the posted messages of one kind."""
        return [message for message in self.posted if isinstance(message, kind)]

    async def wait_for(self, predicate: Callable[[Core], T], timeout_s: float = 10.0) -> T:
        """Look again after every message until ``predicate`` is true."""
        async with asyncio.timeout(timeout_s):
            while not (seen := predicate(self)):
                self._bell.clear()
                await self._bell.wait()
        return seen


def one_tap_core(clock: QuickClock) -> Core:
    """A core that asks about every exit and lets the first tap win, like the journal's compare-and-set."""
    decided: set[str] = set()
    asked: list[Ask] = []

    def answers(message: Message) -> list[Effect]:
        match message:
            case Tap(nonce=nonce, callback_id=callback_id) if nonce in decided:
                return [Answer(callback_id, "Already decided.")]
            case Tap(nonce, yes, _, callback_id):
                decided.add(nonce)
                title = "Verified flat: NIFTY Iron Condor" if yes else "Not now: NIFTY Iron Condor"
                return [Answer(callback_id, "Exiting." if yes else "Left alone."), card(nonce, title)]
            case Command(message_id=message_id):
                asked.append(question(clock, f"nonce{len(asked):04d}"))
                return [replace(asked[-1], message_id=message_id)]
            case _:
                raise AssertionError(f"{message} was not expected")

    return Core(answers)


def question(clock: QuickClock, nonce: str = "nonce0000", *, left_s: float = 60.0) -> Ask:
    """An exit's question."""
    lines = ("NIFTY 24 NOV 25300 CE", "  BUY 130 at about 20.55", "P&L now +₹1,540.00")
    expires_s = clock.now_s() + left_s
    title = "Exit NIFTY Iron Condor?"
    return Ask(nonce, Wish.EXIT, title, lines, expires_s, Urgency.NORMAL, "Exit now", "Cancel")


def card(
    nonce: str, title: str = "Verified flat", *, final: bool = True, urgency: Urgency = Urgency.NORMAL
) -> Card:
    """An exit's card."""
    return Card(nonce, title, ("NIFTY 24 NOV 25300 CE", "  BUY 130/130 @ 20.55"), final, urgency)


def alert(urgency: Urgency, topic: str, text: str = "Something happened.") -> Alert:
    """An alert."""
    return Alert(urgency, topic, f"{urgency.name.capitalize()} {topic}", text)


def position(strategy_id: int = 3359, **changes: object) -> PositionView:
    """A position that is doing well, but for the changes."""
    fields: dict[str, object] = {
        "id": position_id("default", strategy_id),
        "account": "default",
        "strategy_id": strategy_id,
        "symbol": "NIFTY",
        "strategy": "Iron Condor",
        "state": PositionState.WATCHING,
        "legs": (LegView("NIFTY 24 NOV 25300 CE", -130, 4000, 3215, 0.4),),
        "pnl_paise": 152_750,
        "pnl_pct": 49.9,
        "value_paise": -152_750,
        "action": Action.MONITOR,
        "urgency": Urgency.NORMAL,
        "reason": "No exit conditions triggered",
        "thresholds": (
            ThresholdView("profit_target", 152_750, "50 % of the largest possible profit"),
            ThresholdView("stop_loss", -497_250, "50 % of the largest possible loss"),
        ),
        "dte": 5,
    }
    return PositionView(**(fields | changes))


def in_brief(view: PositionView) -> PositionBrief:
    """What is known of a position that is not among the loudest."""
    return PositionBrief(**{each.name: getattr(view, each.name) for each in fields(PositionBrief)})


def house(*positions: PositionBrief, **changes: object) -> MonitorView:
    """A monitor in good order that watches these positions, but for the changes."""
    fields: dict[str, object] = {
        "at_s": AT_S,
        "mode": Mode.SIMULATE,
        "sandbox": True,
        "halted": False,
        "degraded": "",
        "feed": FeedState.LIVE,
        "feed_detail": "",
        "data_age_s": 0.2,
        "cached_prices": 12,
        "subscribed": 12,
        "session_open": True,
        "session_text": "open until 15:30",
        "positions": positions,
    }
    return MonitorView(**(fields | changes))


VERSION = Version(
    "unreleased",
    "0123456789ab",
    "3.11.2",
    (("python-telegram-bot", "22.8"), ("dhanhq", "2.3.0")),
    (("journal", "2"), ("database", "20261129090000_exit_records")),
)

#: Polls are short, so that a test which hangs one does not wait for it.
PACE = PollPace(hold_s=2, grace_s=1.0, first_rest_s=0.05, longest_rest_s=0.2)


def make_chat(
    server: TelegramServer,
    core: Core | Sequence[Core],
    clock: QuickClock | VirtualClock,
    folder: Path,
    *,
    pace: PollPace = PACE,
    chat_id: int = OWNER,
    group_commands: bool = False,
    tuning: ChatTuning | None = None,
    process: Process | None = None,
) -> TelegramChat:
    """Put a chat between this Telegram and this core, or several; its memory is in the folder."""
    cores = [core] if isinstance(core, Core) else core
    plot = ChatPlot(
        token=TOKEN,
        api_url=server.api_url,
        chat_id=chat_id,
        accounts=[one.wiring(clock) for one in cores],
        clock=clock,
        wall_s=clock.now_s,
        store_path=folder / "chat.sqlite3",
        process=process or Process(VERSION, Tail(Redactor()), AT_S - 7_500),
        group_commands=group_commands,
        tuning=tuning or ChatTuning(summary=False),
        pace=pace,
    )
    chat = TelegramChat(plot)
    for one in cores:
        one.chat = chat
    return chat


@asynccontextmanager
async def running(chat: TelegramChat) -> AsyncIterator[None]:
    """Run the chat for the length of a block; it must not have ended by itself."""
    life = asyncio.create_task(chat.run(), name="chat")
    try:
        yield
        if life.done():
            life.result()
            raise AssertionError("the chat ended by itself")
    finally:
        life.cancel()
        await asyncio.wait({life}, timeout=5.0)
        assert life.done(), "the chat did not stop"


@asynccontextmanager
async def telegram(clock: QuickClock) -> AsyncIterator[TelegramServer]:
    """Run a Telegram on this clock."""
    async with TelegramServer(token=TOKEN, now=clock.now_s) as server:
        yield server


async def message_with(
    server: TelegramServer, words: str, *, timeout_s: float = 10.0, chat_id: int | None = None
) -> Bubble:
    """Wait for a message of the bot that says this, in the owner's chat or another."""

    def found(here: TelegramServer) -> Bubble | None:
        return next((m for m in here.sent(chat_id) if words in m.text), None)

    bubble = await server.wait_for(found, timeout_s)
    assert bubble is not None
    return bubble


async def asked(server: TelegramServer, *, timeout_s: float = 10.0) -> Bubble:
    """Wait for a question with its buttons."""

    def found(here: TelegramServer) -> Bubble | None:
        return next((m for m in here.sent() if "Exit now" in m.buttons), None)

    bubble = await server.wait_for(found, timeout_s)
    assert bubble is not None
    return bubble


async def answered(server: TelegramServer, press: Query) -> None:
    """Wait until a press has its toast."""
    await server.wait_for(lambda _: press.answered)
