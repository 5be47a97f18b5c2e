"""The machine: who takes which message, and in which order all others look at what came of it.

``handle(message, now_s)`` takes one thing that happened and returns what is to be done. The same
messages at the same moments give the same effects, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import notices
from engine.access import AccessWatch
from engine.broker_side import BrokerSide
from engine.cached import Cached
from engine.calendar_watch import CalendarWatch
from engine.chores import Chores
from engine.controls import ControlState
from engine.diary import Diary
from engine.digest import Digests
from engine.door import Door
from engine.drill import Drills
from engine.effects import Alert, Audit, Effect, LoadTrades
from engine.follow_up import FollowUp
from engine.health import HealthWatch, health_of
from engine.helm import Helm, MonitorConfig, intent_day
from engine.hindsight import Hindsight
from engine.idle import Idle, awake
from engine.judging import Judging
from engine.limits import Limits
from engine.messages import (
    AccountState,
    Beat,
    BeatKind,
    Behind,
    BooksState,
    BrokerReport,
    CacheState,
    Command,
    CommandOutcome,
    DrillWanted,
    FeedChanged,
    FeedState,
    Further,
    HeldAtBroker,
    InstrumentsLoaded,
    JournalState,
    LeaseState,
    MarginKnown,
    Message,
    OrderUpdate,
    QuotesRead,
    RealtimeState,
    Remembered,
    RulesChanged,
    StoreWriting,
    Tap,
    Ticks,
    TokenRenewal,
    TradesLoaded,
    TurnedAway,
    UpdatesStopped,
)
from engine.model import Mode, Urgency
from engine.nets import Nets
from engine.overload import Overload
from engine.pulse import Pulse
from engine.readiness import Readiness
from engine.register import still_counting
from engine.sessions import at, ist_date
from engine.store_side import StoreSide
from engine.stored import Stored
from engine.trouble import Trouble
from engine.turns import Turns
from engine.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.sessions import Calendar
    from engine.watch import Watchlist

__all__ = ["Monitor", "MonitorConfig"]

#: So many times the diary looks at a few positions for its minute, or adds up, after one pulse.
DIARY_PIECES = 4
#: What is about one order, brings prices or changes nothing: of exits it changes only what the desk says.
_OF_FEW = frozenset({Ticks, OrderUpdate, CommandOutcome, TurnedAway})
#: What a person says of positions.
_OF_PEOPLE = frozenset({Command, Tap})


class Monitor:
    """The one owner of everything the house knows between two messages.

    Attributes:
        feed, feed_detail: how the price feed stands, and why.
        feed_surplus: what it has no room for; empty = there is room.
        feed_lost_s: each time that it ceased to be live today.
    """

    def __init__(self, config: MonitorConfig, calendar: Calendar, watch: Watchlist) -> None:
        self.helm = Helm(config, calendar, watch)
        self.watch = watch
        self.holdings = self.helm.holdings
        self.desk = self.helm.desk
        self.dialogue = self.helm.dialogue
        self.limits = Limits(self.helm)
        self.diary, self._digests = Diary(self.helm, self.limits), Digests()
        self._followed = FollowUp(self.helm, self.limits, self.diary)
        self._hindsight = Hindsight(self.desk, calendar, self.helm.touch)
        self.nets = Nets(self.helm, self.limits)
        # a renewal ends the old token: nothing that a mode may do that changes nothing
        renews = config.mode in {Mode.SEMI_AUTO, Mode.EXECUTE}
        self.access = AccessWatch(calendar, renews=renews, token_place=config.token_place)
        self.broker = BrokerSide(self.helm, self.access, self.nets, self._followed)
        self.readiness = Readiness(self.helm, self.access)
        self.feed = FeedState.CONNECTING
        self.feed_detail = self.feed_surplus = ""
        self.feed_lost_s: list[float] = []
        self._feed_needs, self._feed_room = Trouble(), Trouble()
        self._health, self._calendar = HealthWatch(), CalendarWatch(calendar)
        self._idle, self._door = Idle(calendar), Door()
        self.cached, self.stored = Cached(watch.book), Stored()
        self.drills, self.overload = Drills(), Overload()
        self._store, self._day = StoreSide(self.helm, self.stored), ""
        judging = Judging(self.helm, self.limits)
        self._ticks = judging.ticks  # looked up once: it is the way of every tick
        upkeep = Upkeep(watch, self.holdings, self.limits)
        chores = Chores(upkeep.glance, upkeep.remember, *[self.diary.beat] * DIARY_PIECES)
        self._turns = Turns(self.holdings.intake, self.limits, judging, self._followed, chores)
        self._pulse = Pulse(self.helm, self.limits, judging, self.broker, self._hindsight, self._turns)
        self._handlers = self._by_message()

    def _by_message(self) -> dict[type, Callable[[Any, float], list[Effect]]]:
        """Who takes which message; ticks take a shorter way."""
        return {
            Beat: self._beat,
            QuotesRead: self._quotes,
            OrderUpdate: self.broker.update,
            CommandOutcome: self.broker.outcome,
            BrokerReport: self.broker.report,
            Command: self.dialogue.command,
            Tap: self.dialogue.tap,
            TradesLoaded: self._store.rows,
            InstrumentsLoaded: self._store.instruments,
            FeedChanged: self._feed,
            JournalState: self._journal,
            UpdatesStopped: self.broker.updates,
            RulesChanged: self._store.rules,
            AccountState: self._account,
            TokenRenewal: self.access.renewal,
            MarginKnown: self.dialogue.exits.margin,
            BooksState: notices.books,
            HeldAtBroker: self.dialogue.offers.held,
            LeaseState: self._lease,
            ControlState: self.nets.take,
            CacheState: self.cached.state,
            Remembered: self.cached.remembered,
            RealtimeState: self.stored.realtime,
            StoreWriting: self.stored.writing,
            TurnedAway: self._door.turned_away,
            Behind: self.overload.look,
            DrillWanted: self._drill_wanted,
            Further: self._turns.take,
        }

    # ----------------------------------------------------------------------------------- start

    def restore(self, journal: Mapping[str, Mapping[str, Mapping[str, Any]]], now_s: float) -> None:
        """Take over what the journal remembers; call once, before the first message.

        Exits that an earlier day has left open or half done are taken over too; the first beat sorts them.
        """
        intents, orders = still_counting(journal, at(ist_date(now_s), "00:00"))
        self.desk.restore(intents.values(), orders)
        self._followed.restore(journal.get("book", {}))
        self.helm.number_after(intent_day(now_s), intents)
        self.holdings.restore(
            journal.get("closed", {}),
            journal.get("reduced", {}),
            journal.get("memory", {}),
            journal.get("override", {}),
            journal.get("contracts", {}),
            intents,
        )
        self.limits.restore(journal.get("day", {}))
        self.diary.restore(journal.get("diary", {}), journal.get("daily", {}))
        self._digests.restore(journal.get("digest", {}))
        self._hindsight.restore(journal.get("hindsight", {}))
        self.nets.restore(journal, now_s)
        self.helm.differences.restore(journal.get("difference", {}))
        self.dialogue.questions.restore(journal.get("confirmation", {}).values(), journal.get("shown", {}))
        self.dialogue.offers.restore(journal.get("offer", {}))
        self._calendar.restore(journal.get("setting", {}))
        self.helm.tenure.restore(journal.get("lease", {}))
        self.helm.leashes.restore(journal.get("leash", {}))
        self.helm.forewarnings.restore(journal.get("forewarning", {}), now_s)
        self.dialogue.keys.restore(journal.get("two_keys", {}))
        self.dialogue.modes.restore(journal.get("setting", {}).get("mode"))
        self.helm.halted = bool(journal.get("setting", {}).get("halted", {}).get("on", False))

    # ---------------------------------------------------------------------------------- handle

    def handle(self, message: Message, now_s: float) -> list[Effect]:
        """Take in one message; give back what is to be done, in order."""
        if type(message) is Ticks:
            effects = self._ticks(message, now_s)
            if not effects:
                return effects  # mostly nothing happened
        else:
            effects = self._finish(now_s) if type(message) in _OF_PEOPLE else []
            effects += self._handlers[type(message)](message, now_s)
            effects += self.readiness.after(message, now_s)
        effects = self._turns.ask(effects, now_s)
        few = type(message) in _OF_FEW or (type(message) is Further and self._turns.alone)
        effects += self._followed.look(now_s, everywhere=not few)
        effects = self.helm.leashes.hushed(effects)
        self.diary.hear(effects, now_s)
        return self.helm.tenure.guarded(effects, now_s)

    def _finish(self, now_s: float) -> list[Effect]:
        """What a person wants is about the positions of the newest rows, all of them."""
        self.holdings.intake.note_parted()
        return self.holdings.intake.finish(now_s)

    def _quotes(self, message: QuotesRead, now_s: float) -> list[Effect]:
        """REST quotes of an exit's contracts, those that the feed has overtaken left out."""
        arrived_s = self.watch.book.arrived_s
        newer = [tick for tick in message.ticks if (arrived_s(tick.key) or 0.0) <= message.began_s]
        effects = self._ticks(Ticks(newer), now_s)
        self._hindsight.heard(message)
        return effects

    def _beat(self, message: Beat, now_s: float) -> list[Effect]:
        return self._new_day(now_s) + self._beaten(message, now_s) + self.nets.beat(message.kind, now_s)

    def _new_day(self, now_s: float) -> list[Effect]:
        day = intent_day(now_s)
        if day == self._day:
            return []
        first, self._day = not self._day, day
        self.feed_lost_s.clear()
        effects = self.desk.start_day(at(ist_date(now_s), "00:00"), now_s)
        self._followed.start_day()
        self.holdings.lives.start_day(now_s)
        if first:  # what was restored stands as the last process left it, whether it could say so or not
            effects += self.desk.tell_again()
            effects += self._followed.stand()
        self.helm.release(self.holdings.positions)
        return effects

    def _beaten(self, message: Beat, now_s: float) -> list[Effect]:
        match message.kind:
            case BeatKind.PULSE:
                return self._pulse.beat(now_s)
            case BeatKind.SYNC:
                return self._sync(now_s)
            case BeatKind.CLEAN:
                self.watch.book.keep(self.holdings.subscribed)
                return []
            case BeatKind.DRILL:
                self.drills.due = True
                return self.access.ask(now_s)
            case BeatKind.ACCOUNT:
                return self.access.ask(now_s)
            case BeatKind.MASTER:
                return self.holdings.reading.reload()
            case BeatKind.SESSION_OPEN | BeatKind.STORE:
                return [LoadTrades(), *self.holdings.lives.unprotected(now_s)]
            case BeatKind.SESSION_CLOSE:
                kept = self._hindsight.close(now_s)
                return kept + self.desk.session_closed(now_s) + self.diary.close(now_s)
            case BeatKind.HEALTH:
                health = self._health.look(health_of(self, now_s))
                exits = any(True for _ in self.desk.live())
                health += self._calendar.look(now_s) + self.access.look(now_s, exits=exits)
                return health + self._door.look() + self._digests.look(self, now_s)

    def _sync(self, now_s: float) -> list[Effect]:
        """Read store and books; at rest now and then, unless something does not wait for the morning."""
        running = any(True for _ in self.desk.live())
        away = self.stored.fault or self.stored.unwritten()
        if self._idle.leaves_out(now_s, unsettled=running or not self.helm.bearings.found or bool(away)):
            return self.helm.tenure.look(now_s)
        self.desk.ask(now_s, "sync")
        return [*self.helm.tenure.look(now_s), LoadTrades(), *self.desk.pulse(now_s)]

    def _feed(self, message: FeedChanged, now_s: float) -> list[Effect]:
        lost = self.feed is FeedState.LIVE and message.state is not FeedState.LIVE
        if lost and awake(self.helm.calendar, now_s):  # it goes to rest by itself
            self.feed_lost_s.append(now_s)
        self.feed, self.feed_detail = message.state, message.detail
        crowded, self.feed_surplus = bool(self.feed_surplus), message.surplus
        effects: list[Effect] = [Audit("feed", {"state": message.state, "detail": message.detail})]
        if not message.surplus:
            effects += self._feed_room.over(notices.feed_has_room())
        if message.alarm and message.surplus and not crowded:
            effects += self._feed_room.begins(notices.feed_full(message.detail))
        elif message.alarm:
            effects += self._feed_needs.begins(notices.feed_needs_you(message.detail), message.detail)
        elif message.mended or message.state is FeedState.LIVE:
            effects += self._feed_needs.over(notices.feed_mended(message.detail))
        return effects

    def _journal(self, message: JournalState, _now_s: float) -> list[Effect]:
        if not message.failed:
            self.helm.trouble = ""
            self.helm.release(self.holdings.positions)
            return [
                Alert(Urgency.MEDIUM, "journal-back", "The journal works again", "Orders may be sent again.")
            ]
        self.helm.trouble = f"the journal cannot be written ({message.failed})"
        text = f"{message.failed}. Nothing is sent to the broker until it can be written again."
        return [Alert(Urgency.HIGH, "journal", "The journal cannot be written", text)]

    def _account(self, message: AccountState, now_s: float) -> list[Effect]:
        return self.broker.account(message, now_s) + self.drills.held(self, now_s)

    def _drill_wanted(self, message: DrillWanted, now_s: float) -> list[Effect]:
        asked = self.access.doubt(now_s) if self.drills.waiting else self.access.ask(now_s)
        return [self.drills.wanted(message.by), *asked]

    def _lease(self, message: LeaseState, now_s: float) -> list[Effect]:
        """The account is ours, or not; ours anew, everything is read before anything else."""
        lapsed, owned = self.helm.tenure.why(now_s), self.helm.tenure.owned
        effects, anew = self.helm.tenure.take(message, now_s)
        if not anew:
            if lapsed and not self.helm.tenure.why(now_s):
                self.helm.release(self.holdings.positions)
            return effects
        if owned:
            effects += self.helm.flattening.overtaken()
        self.helm.bearings.lose(self.desk.blotter.ledger.asked, now_s)
        self.desk.ask(now_s, "the account is ours now")
        return [*effects, LoadTrades(), *self.desk.pulse(now_s)]
