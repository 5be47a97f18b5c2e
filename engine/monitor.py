"""The machine: one short method per message, all state owned here, all arithmetic elsewhere.

``handle(message, now_s)`` takes one thing that happened and returns what is to be done. The same
messages at the same moments give the same effects, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import notices
from engine.access import AccessWatch
from engine.bearings import Source
from engine.blindness import Blindness
from engine.cached import Cached
from engine.calendar_watch import CalendarWatch
from engine.chores import Chores
from engine.controls import ControlState
from engine.diary import Diary
from engine.digest import Digests
from engine.door import Door
from engine.drill import Drills
from engine.effects import Alert, Audit, Effect, GoOn, LoadTrades
from engine.follow_up import FollowUp
from engine.health import Health, HealthWatch
from engine.helm import Helm, MonitorConfig, intent_day
from engine.hindsight import Hindsight
from engine.idle import Idle, awake
from engine.intents import IntentState
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
    Refused,
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
from engine.model import Action, Mode, Urgency
from engine.nets import ACCOUNT_VERBS, Nets
from engine.nudges import Nudges
from engine.orders import read_correlation_id
from engine.overload import Overload
from engine.pieces import Pieces
from engine.readiness import Readiness
from engine.refusals import Remedy, let_in_again, remedy
from engine.rounds import Rounds
from engine.sessions import at, ist_date
from engine.stored import Stored
from engine.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.model import PositionId, Verdict
    from engine.sessions import Calendar
    from engine.watch import Judgement, Watchlist

__all__ = ["Monitor", "MonitorConfig"]

REMEMBER_EVERY_S = 5.0
#: So many positions are looked at for that at one pulse: a thousand in ten seconds, some 0.2 ms each time;
REMEMBERED_AT_ONCE = 50
#: and for the why log, whose look is journaled too: 240 in thirty seconds, a thousand in two minutes.
GLANCED_AT_ONCE = 4
#: So many positions are judged in one piece when their time has come: some 0.3 ms.
JUDGED_AT_ONCE = 5
#: So many times the diary looks at a few positions for its minute, or adds up, after one pulse.
DIARY_PIECES = 4
#: With no more positions than these all chores are done within the pulse: they take less than a turn costs.
FEW = 20
#: What is about one order, brings prices or changes nothing: of exits it changes only what the desk says.
_OF_FEW = frozenset({Ticks, OrderUpdate, CommandOutcome, TurnedAway})
#: What a person says of positions.
_OF_PEOPLE = frozenset({Command, Tap})


class Monitor:
    """The one owner of everything the house knows between two messages."""

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
        self.feed = FeedState.CONNECTING
        self.feed_detail = self.feed_surplus = ""
        self.feed_lost_s: list[float] = []  # each time that it ceased to be live today
        self._health = HealthWatch()
        self._calendar = CalendarWatch(calendar)
        # a renewal ends the old token: nothing that a mode may do that changes nothing
        self.access = AccessWatch(
            calendar, renews=config.mode in {Mode.SEMI_AUTO, Mode.EXECUTE}, token_place=config.token_place
        )
        self.readiness = Readiness(self.helm, self.access)
        self.cached = Cached(watch.book)
        self.updates_stopped = ""  # why the order-update socket stays away
        self._feed_needs, self._feed_room, self._updates_away = Trouble(), Trouble(), Trouble()
        self._nudges, self._idle, self._door = Nudges(), Idle(calendar), Door()
        self.stored, self.drills = Stored(), Drills()
        self._remembered_s, self._day = 0.0, ""
        self._greeted = self._parted = False  # parted: some positions are those of another reading
        self._kept = Rounds(lambda: self.holdings.positions, REMEMBER_EVERY_S, REMEMBERED_AT_ONCE)
        self._glanced = Rounds(lambda: self.holdings.positions, REMEMBER_EVERY_S, GLANCED_AT_ONCE)
        self._chores = Chores(self._glance, self._remember, *[self.diary.beat] * DIARY_PIECES)
        self.blindness, self.overload = Blindness(), Overload()
        self._pieces = Pieces(
            (lambda: self.holdings.intake.unfinished, self.holdings.intake.go_on),
            (lambda: self.limits.unfinished, self.limits.go_on),
            (lambda: watch.unfinished, self._judge),
        )
        self._handlers: dict[type, Callable[[Any, float], list[Effect]]] = {
            Beat: self._beat,
            QuotesRead: self._quotes,
            OrderUpdate: self._update,
            CommandOutcome: self._outcome,
            BrokerReport: self._report,
            Command: self.dialogue.command,
            Tap: self.dialogue.tap,
            TradesLoaded: self._trades,
            InstrumentsLoaded: self._instruments,
            FeedChanged: self._feed,
            JournalState: self._journal,
            UpdatesStopped: self._updates,
            RulesChanged: self._rules,
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
            Further: self._further,
        }

    # ----------------------------------------------------------------------------------- start

    def restore(self, journal: Mapping[str, Mapping[str, Mapping[str, Any]]], now_s: float) -> None:
        """Take over what the journal remembers; call once, before the first message.

        Exits that an earlier day has left open or half done are taken over too; the first beat sorts them.
        """
        today, since_s = intent_day(now_s), at(ist_date(now_s), "00:00")
        traded = {v["intent"] for v in journal.get("order", {}).values() if v["filled"]}
        intents = {
            k: v
            for k, v in journal.get("intent", {}).items()
            if v["begun_s"] >= since_s
            or IntentState(v["state"]).live
            or (not IntentState(v["state"]).flat and k in traded)
        }
        orders = [v for v in journal.get("order", {}).values() if v["intent"] in intents]
        self.desk.restore(intents.values(), orders)
        self._followed.restore(journal.get("book", {}))
        self.helm.number_after(today, intents)
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
        effects = self._chores.ask(effects, now_s)
        few = type(message) in _OF_FEW or (type(message) is Further and self._chores.alone)
        effects += self._followed.look(now_s, everywhere=not few)
        effects = self.helm.leashes.hushed(effects)
        self.diary.hear(effects, now_s)
        return self.helm.tenure.guarded(effects, now_s)

    def _finish(self, now_s: float) -> list[Effect]:
        """What a person wants is about the positions of the newest rows, all of them."""
        self._parted |= self.holdings.intake.parted
        return self.holdings.intake.finish(now_s)

    def _ticks(self, message: Ticks, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        if message.instant:
            effects += self._judged(self.watch.instant(message.ticks, now_s, message.age_s), now_s)
            return effects + self.limits.judge(now_s, at_once=True)
        take = self.watch.tick
        for tick in message.ticks:
            if said := take(tick, now_s):
                effects += self._judged(said, now_s)
        return effects

    def _judged(self, said: Sequence[Judgement], now_s: float) -> list[Effect]:
        """Do what follows; who was judged by rows known to be old is brought up to date first.

        With other legs than before it is another position, and judged again. With the same ones its rules go
        on as they are, those that have just spoken too: they would not do so again.
        """
        effects: list[Effect] = []
        old = dict.fromkeys(one.position for one in said if self.holdings.intake.behind(one.position))
        alike: set[PositionId] = set()
        if old:
            held = self.holdings.positions
            legs = {name: held[name].legs for name in old if name in held}
            self._parted |= self.holdings.intake.parted
            effects += [*self.holdings.intake.catch_up(old, now_s), GoOn()]
            self.watch.unfinished = True
            alike = {name for name in legs if name in held and held[name].legs == legs[name]}
        for judgement in said:
            name = judgement.position
            if name not in old or (name in alike and self._goes_on(name, judgement.verdict)):
                effects += self.helm.judged(judgement, now_s)
        return effects

    def _goes_on(self, name: PositionId, verdict: Verdict) -> bool:
        """Whether what a position has said before its rows were worked in is still what it says."""
        if verdict.action is Action.ALERT:
            return True
        armed = self.watch.watched(name).armed
        return any(one.fired and one.rule.name == verdict.rule for one in armed)

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
                return self._pulse(now_s)
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
                health = self._health.look(self.state_of_health(now_s))
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

    def state_of_health(self, now_s: float) -> Health:
        """What the machine knows of itself at this moment."""
        book = self.watch.book
        return Health(
            in_session=self.helm.calendar.is_open(now_s),
            resting=self.helm.calendar.spot_rests(now_s),
            feed=self.feed,
            data_age_s=None if book.data_s is None else now_s - book.data_s,
            trade_age_s=None if book.newest_trade_s is None else now_s - book.newest_trade_s,
            prices=len(book),
            subscribed=len(self.holdings.subscribed),
            hit_ratio=book.hit_ratio,
            suspects=book.suspects,
            positions=len(self.holdings.positions),
            exits=sum(1 for _ in self.desk.live()),
            live_orders=len(self.desk.blotter.live()),
            degraded=self.helm.degraded(now_s),
            token_left_s=self.access.left_s(now_s),
            cache_lag_s=self.cached.lag_s,
            cache_failed=self.cached.failed,
            asked=book.asked,
            found=book.found,
            halted=self.helm.halted,
            awake=awake(self.helm.calendar, now_s),
        )

    def _pulse(self, now_s: float) -> list[Effect]:
        effects = self.helm.tenure.look(now_s)
        if not self.helm.tenure.why(now_s):
            effects += self.helm.bearings.look(now_s) + self._greet(now_s)
        effects += self.helm.forewarnings.look(now_s) + self.helm.leashes.look(now_s)
        for position in [p for p, snooze in self.helm.snoozed.items() if now_s >= snooze.until_s]:
            del self.helm.snoozed[position]
            self.helm.release((position,))
        effects += self.limits.judge(now_s)  # they rank above what a position says of itself
        effects += self._judge(now_s)
        effects += self.dialogue.expire(now_s)
        effects += self.dialogue.exits.look(now_s)
        if self._nudges.due(now_s):
            self.desk.ask(now_s, "somebody else has traded")
        effects += self.desk.pulse(now_s) + self._hindsight.look(now_s)
        self._chores.begin(now_s)
        if len(self.holdings.positions) > FEW:
            return [*effects, GoOn()]
        while self._chores.waiting:
            effects += self._chores.go_on(now_s)
        return effects

    def _glance(self, now_s: float) -> list[Effect] | None:
        """Look at a few positions for the why log; what is seen goes out with all other looks."""
        turn = self._glanced.next(now_s)
        self.watch.glance(turn, now_s)
        return [] if turn else None

    def _remember(self, now_s: float) -> list[Effect] | None:
        """Keep what of a few positions, and of the account's day, has changed."""
        effects: list[Effect] = []
        if now_s - self._remembered_s >= REMEMBER_EVERY_S:
            self._remembered_s = now_s
            effects += self.limits.remember()
        turn = self._kept.next(now_s)
        return effects + self.holdings.lives.remember(turn) if effects or turn else None

    def _greet(self, now_s: float) -> list[Effect]:
        """Once in a life, as soon as everything is read."""
        if self._greeted or not (self.helm.bearings.found and self.holdings.known):
            return []
        self._greeted = True
        return [notices.running(self.helm, now_s)]

    def _judge(self, now_s: float) -> list[Effect]:
        """Judge those whose time has come: after a start, or at a clock rule's stroke, maybe all of them."""
        effects = self._judged(self.watch.beat(now_s, JUDGED_AT_ONCE), now_s)
        return [*effects, GoOn()] if self.watch.unfinished else effects

    def _further(self, _message: Further, now_s: float) -> list[Effect]:
        """The next piece of what decides, else of the chores; after a reading those that waited for it."""
        self._parted |= self.holdings.intake.parted
        decides = self._pieces.unfinished or (self._parted and self.holdings.intake.whole)
        self._chores.turn(alone=not decides or self._chores.starve(now_s))
        if self._chores.alone:
            effects = self._chores.go_on(now_s)
        else:
            effects = self._pieces.next(now_s)
            if self._parted and self.holdings.intake.whole:
                self._parted = False
                effects += self.limits.anew(now_s) + self._followed.compare_now(now_s)
        decides = self._pieces.unfinished or (self._parted and self.holdings.intake.whole)
        more = decides or self._chores.waiting
        return [*effects, GoOn()] if more else effects

    def _update(self, message: OrderUpdate, now_s: float) -> list[Effect]:
        back = [] if message.looked_up else self._updates(UpdatesStopped(""), now_s)
        if message.order.filled and self.desk.blotter.ours(message.order) is None:
            self._nudges.heard(now_s)
        return back + self.desk.update(message.order, now_s, heard=not message.looked_up)

    def _trades(self, message: TradesLoaded, now_s: float) -> list[Effect]:
        if message.rows is None:
            unread = self.stored.read(message, now_s, believed=False)
            return unread + self.helm.bearings.unread(Source.ROWS, message.detail)
        # an answer without any row is not believed at once, while there were some
        believed = bool(message.rows) or not self.holdings.expects_rows
        effects = self.holdings.take_rows(message.rows, message.levels, now_s)
        believed = believed or not self.holdings.expects_rows
        effects += self.stored.read(message, now_s, believed=believed)
        if self.helm.bearings.take_rows(message, believed=believed):
            self._found()
        return effects

    def _instruments(self, message: InstrumentsLoaded, now_s: float) -> list[Effect]:
        held = tuple(self.holdings.changed)
        effects = self.holdings.take_instruments(message, now_s)
        self.helm.release(name for name in held if name not in self.holdings.changed)
        return effects

    def _rules(self, message: RulesChanged, now_s: float) -> list[Effect]:
        topic = f"rules-file:{message.version}"
        if message.rulebook is None:
            text = "\n".join((*message.faults, "It is refused whole; the rules in force stay as they are."))
            return [Alert(Urgency.MEDIUM, topic, "The rules file has faults", text)]
        self.watch.use(message.rulebook)
        effects = self.holdings.lives.rearm(now_s)
        number = len(self.holdings.positions)
        text = f"{message.source} is in force, for {number} position{'s' * (number != 1)}."
        audit = Audit("rules changed", {"source": message.source, "version": message.version})
        return [audit, Alert(Urgency.NORMAL, topic, "The rules have changed", text), *effects]

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

    def _updates(self, message: UpdatesStopped, _now_s: float) -> list[Effect]:
        self.updates_stopped = message.detail
        if message.detail:
            return self._updates_away.begins(notices.updates_stopped(message.detail), message.detail)
        return self._updates_away.over(notices.updates_back())

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
        known = self.access.state
        new = known is not None and known.number != message.number
        if (new or (known is not None and known.refused)) and not (message.refused or message.failed):
            let_in_again(self.desk.live(), now_s)
        if new:
            self.updates_stopped = ""  # the socket comes back with another token
        effects = self.access.take(message, now_s)
        doubted, self.helm.clock_doubt = self.helm.clock_doubt, self.access.clock_doubt
        if doubted and not self.helm.clock_doubt:
            self.helm.release(self.holdings.positions)  # what was only told meanwhile is judged again
        return effects + self.drills.held(self, now_s)

    def _drill_wanted(self, message: DrillWanted, now_s: float) -> list[Effect]:
        asked = self.access.doubt(now_s) if self.drills.waiting else self.access.ask(now_s)
        return [self.drills.wanted(message.by), *asked]

    def _outcome(self, message: CommandOutcome, now_s: float) -> list[Effect]:
        """A refusal that only another token, or the owner, can mend: how the access stands is asked."""
        if message.verb in ACCOUNT_VERBS:
            return self.nets.outcome(message, now_s)
        effects = self.desk.outcome(message, now_s) + self.nets.doubt(message)
        said = message.outcome
        if isinstance(said, Refused) and remedy(said.code, said.reason) is Remedy.HOLD:
            effects = effects + self.access.doubt(now_s)
        return effects

    def _report(self, message: BrokerReport, now_s: float) -> list[Effect]:
        first = not message.failed and self.helm.bearings.take_books(message)
        if first:
            ours = [read_correlation_id(order.correlation_id) for order in message.orders]
            self.helm.number_after(intent_day(now_s), [name[1] for name in ours if name])
        effects = self.desk.report(message, now_s)  # held against the journal before anything is sent on it
        if message.failed:
            if self.helm.bearings.no_books():
                blind = self.helm.bearings.unread(Source.BOOKS, message.failed)
            else:
                exits = any(True for _ in self.desk.live())
                blind = self.blindness.failed(message.failed, now_s, exits=exits)
            return effects + self.access.doubt(now_s) + blind
        effects += self.blindness.answered()
        if first:
            self._found()
        return effects + self._followed.compare(message, now_s)

    def _found(self) -> None:
        """The books or the rows are read: with the last of them, what was only told is judged again."""
        if self.helm.bearings.found:
            self.helm.release(self.holdings.positions)

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
