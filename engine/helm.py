"""The helm: what is decided about a position, by rule or by hand, and what may be sent at all.

It owns mode, /stop and the state of the house; the desk below it owns the exits, the dialogue above
it the questions. Every order passes `Helm._permit` on its way out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.access import TOKEN_PLACE
from engine.bearings import Bearings
from engine.controls import Controls
from engine.dialogue import Dialogue
from engine.differences import Differences
from engine.effects import Alert, Audit, Effect, Record, Say
from engine.exits import ExitDesk
from engine.flattening import Flattening
from engine.forewarnings import Forewarnings
from engine.gate import Confirmation, Decision, decide, silence_of, snooze_s
from engine.holdings import Holdings
from engine.intents import Intent, IntentState, verdict_to_json
from engine.leashes import Leashes
from engine.model import Action, Mode, Urgency, Verdict
from engine.pricing import Touch
from engine.rules.base import Kind, Rank
from engine.rules.registry import rules
from engine.sessions import ist_date, session_text
from engine.starts import SCALING, Starts
from engine.tenure import LeaseTerms, Tenure
from engine.tuning import AskTuning, NetTuning, Tuning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from engine.messages import Actor
    from engine.model import InstrumentKey, PositionId
    from engine.sessions import Calendar
    from engine.watch import Judgement, Watchlist

__all__ = ["Helm", "MonitorConfig"]


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """What the machine is built from.

    Attributes:
        account: the account's name in correlation ids and the trade store.
        seed: secret chance for nonces, at least 16 bytes.
        made_up: bid and ask of a contract around a last price, for orders where a recording has no
            quotes; None = a source without quotes has none.
        tuning: how patient exits are.
        lease: as what to ask for the account's lease; None = nothing is sent to a broker from here.
        nets: which of the broker's own nets are wanted.
        store: which trade store the rows are in; empty = there is but one.
        token_place: the file that a new access token is to be written into, as a person finds it.
        asking: how questions are asked.
    """

    mode: Mode
    account: str
    sandbox: bool
    seed: bytes
    made_up: Callable[[InstrumentKey, int], tuple[int, int]] | None = None
    tuning: Tuning = field(default_factory=Tuning)
    lease: LeaseTerms | None = None
    nets: NetTuning = field(default_factory=NetTuning)
    store: str = ""
    token_place: str = TOKEN_PLACE
    asking: AskTuning = field(default_factory=AskTuning)


class Snooze(NamedTuple):
    """A position left alone until a moment, and from which rank on its rules are silent."""

    until_s: float
    silence: Rank


class Helm:
    """Mode, permission and decision for one account.

    Attributes:
        halted: /stop was given.
        tenure: whether the account is ours to act on.
        bearings: what has been read since it is.
        starts: starts what was decided.
        forewarnings: what waits for its stop to be told.
        trouble: why nothing may be sent (the journal fails); empty = nothing.
        killed: Dhan's kill switch is on.
        clock_doubt: why rules of the clock may only tell; empty = they may act.
        snoozed: positions left alone, and until when.
        leashes: positions of which little is told.
    """

    def __init__(self, config: MonitorConfig, calendar: Calendar, watch: Watchlist) -> None:
        self.config = config
        self.mode = config.mode
        self.calendar = calendar
        self.watch = watch
        self.tenure = Tenure(config.lease)
        self.desk = ExitDesk(
            config.account, self.touch, self._permit, config.tuning, calendar.is_open, self.tenure.why
        )
        self.differences = Differences(self.desk.blotter.ledger.quiet, config.mode)
        self.controls, self.flattening, self.killed = Controls(), Flattening(self), False
        self.holdings = Holdings(
            watch,
            paper=config.mode is Mode.SIMULATE,
            busy=lambda position: self.desk.of(position) is not None,
            exiting=lambda: [leg.key for intent in self.desk.live() for leg in intent.legs],
            silence=self._silence,
            store=config.store,
        )
        self.starts = Starts(self)
        self.leashes = Leashes(self)
        self.dialogue = Dialogue(self, config.seed)  # each wish to the room that is there by now
        self.halted = False
        self.bearings = Bearings()
        self.forewarnings = Forewarnings()
        self.trouble = ""
        self.clock_doubt = ""
        self.snoozed: dict[PositionId, Snooze] = {}
        self._intent_day = ""
        self._intent_count = 0

    def number_after(self, day: str, intents: Iterable[str]) -> None:
        """Go on numbering the day's intents after these, which journal or broker know.

        The broker may know more than the journal, if that was lost: a correlation id that is used twice
        would show an old fill as the new one.
        """
        last = max((int(name[6:], 36) for name in intents if name.startswith(day)), default=0)
        count = self._intent_count if day == self._intent_day else 0
        self._intent_day, self._intent_count = day, max(count, last)

    # --------------------------------------------------------------------------------- deciding

    def judged(self, judgement: Judgement, now_s: float) -> list[Effect]:
        """Let a verdict become what mode and state of the house allow."""
        position = self.holdings.positions[judgement.position]
        verdict = judgement.verdict
        effects: list[Effect] = [Audit("verdict", {"position": position.id, **verdict_to_json(verdict)})]
        if verdict.action is not Action.ALERT:
            effects += self.forewarnings.overtaken(position.id)
        running = self.desk.of(position.id)
        stopped = running is not None and running.state is IntentState.STOPPING and self.halted
        if running is not None and running.part is None and not stopped:
            joined = self.starts.join(position, verdict, now_s)
            gate = "the exit that runs is in a hurry now" if joined else "an exit is running already"
            self.watch.why.decided(position.id, verdict.rule, gate)
            return effects + joined
        hindrance = self._hindrance(verdict, now_s, position.id)
        decision = decide(self.mode, verdict, halted=self.halted, degraded=hindrance)
        if decision is Decision.ASK and self.dialogue.exits.acts_alone(position.id, verdict, now_s):
            decision = Decision.ACT
        gate = self.gate_words(decision, verdict, now_s, position.id)
        self.watch.why.decided(position.id, verdict.rule, gate)
        if decision is Decision.ACT:
            return effects + self.starts.exit(position, verdict, verdict.rule, None, now_s)
        if decision is Decision.ASK:
            return effects + self.dialogue.exits.ask((position,), verdict, now_s)[1]
        spent = verdict.rule == SCALING and self.mode is Mode.ALERT_ONLY
        if spent:
            effects += self.starts.spend(position.id, verdict)  # each level is told once, never done here
        topic = f"{verdict.rule}:{position.id}:{verdict.urgency}"
        note = self.why_only_told(verdict, now_s, position.id)
        title = f"{position.symbol} {position.strategy}"
        alert = Alert(verdict.urgency, topic, title, f"{verdict.reason}.{note}", position.id)
        if verdict.action is Action.ALERT and verdict.fraction >= 1 and verdict.urgency is Urgency.HIGH:
            return effects + self.forewarnings.put(position.id, alert, now_s)
        again = verdict.action is not Action.ALERT and not spent  # it will be judged again
        return effects + (self.bearings.put_off(alert, now_s) if again else [alert])

    def gate_words(
        self, decision: Decision, verdict: Verdict, now_s: float, position: PositionId | None = None
    ) -> str:
        """What became of a verdict, for the why log."""
        if decision is Decision.ACT:
            return "exit started"
        if decision is Decision.ASK:
            return "you were asked"
        return f"told you.{self.why_only_told(verdict, now_s, position)}".removesuffix(".")

    def why_only_told(self, verdict: Verdict, now_s: float, position: PositionId | None = None) -> str:
        """Why nothing was sent, as the end of an alert; nothing for what asks for nothing."""
        if verdict.action is Action.ALERT:
            return ""
        if self.halted:
            return " Automation is halted (/resume); nothing was sent."
        if degraded := self._hindrance(verdict, now_s, position):
            return f" Nothing was sent: {degraded}."
        return " Alert-only: nothing was sent."

    def exit_impossible(self, now_s: float) -> str:
        """Why a person's exit cannot be taken on now; empty = it can."""
        if self.mode is Mode.ALERT_ONLY:
            other = "restart in another mode" if self.config.mode is self.mode else "/mode raises it again"
            return f"Alert-only mode places no orders. Exit in Dhan's app, or {other}."
        if not self.holdings.positions and (unread := self.bearings.why()):
            return f"Not now: {unread}."  # not: there is no position
        return self._why_not_now(now_s)

    def _permit(self, intent: Intent | None, now_s: float) -> str:
        """The gate before every order: why this intent may not send now; empty = it may.

        None: not an exit but what takes back an order that nobody wants; /stop does not hinder that.
        """
        if self.config.mode is Mode.ALERT_ONLY:  # one that was lowered to it lets running exits end
            return "alert-only mode"
        if self.halted and intent is not None and intent.verdict.rule != "forced":
            return "automation is halted"
        return self._why_not_now(now_s)

    def _why_not_now(self, now_s: float) -> str:
        if not self.calendar.is_open(now_s):
            return "The market is closed: " + session_text(self.calendar, now_s)
        unfit = self._unfit(now_s)
        return f"Not now: {unfit}." if unfit else ""

    def _hindrance(self, verdict: Verdict, now_s: float, position: PositionId | None = None) -> str:
        """Why this verdict may only be told at the moment; empty = it may act."""
        if degraded := self.degraded(now_s, position):
            return degraded
        rule = rules().get(verdict.rule)
        return self.clock_doubt if rule is not None and rule.kind is Kind.CLOCK else ""

    def degraded(self, now_s: float, position: PositionId | None = None) -> str:
        """Why rules only tell at the moment, at all or of this position; empty = the machine is whole."""
        if why := self._unfit(now_s) or self.bearings.why():
            return why
        return self.held_out(position)[0] if position is not None else ""

    def _unfit(self, now_s: float) -> str:
        """Why nothing may be sent at all, of exits that run neither; empty = it may.

        The trade store is not among the reasons: an exit never waits for it.
        """
        if self.trouble:
            return self.trouble
        if why := self.tenure.why(now_s):
            return why
        if self.killed:
            return "Dhan's kill switch is on"
        if not self.calendar.covers(ist_date(now_s)):
            return session_text(self.calendar, now_s)
        return self.bearings.no_books()

    def held_out(self, position: PositionId) -> tuple[str, str]:
        """Why a position's automation is held, in short and in full; empty = it is not."""
        if self.differences.unwatched(position):
            return "you have stopped watching this position", self.differences.told(position)
        if full := self.differences.why(position):
            return "trade store and broker disagree about this position", full
        if full := self.holdings.changed.get(position, ""):
            return "a contract of this position has changed", full
        return "", ""

    # ----------------------------------------------------------------------------- stop, resume

    def halt(self, by: Actor, now_s: float) -> list[Effect]:
        """/stop: no automatic exits, own working orders cancelled, positions stay."""
        self.halted = True
        orders = sum(len(intent.live_orders()) for intent in self.desk.live())
        cancelled = f"{orders} working order{'s' * (orders != 1)} of ours" if orders else "No order of ours"
        is_are = "is" if orders < 2 else "are"
        told = (
            f"Automation is halted. {cancelled} {is_are} {'being cancelled' if orders else 'working'}. "
            f"All positions stay as they are: {len(self.holdings.positions)} open, still watched, "
            "alerts go on. /exit still works; /resume lets the rules act again."
        )
        if why := self.tenure.why(now_s):
            told += f" From here nothing is sent, no cancel either: {why}."
        record = Record("setting", "halted", {"on": True, "by": by.name, "at_s": now_s})
        # The reply stands first: the chat sends a few messages a second, and this one is waited for.
        said: Effect = Say(by, told)
        if not by.chat_id:  # from the command line of the host: people in the chat must know
            said = Alert(Urgency.HIGH, "halted", f"Automation was halted by {by.name}", told)
        effects: list[Effect] = [record, said, *self.flattening.stop(), *self.desk.stop(now_s)]
        effects += self.dialogue.keys.cancel(f"Cancelled by {by.name}'s /stop.")
        return effects + self.dialogue.withdraw("Automation was halted; nothing was sent.")

    def unhalt(self, by: Actor, now_s: float) -> list[Effect]:
        """/resume, confirmed: rules act again, also those of positions that were held."""
        self.halted = False
        taken = self.take_over(tuple(self.holdings.positions), now_s)
        return [Record("setting", "halted", {"on": False, "by": by.name}), *taken]

    def take_over(self, positions: Collection[PositionId], now_s: float) -> list[Effect]:
        """The owner has seen why these were held: they are gone by as they are now."""
        taken = [*self.differences.take_over(positions), *self.holdings.take_master(positions, now_s)]
        self.release(positions)
        return taken

    def unanswered(self, asked: Confirmation, now_s: float) -> list[Effect]:
        """Nobody answered: a loss is asked about again at once and loudly, the rest is left alone."""
        if asked.forced or asked.verdict is None:
            return []
        if asked.verdict.action is not Action.CLOSE_IMMEDIATELY:
            self.leave_alone(asked, now_s)
            return []
        self.release(asked.positions)
        return self.dialogue.exits.in_vain(asked, asked.verdict, now_s)

    def leave_alone(self, asked: Confirmation, now_s: float) -> None:
        """Do not judge these positions again for a while (forced questions leave no trace)."""
        if asked.forced:
            return
        for position in asked.positions:
            self.snoozed[position] = Snooze(now_s + snooze_s(asked.verdict), silence_of(asked.verdict))
            self.release((position,))

    def release(self, positions: Iterable[PositionId]) -> None:
        """Judge these again, as far as no exit, no question and no answer silences their rules."""
        for position in positions:
            if position not in self.holdings.positions:
                continue
            rank = self._silence(position)
            if rank is None:
                self.watch.release(position)
            else:
                self.watch.hold(position, rank)

    def found(self) -> None:
        """The books or the rows are read: with the last of them, what was only told is judged again."""
        if self.bearings.found:
            self.release(self.holdings.positions)

    def wake(self, now_s: float) -> None:
        """Judge those again whose snooze is over."""
        for position in [p for p, snooze in self.snoozed.items() if now_s >= snooze.until_s]:
            del self.snoozed[position]
            self.release((position,))

    def _silence(self, position: PositionId) -> Rank | None:
        """From which rank on rules are silent: an exit or a question is open, declined, or stuck."""
        if self.differences.unwatched(position):
            return Rank.FORCED
        last = self.desk.last_of(position)
        if last is not None and last.state is IntentState.STUCK:
            return silence_of(last.verdict) if last.part is not None else Rank.FORCED
        ranks = [silence_of(last.verdict)] if last is not None and last.state.live else []
        ranks += [silence_of(asked.verdict) for asked in self.dialogue.questions.about(position)]
        if position in self.snoozed:
            ranks.append(self.snoozed[position].silence)
        return min(ranks, default=None)

    # -------------------------------------------------------------------------------- plumbing

    def touch(self, key: InstrumentKey) -> Touch:
        """The best prices of a contract now; all unknown when it was never quoted."""
        tick, arrived_s = self.watch.book.get(key), self.watch.book.arrived_s(key)
        if tick is None or arrived_s is None:
            return Touch(None, None, 0)
        bid, ask = tick.bid_paise, tick.ask_paise
        if bid is None and ask is None and self.config.made_up is not None:
            bid, ask = self.config.made_up(key, tick.ltp_paise)
        return Touch(bid, ask, tick.ltp_paise, arrived_s, self.watch.fair_paise(key))

    def next_intent(self, now_s: float) -> str:
        """The id of an exit that begins now: its day in India and its number in it."""
        day = intent_day(now_s)
        if day != self._intent_day:
            self._intent_day, self._intent_count = day, 0
        self._intent_count += 1
        return day + _base36(self._intent_count)


def intent_day(now_s: float) -> str:
    """The day in India as intent ids begin with it: ``yymmdd``."""
    return ist_date(now_s).strftime("%y%m%d")


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number // 1296 % 36] + digits[number // 36 % 36] + digits[number % 36]
