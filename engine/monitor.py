"""The machine: one short method per message, all state owned here, all arithmetic elsewhere.

``handle(message, now_s)`` takes one thing that happened and returns what is to be done. The same
messages at the same moments give the same effects, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.cards import exit_card, realised_paise
from engine.helm import Helm, MonitorConfig, intent_day
from engine.intents import Intent, IntentState
from engine.messages import (
    Alert,
    Audit,
    Beat,
    BeatKind,
    BrokerReport,
    Card,
    Command,
    CommandOutcome,
    Effect,
    FeedChanged,
    FeedState,
    InstrumentsLoaded,
    JournalState,
    LoadTrades,
    Message,
    OrderUpdate,
    RulesChanged,
    Tap,
    Ticks,
    TradesLoaded,
)
from engine.model import Urgency
from engine.reconcile import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model import InstrumentKey
    from engine.sessions import Calendar
    from engine.watch import Watchlist

__all__ = ["Monitor", "MonitorConfig"]

URGENT_RULES = frozenset({"forced", "expiry_exit", "trailing_stop", "lock_profit"})
REMEMBER_EVERY_S = 5.0


class Monitor:
    """The one owner of everything the house knows between two messages."""

    def __init__(self, config: MonitorConfig, calendar: Calendar, watch: Watchlist) -> None:
        self.helm = Helm(config, calendar, watch)
        self.watch = watch
        self.holdings = self.helm.holdings
        self.desk = self.helm.desk
        self.dialogue = self.helm.dialogue
        self.feed = FeedState.CONNECTING
        self.feed_detail = ""
        self._cards: dict[str, Card] = {}
        self._running: dict[str, Intent] = {}  # a dict: its order is the order of the exits
        self._mismatched: set[InstrumentKey] = set()
        self._remembered_s = 0.0
        self._handlers: dict[type, Callable[[Any, float], list[Effect]]] = {
            Beat: self._beat,
            OrderUpdate: lambda m, now_s: self.desk.update(m.order, now_s),
            CommandOutcome: self.desk.outcome,
            BrokerReport: self._report,
            Command: self.dialogue.command,
            Tap: self.dialogue.tap,
            TradesLoaded: self._trades,
            InstrumentsLoaded: self.holdings.take_instruments,
            FeedChanged: self._feed,
            JournalState: self._journal,
            RulesChanged: self._rules,
        }

    # ----------------------------------------------------------------------------------- start

    def restore(self, journal: Mapping[str, Mapping[str, Mapping[str, Any]]], now_s: float) -> None:
        """Take over what the journal remembers; call once, before the first message.

        Exits of an earlier day are not continued (their day orders are dead): their positions are
        watched anew, from the trade store and the broker's truth.
        """
        today = intent_day(now_s)
        intents = {k: v for k, v in journal.get("intent", {}).items() if k.startswith(today)}
        orders = [v for v in journal.get("order", {}).values() if v["intent"] in intents]
        self.desk.restore(intents.values(), orders)
        self._running = {intent.id: intent for intent in self.desk.live()}
        self.helm.number_from(today, max((int(k[6:], 36) for k in intents), default=0))
        self.holdings.restore(journal.get("closed", {}), journal.get("memory", {}))
        self.dialogue.questions.restore(journal.get("confirmation", {}).values())
        self.helm.halted = bool(journal.get("setting", {}).get("halted", {}).get("on", False))

    # ---------------------------------------------------------------------------------- handle

    def handle(self, message: Message, now_s: float) -> list[Effect]:
        """Take in one message; give back what is to be done, in order."""
        if type(message) is Ticks:
            effects = self._ticks(message, now_s)
            return effects + self._after(now_s) if effects else effects  # mostly nothing happened
        return self._handlers[type(message)](message, now_s) + self._after(now_s)

    def _ticks(self, message: Ticks, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        if message.instant:
            for judgement in self.watch.instant(message.ticks, now_s):
                effects += self.helm.judged(judgement, now_s)
            return effects
        take = self.watch.tick
        for tick in message.ticks:
            if said := take(tick, now_s):
                for judgement in said:
                    effects += self.helm.judged(judgement, now_s)
        return effects

    def _beat(self, message: Beat, now_s: float) -> list[Effect]:
        match message.kind:
            case BeatKind.PULSE:
                return self._pulse(now_s)
            case BeatKind.SYNC:
                self.desk.ask(now_s, "sync")
                return [LoadTrades(), *self.desk.pulse(now_s)]
            case BeatKind.CLEAN:
                self.watch.book.keep(self.holdings.subscribed)
                return []
            case BeatKind.SESSION_OPEN:
                return [LoadTrades()]
            case BeatKind.SESSION_CLOSE | BeatKind.HEALTH:
                return []

    def _pulse(self, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        for position in [p for p, until_s in self.helm.snoozed.items() if now_s >= until_s]:
            del self.helm.snoozed[position]
            self.helm.release((position,))
        for judgement in self.watch.beat(now_s):
            effects += self.helm.judged(judgement, now_s)
        effects += self.dialogue.expire(now_s)
        effects += self.desk.pulse(now_s)
        if now_s - self._remembered_s >= REMEMBER_EVERY_S:
            self._remembered_s = now_s
            effects += self.holdings.remember()
        return effects

    def _trades(self, message: TradesLoaded, now_s: float) -> list[Effect]:
        if message.rows is None:
            text = f"{message.detail} What is known goes on being watched."
            return [Alert(Urgency.MEDIUM, "trade-store", "The trade store cannot be read", text)]
        return self.holdings.take_rows(message.rows, message.levels, now_s)

    def _rules(self, message: RulesChanged, now_s: float) -> list[Effect]:
        topic = f"rules-file:{message.version}"
        if message.rulebook is None:
            text = "\n".join((*message.faults, "It is refused whole; the rules in force stay as they are."))
            return [Alert(Urgency.MEDIUM, topic, "The rules file has faults", text)]
        self.watch.use(message.rulebook)
        effects = self.holdings.rearm(now_s)
        number = len(self.holdings.positions)
        text = f"{message.source} is in force, for {number} position{'s' * (number != 1)}."
        audit = Audit("rules changed", {"source": message.source, "version": message.version})
        return [audit, Alert(Urgency.NORMAL, topic, "The rules have changed", text), *effects]

    def _feed(self, message: FeedChanged, _now_s: float) -> list[Effect]:
        self.feed, self.feed_detail = message.state, message.detail
        effects: list[Effect] = [Audit("feed", {"state": message.state, "detail": message.detail})]
        if message.alarm:
            effects.append(Alert(Urgency.HIGH, "feed", "The price feed needs you", message.detail))
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

    def _report(self, message: BrokerReport, now_s: float) -> list[Effect]:
        effects = self.desk.report(message, now_s)
        if message.failed:
            if not self.helm.reconciled:
                text = f"{message.failed}. Until the broker answers, Prahari only alerts."
                effects.append(Alert(Urgency.HIGH, "reconcile", "The broker cannot be read", text))
            return effects
        if not self.helm.reconciled:
            self.helm.reconciled = True
            self.helm.release(self.holdings.positions)  # what was only told meanwhile is judged again
        return effects + self._compare(message)

    def _compare(self, report: BrokerReport) -> list[Effect]:
        """Tell of contracts in which store and broker differ, on the second report that says so."""
        if any(True for _ in self.desk.live()):
            return []
        found = differences(self.holdings.positions.values(), report)
        again = [d for d in found if d.key in self._mismatched]
        self._mismatched = {d.key for d in found}
        return [
            Alert(
                Urgency.HIGH if d.danger else Urgency.MEDIUM,
                f"mismatch:{d.key}:{d.ours}:{d.theirs}",
                "Trade store and broker disagree",
                d.text,
                d.positions[0],
            )
            for d in again
        ]

    # ---------------------------------------------------------------------------------- ending

    def _after(self, now_s: float) -> list[Effect]:
        """Follow up on exits: refresh the cards of those that run, finish those that ended."""
        effects: list[Effect] = []
        self._running |= {intent.id: intent for intent in self.desk.live()}
        for intent in list(self._running.values()):
            if intent.state.live:
                effects += self._show(exit_card(intent, None))
            else:
                del self._running[intent.id]
                effects += self._ended(intent, now_s)
        return effects

    def _ended(self, intent: Intent, now_s: float) -> list[Effect]:
        entries = self.holdings.entries(intent)
        card = exit_card(intent, realised_paise(intent, entries))
        effects: list[Effect] = []
        if intent.state is IntentState.FLAT:
            effects += self.holdings.close(intent, now_s)
        elif intent.state is IntentState.ABORTED:
            self.helm.release((intent.position,))
        return effects + self._show(card)

    def _show(self, card: Card) -> list[Effect]:
        if self._cards.get(card.nonce) == card:
            return []
        self._cards[card.nonce] = card
        return [card]
