"""The machine: one short method per message, all state owned here, all arithmetic elsewhere.

``handle(message, now_s)`` takes one thing that happened and returns what is to be done. The same
messages at the same moments give the same effects, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.cards import exit_card, realised_paise
from engine.dialogue import Dialogue
from engine.exits import ExitDesk
from engine.gate import Confirmation, Decision, decide, snooze_s
from engine.holdings import Holdings
from engine.intents import Intent, IntentState, verdict_to_json
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
    Record,
    Say,
    Tap,
    Ticks,
    TradesLoaded,
)
from engine.model import Action, Mode, Urgency, Verdict
from engine.picture import session_text
from engine.plan import plan_exit
from engine.pricing import Style, Touch
from engine.reconcile import differences
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.messages import Actor
    from engine.model import InstrumentKey, Position, PositionId
    from engine.sessions import Calendar
    from engine.watch import Judgement, Watchlist

__all__ = ["Monitor", "MonitorConfig"]

URGENT_RULES = frozenset({"forced", "expiry_exit", "trailing_stop", "lock_profit"})
REMEMBER_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """What the machine is built from.

    Attributes:
        account: the account's name in correlation ids and the trade store.
        seed: secret chance for nonces, at least 16 bytes.
    """

    mode: Mode
    account: str
    sandbox: bool
    seed: bytes


class Monitor:
    """The one owner of everything the house knows between two messages."""

    def __init__(self, config: MonitorConfig, calendar: Calendar, watch: Watchlist) -> None:
        self.config = config
        self.mode = config.mode
        self.calendar = calendar
        self.watch = watch
        self.desk = ExitDesk(config.account, self.touch, self._permit)
        self.dialogue = Dialogue(self, config.seed)
        self.holdings = Holdings(
            watch,
            paper=config.mode is Mode.SIMULATE,
            busy=lambda position: self.desk.of(position) is not None,
            quiet=self._quiet,
        )
        self.halted = False
        self.reconciled = False
        self.trouble = ""
        self.feed = FeedState.CONNECTING
        self.feed_detail = ""
        self.snoozed: dict[PositionId, float] = {}
        self._cards: dict[str, Card] = {}
        self._running: set[str] = set()
        self._mismatched: set[InstrumentKey] = set()
        self._intent_day = ""
        self._intent_count = 0
        self._remembered_s = 0.0
        self._handlers: dict[type, Callable[[Any, float], list[Effect]]] = {
            Ticks: self._ticks,
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
        }

    # ----------------------------------------------------------------------------------- start

    def restore(self, journal: Mapping[str, Mapping[str, Mapping[str, Any]]], now_s: float) -> None:
        """Take over what the journal remembers; call once, before the first message.

        Exits of an earlier day are not continued (their day orders are dead): their positions are
        watched anew, from the trade store and the broker's truth.
        """
        today = self._day(now_s)
        intents = {k: v for k, v in journal.get("intent", {}).items() if k.startswith(today)}
        orders = [v for v in journal.get("order", {}).values() if v["intent"] in intents]
        self.desk.restore(intents.values(), orders)
        self._running = {intent.id for intent in self.desk.live()}
        self._intent_day = today
        self._intent_count = max((int(k[6:], 36) for k in intents), default=0)
        self.holdings.restore(journal.get("closed", {}), journal.get("memory", {}))
        self.dialogue.questions.restore(journal.get("confirmation", {}).values())
        self.halted = bool(journal.get("setting", {}).get("halted", {}).get("on", False))

    # ---------------------------------------------------------------------------------- handle

    def handle(self, message: Message, now_s: float) -> list[Effect]:
        """Take in one message; give back what is to be done, in order."""
        effects = self._handlers[type(message)](message, now_s)
        if not effects and isinstance(message, Ticks):
            return effects  # the hot path: nothing happened, nothing to follow up
        return effects + self._after(now_s)

    def _ticks(self, message: Ticks, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        if message.instant:
            for judgement in self.watch.instant(message.ticks, now_s):
                effects += self._judged(judgement, now_s)
            return effects
        for tick in message.ticks:
            for judgement in self.watch.tick(tick, now_s):
                effects += self._judged(judgement, now_s)
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
        for position in [p for p, until_s in self.snoozed.items() if now_s >= until_s]:
            del self.snoozed[position]
            self.release((position,))
        for judgement in self.watch.beat(now_s):
            effects += self._judged(judgement, now_s)
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
        return self.holdings.take_rows(message.rows, now_s)

    def _feed(self, message: FeedChanged, _now_s: float) -> list[Effect]:
        self.feed, self.feed_detail = message.state, message.detail
        effects: list[Effect] = [Audit("feed", {"state": message.state, "detail": message.detail})]
        if message.alarm:
            effects.append(Alert(Urgency.HIGH, "feed", "The price feed needs you", message.detail))
        return effects

    def _journal(self, message: JournalState, _now_s: float) -> list[Effect]:
        if not message.failed:
            self.trouble = ""
            return [
                Alert(Urgency.MEDIUM, "journal-back", "The journal works again", "Orders may be sent again.")
            ]
        self.trouble = f"the journal cannot be written ({message.failed})"
        text = f"{message.failed}. Nothing is sent to the broker until it can be written again."
        return [Alert(Urgency.HIGH, "journal", "The journal cannot be written", text)]

    def _report(self, message: BrokerReport, now_s: float) -> list[Effect]:
        effects = self.desk.report(message, now_s)
        if message.failed:
            if not self.reconciled:
                text = f"{message.failed}. Until the broker answers, Prahari only alerts."
                effects.append(Alert(Urgency.HIGH, "reconcile", "The broker cannot be read", text))
            return effects
        self.reconciled = True
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

    # --------------------------------------------------------------------------------- deciding

    def _judged(self, judgement: Judgement, now_s: float) -> list[Effect]:
        position = self.holdings.positions[judgement.position]
        verdict = judgement.verdict
        effects: list[Effect] = [Audit("verdict", {"position": position.id, **verdict_to_json(verdict)})]
        decision = decide(self.mode, verdict, halted=self.halted, degraded=self.degraded)
        if decision is Decision.ACT:
            return effects + self.start_exit(position, verdict, verdict.rule, None, now_s)
        if decision is Decision.ASK:
            return effects + self.dialogue.ask_exit((position,), verdict, now_s)
        topic = f"{verdict.rule}:{position.id}:{verdict.urgency}"
        note = self._why_only_told(verdict)
        title = f"{position.symbol} {position.strategy}"
        return [*effects, Alert(verdict.urgency, topic, title, verdict.reason + note, position.id)]

    def _why_only_told(self, verdict: Verdict) -> str:
        if verdict.action is Action.ALERT:
            return ""
        if self.halted:
            return " Automation is halted (/resume); nothing was sent."
        if self.degraded:
            return f" Nothing was sent: {self.degraded}."
        return " Alert-only: nothing was sent."

    def start_exit(
        self, position: Position, verdict: Verdict, by: str, card: str | None, now_s: float
    ) -> list[Effect]:
        """Decide an exit; a position that is exiting already keeps its running exit."""
        if self.desk.of(position.id) is not None:
            return []
        self.watch.hold(position.id)
        self.snoozed.pop(position.id, None)
        urgent = verdict.action is Action.CLOSE_IMMEDIATELY or verdict.rule in URGENT_RULES
        intent_id = self._next_intent(now_s)
        intent = Intent(
            intent_id, position.id, position.account, f"{position.symbol} {position.strategy}", verdict,
            Style.URGENT if urgent else Style.PATIENT, plan_exit(position), by, card or intent_id, now_s,
        )  # fmt: skip
        effects = self.desk.open(intent, now_s)
        self._running.add(intent_id)
        if verdict.rule != "forced":
            text = f"{verdict.reason} Exit {intent_id} is running."
            topic = f"{verdict.rule}:{position.id}:exit"
            effects.append(Alert(verdict.urgency, topic, intent.title, text, position.id))
        return effects

    def exit_impossible(self, now_s: float) -> str:
        """Why a person's exit cannot be taken on now; empty = it can."""
        if self.mode is Mode.ALERT_ONLY:
            return "Alert-only mode places no orders. Exit in Dhan's app, or restart in another mode."
        return self._why_not_now(now_s)

    def _permit(self, intent: Intent, now_s: float) -> str:
        """The gate before every order: why this intent may not send now; empty = it may."""
        if self.mode is Mode.ALERT_ONLY:
            return "alert-only mode"
        if self.halted and intent.verdict.rule != "forced":
            return "automation is halted"
        return self._why_not_now(now_s)

    def _why_not_now(self, now_s: float) -> str:
        if not self.calendar.is_open(now_s):
            return "The market is closed: " + session_text(self.calendar, now_s)
        return f"Not now: {self.degraded}." if self.degraded else ""

    @property
    def degraded(self) -> str:
        """Why the machine only alerts at the moment; empty = it is whole."""
        if self.trouble:
            return self.trouble
        return "" if self.reconciled else "the broker's positions have not been read yet"

    # ----------------------------------------------------------------------------- stop, resume

    def halt(self, by: Actor, now_s: float) -> list[Effect]:
        """/stop: no automatic exits, own working orders cancelled, positions stay."""
        self.halted = True
        running = list(self.desk.live())
        effects: list[Effect] = [Record("setting", "halted", {"on": True, "by": by.name, "at_s": now_s})]
        effects += self.desk.stop(now_s)
        orders = sum(len(i.live_orders()) for i in running)
        told = (
            f"Automation is halted. {orders} working order{'s' * (orders != 1)} of ours being cancelled. "
            f"All positions stay as they are: {len(self.holdings.positions)} open, still watched, "
            "alerts go on. /exit still works. /resume starts the rules again."
        )
        return [*effects, Say(by, told)]

    def unhalt(self, by: Actor) -> list[Effect]:
        """/resume, confirmed: rules act again."""
        self.halted = False
        self.release(self.holdings.positions)
        record = Record("setting", "halted", {"on": False, "by": by.name})
        return [record, Say(by, f"Automation is running again, mode {self.mode}.")]

    def unanswered(self, asked: Confirmation, now_s: float) -> list[Effect]:
        """Nobody answered: a loss is asked about again at once and loudly, the rest is left alone."""
        if asked.forced or asked.verdict is None:
            return []
        if asked.verdict.action is not Action.CLOSE_IMMEDIATELY:
            self.leave_alone(asked, now_s)
            return []
        self.release(asked.positions)
        text = (
            f"{asked.title}: {asked.verdict.reason} Nobody answered, nothing was sent; you are asked again."
        )
        topic = f"unanswered:{asked.nonce}"
        return [Alert(Urgency.HIGH, topic, "A stop waits for your answer", text, asked.positions[0])]

    def leave_alone(self, asked: Confirmation, now_s: float) -> None:
        """Do not judge these positions again for a while (forced questions leave no trace)."""
        if asked.forced:
            return
        for position in asked.positions:
            self.snoozed[position] = now_s + snooze_s(asked.verdict)

    def release(self, positions: Iterable[PositionId]) -> None:
        """Judge these again, unless an exit or a question is running for them."""
        for position in positions:
            if position in self.holdings.positions and not self._quiet(position):
                self.watch.release(position)

    def _quiet(self, position: PositionId) -> bool:
        """Not to be judged now: an exit or a question is open, it was declined, or it is stuck."""
        last = self.desk.last_of(position)
        if last is not None and (last.state.live or last.state is IntentState.STUCK):
            return True
        return position in self.snoozed or self.dialogue.questions.held(position)

    # ---------------------------------------------------------------------------------- ending

    def _after(self, now_s: float) -> list[Effect]:
        """Follow up on exits: refresh the cards of those that run, finish those that ended."""
        effects: list[Effect] = []
        for intent in [self.desk.intents[name] for name in self._running]:
            if intent.state.live:
                effects += self._show(exit_card(intent, self._pnl(intent.position, now_s)))
            else:
                self._running.discard(intent.id)
                effects += self._ended(intent, now_s)
        return effects

    def _pnl(self, position: PositionId, now_s: float) -> int | None:
        if position not in self.holdings.positions:  # after a restart, before the store was read
            return None
        return self.watch.figures(position, now_s).pnl_paise

    def _ended(self, intent: Intent, now_s: float) -> list[Effect]:
        entries = self.holdings.entries(intent)
        card = exit_card(intent, realised_paise(intent, entries))
        effects: list[Effect] = []
        if intent.state is IntentState.FLAT:
            effects += self.holdings.close(intent, now_s)
        elif intent.state is IntentState.ABORTED:
            self.release((intent.position,))
        return effects + self._show(card)

    def _show(self, card: Card) -> list[Effect]:
        if self._cards.get(card.nonce) == card:
            return []
        self._cards[card.nonce] = card
        return [card]

    # -------------------------------------------------------------------------------- plumbing

    def touch(self, key: InstrumentKey) -> Touch:
        """The best prices of a contract now; all unknown when it was never quoted."""
        tick = self.watch.book.get(key)
        if tick is None:
            return Touch(None, None, 0)
        return Touch(tick.bid_paise, tick.ask_paise, tick.ltp_paise)

    def _next_intent(self, now_s: float) -> str:
        day = self._day(now_s)
        if day != self._intent_day:
            self._intent_day, self._intent_count = day, 0
        self._intent_count += 1
        return day + _base36(self._intent_count)

    def _day(self, now_s: float) -> str:
        return ist_date(now_s).strftime("%y%m%d")


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number // 1296 % 36] + digits[number // 36 % 36] + digits[number % 36]
