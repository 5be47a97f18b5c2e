"""The rooms of the chat, built once and joined: what is said, what is heard, and how the whole of it stands.

Nothing here runs; that is `bot.app`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bot.access import Gate
from bot.accounts import Accounts
from bot.alarms import Alarms
from bot.commands import Commands
from bot.faults import Fault, FaultBook
from bot.gauges import Gauges
from bot.layout import cut
from bot.living import Living
from bot.lookers import Lookers
from bot.menu import COMMANDS, START
from bot.outbox import Outbox
from bot.picture_commands import PictureCommands
from bot.poller import Poller, PollPace
from bot.presses import Presses
from bot.relay import Relay
from bot.reports import Reports
from bot.roles import Roles
from bot.seen import SeenPresses
from bot.store import ChatStore
from bot.switchboard import Switchboard
from bot.toasts import Toasts
from bot.voice import AccountPort, Voice
from engine.chat_tuning import ChatTuning
from engine.measures import ChatMeasures
from engine.picture import outline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from pathlib import Path

    from bot.accounts import Asked
    from bot.menu import Entry
    from engine.effects import Alert
    from engine.io.app import Wiring
    from engine.io.ports import Clock
    from engine.io.process import Process

#: What keeps messages from arriving too, when a poll meets it.
_AWAY = frozenset({Fault.UNREACHABLE, Fault.REFUSED, Fault.UNREADABLE})


@dataclass(frozen=True, slots=True)
class ChatPlot:
    """What a chat is built on.

    Attributes:
        token: the bot's, from @BotFather; it appears in no log, message or error that leaves here.
        api_url: what stands before ``/bot<token>``, e.g. ``https://api.telegram.org``.
        chat_id: the one chat it speaks in; a group's is negative.
        accounts: the houses it is plugged into, each with the people who may do something there.
        clock: the monitor's time, which may be shifted; limits and waits go by it.
        wall_s: the host's epoch seconds, the time Telegram's own dates compare with.
        store_path: the chat's own small SQLite file.
        process: what it knows of itself.
        group_commands: a group may command too; else it may only look.
        tuning: its way to Telegram and how it speaks.
        drop_after_s: commands older than this are not run.
        pace: how patient the poll is.
    """

    token: str
    api_url: str
    chat_id: int
    accounts: Sequence[Wiring]
    clock: Clock
    wall_s: Callable[[], float]
    store_path: Path
    process: Process
    group_commands: bool = False
    tuning: ChatTuning = field(default_factory=ChatTuning)
    drop_after_s: float = 30.0
    pace: PollPace = field(default_factory=PollPace)


@dataclass(frozen=True, slots=True)
class ChatHealth:
    """How the chat is.

    Attributes:
        poll_age_s: since Telegram last answered a poll; None = not yet in this life. With a quiet
            chat and a healthy connection it stays below the length of one poll (25 s).
        faults: what is wrong now, in words; empty when all is well.
        durable: False when the chat's store cannot be written.
        unseen: HIGH alerts that nobody has seen.
    """

    poll_age_s: float | None
    waiting: int
    waiting_high: int
    faults: tuple[str, ...]
    durable: bool
    unseen: int = 0


class Rooms:
    """All of them, by their names.

    Attributes:
        poller: of this life; None = Telegram has not answered yet.
    """

    def __init__(self, plot: ChatPlot) -> None:
        """Build them; nothing is sent."""
        self._plot = plot
        self.accounts = Accounts(plot.accounts)
        self.roles = Roles(read_only=plot.chat_id < 0 and not plot.group_commands)
        self.store = ChatStore(plot.store_path)
        self.poll_faults = FaultBook("poll", self._alert)
        self.send_faults = FaultBook("send", self._alert)
        self.outbox = Outbox(store=self.store, faults=self.send_faults, clock=plot.clock, wall_s=plot.wall_s)
        self.relays = (
            Relay("the second person", plot.clock) if plot.tuning.second_user else None,
            Relay("the other channel", plot.clock) if plot.tuning.channels else None,
        )
        self.alarms = Alarms(
            plot.tuning.ladder, store=self.store, add=self.outbox.add, wall_s=plot.wall_s,
            relays=self.relays,
        )  # fmt: skip
        self.voice = Voice(
            store=self.store, add=self.outbox.add, clock=plot.clock, wall_s=plot.wall_s, hushed=self._hushed,
            alarms=self.alarms, unreached=self._unreached, room=self.outbox.room,
        )  # fmt: skip
        self.toasts = Toasts(plot.clock, self.voice.reply)
        self.poller: Poller | None = None
        self.reports = Reports(self.accounts, tell=self.voice.tell)
        self.ports = {
            each.account: AccountPort(
                each.account,
                self.accounts.title(each.account),
                self.voice,
                self.toasts,
                plot.chat_id,
                partial(self.reports.hear, each),
            )
            for each in plot.accounts
        }
        self.living = Living(
            self.accounts,
            self.accounts.seen_in(plot.chat_id, self.roles) if plot.tuning.summary else (),
            store=self.store,
            add=self.outbox.add,
            clock=plot.clock,
            wall_s=plot.wall_s,
        )
        self.switchboard, self.presses = self._hands()
        self.gate = Gate(
            chat_id=plot.chat_id,
            user_ids=self.accounts.user_ids,
            drop_after_s=plot.drop_after_s,
            wall_s=plot.wall_s,
            alarm=self._alert,
            reply=self.voice.reply,
            heard=self.outbox.nudge,
            second_user=plot.tuning.second_user,
            turned_away=self.accounts.turned_away,
        )

    def _hands(self) -> tuple[Switchboard, Presses]:
        """What commands and presses come to, with the rooms behind them."""
        show, say = self.voice.show, self.voice.reply
        lookers = Lookers(self.accounts, show=show, say=say, card=self.living.show, waiting=self._waiting)
        commands = Commands(self.roles, show=show, say=say, title=self.accounts.title)
        gauges = Gauges(self.accounts, self._plot.process, self.health, self._plot.wall_s, show=show, say=say)
        pictures = PictureCommands(self.accounts, self.reports, show=show, say=say)
        runs = handlers((lookers, gauges, pictures), commands)
        switchboard = Switchboard(self.accounts, self.roles, runs, show=show, say=say, alarms=self.alarms)
        presses = Presses(
            self.accounts,
            self.roles,
            switchboard,
            looks={
                "r": lookers.show_rules,
                "w": lookers.show_why,
                "i": lookers.show_position,
                "z": commands.show_snooze,
                "t": lookers.show_tighter,
                "g": pictures.show_payoff,
                "l": pictures.show_course,
            },
            store=self.store,
            toasts=self.toasts,
            seen=SeenPresses(
                self.accounts, self.roles, alarms=self.alarms, voice=self.voice, toasts=self.toasts,
                second_user=self._plot.tuning.second_user,
            ),
        )  # fmt: skip
        return switchboard, presses

    def health(self) -> ChatHealth:
        """Tell how the chat is."""
        heard_s = self.poller.last_success_s if self.poller is not None else None
        return ChatHealth(
            poll_age_s=None if heard_s is None else self._plot.clock.now_s() - heard_s,
            waiting=self.outbox.waiting,
            waiting_high=self.outbox.waiting_high,
            unseen=len(self.alarms.open),
            faults=(
                *(words for book in self._books for words in book.words),
                *self.alarms.faults(),
            ),
            durable=self.store.durable,
        )

    def measures(self) -> ChatMeasures:
        """What is counted of it."""
        outbox = self.outbox
        return ChatMeasures(outbox.alert_latency, outbox.waiting, outbox.waiting_high)

    @property
    def _books(self) -> tuple[FaultBook, FaultBook]:
        return self.poll_faults, self.send_faults

    def _hushed(self) -> bool:
        """Whether it is a quiet hour: never while a market is open that an account trades in."""
        quiet = self._plot.tuning.quiet
        if quiet is None or not quiet.at(self._plot.clock.now_s()):
            return False
        seen = [each.see(outline) for each in self.accounts.all]
        return not any(each is not None and each.session_open for each in seen)

    def _unreached(self) -> bool:
        """Whether nothing gets through to Telegram, as far as the last tries tell.

        That one alert is not taken says nothing of the repeats, which name it. With nothing left to send the
        last try is old news: the next repeat finds out.
        """
        failing = self.outbox.waiting and {*self.send_faults.open} - {Fault.UNSENT}
        return bool(failing) or not _AWAY.isdisjoint(self.poll_faults.open)

    def _waiting(self, marks: Collection[str]) -> list[str]:
        """What of these accounts waits to be seen, and who could not be told of it: lines of /status."""
        waiting = self.alarms.words(marks)
        return [
            *([f"🔔 {waiting}"] if waiting else []),
            *(f"⚠️ {cut(each, 200)}" for each in self.alarms.faults()),
        ]

    def _alert(self, alert: Alert) -> None:
        """Tell what is about the chat itself, or about no account."""
        self.voice.alert(alert)


def handlers(
    looks: Sequence[object], commands: Commands
) -> dict[str, tuple[Entry, Callable[[Asked], Awaitable[None]]]]:
    """Each command of the table with the method of its name, wherever it is."""
    found = {}
    for entry in (START, *COMMANDS):
        room = next(room for room in (*looks, commands) if hasattr(room, entry.word))
        found[entry.word] = (entry, getattr(room, entry.word))
    return found
