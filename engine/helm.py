"""The helm: what is decided about a position, by rule or by hand, and what may be sent at all.

It owns mode, /stop and the state of the house; the desk below it owns the exits, the dialogue above
it the questions. Every order passes `Helm._permit` on its way out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.dialogue import Dialogue
from engine.exits import ExitDesk
from engine.gate import Confirmation, Decision, decide, snooze_s
from engine.holdings import Holdings
from engine.intents import Intent, IntentState, verdict_to_json
from engine.messages import Alert, Audit, Effect, Record, Say
from engine.model import Action, Mode, Urgency, Verdict
from engine.picture import session_text
from engine.plan import plan_exit
from engine.pricing import Style, Touch
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.messages import Actor
    from engine.model import InstrumentKey, Position, PositionId
    from engine.sessions import Calendar
    from engine.watch import Judgement, Watchlist

__all__ = ["Helm", "MonitorConfig"]

URGENT_RULES = frozenset({"forced", "expiry_exit", "trailing_stop", "lock_profit"})


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


class Helm:
    """Mode, permission and decision for one account.

    Attributes:
        halted: /stop was given.
        reconciled: the broker's truth was read since the start.
        trouble: why nothing may be sent (the journal fails); empty = nothing.
        snoozed: positions left alone, and until when.
    """

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
        self.snoozed: dict[PositionId, float] = {}
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
            Style.URGENT if urgent else Style.PATIENT,
            plan_exit(position, self.desk.unfinished(position.id)), by, card or intent_id, now_s,
        )  # fmt: skip
        effects = self.desk.open(intent, now_s)
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
        effects += self.dialogue.withdraw("Automation was halted; nothing was sent.")
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

    # -------------------------------------------------------------------------------- plumbing

    def touch(self, key: InstrumentKey) -> Touch:
        """The best prices of a contract now; all unknown when it was never quoted."""
        tick = self.watch.book.get(key)
        if tick is None:
            return Touch(None, None, 0)
        return Touch(tick.bid_paise, tick.ask_paise, tick.ltp_paise)

    def _next_intent(self, now_s: float) -> str:
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
