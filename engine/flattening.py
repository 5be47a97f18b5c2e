"""Carries out the wish to be flat: starts its exits, reads, sends, keeps and tells each step.

What comes next is decided in `engine.flatten`; here it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert, Answer, Ask, Audit, Card, ControlAccount, QueryControls, Record, Say
from engine.flatten import Flatten, Look, Step, judge, units_of
from engine.flatten_words import STEPS, WORD, flatten_card, question_lines, usage
from engine.gate import Status
from engine.messages import Accepted, Refused, Verb, Wish
from engine.model import Action, Mode, Urgency, Verdict
from engine.refusals import Remedy, remedy
from engine.rules.day_limits import DAY_RULES
from engine.sessions import ist_date
from engine.tightening import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from engine.controls import ControlState, Held
    from engine.effects import Effect
    from engine.gate import Confirmation
    from engine.helm import Helm
    from engine.messages import Command, CommandOutcome, Tap
    from engine.model import Position

__all__ = ["Flattening"]

#: How often the books are read while a step waits for them.
READ_EVERY_S = 2.0
REASON = "Flatten everything, asked for by you"


class Flattening:
    """The one wish of the account to be flat, if there is one.

    Args:
        helm: whose positions, exits, mode and settings these are.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._wanted = helm.config.nets
        self._all: dict[str, Flatten] = {}
        self._named: dict[str, tuple[str, ...]] = {}  # question -> rows that are not ours
        self._waiting: tuple[Command, int] | None = None
        self._need = (0, 0)  # reads up to these numbers are too old
        self._read_s = 0.0

    def restore(self, rows: Mapping[str, Mapping[str, Any]], now_s: float) -> None:
        """Take over what the journal remembers; a step that was begun is gone on with."""
        self._all = {name: Flatten.from_json(row, now_s) for name, row in rows.items()}

    @property
    def running(self) -> Flatten | None:
        """The wish that has not ended."""
        return next((wish for wish in self._all.values() if wish.step.live), None)

    @property
    def _paper(self) -> bool:
        return self._helm.mode is Mode.SIMULATE

    # --------------------------------------------------------------------------------- asking

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """/flatten: say what it would do, or ask about it once the word is typed."""
        if why := self._helm.exit_impossible(now_s):
            return [Say(command.by, why)]
        if self.running is not None:
            return [Say(command.by, "The account is being flattened already; its card tells how far it is.")]
        if command.value.casefold() != WORD:
            return [Say(command.by, usage(self._wanted, paper=self._paper))]
        if self._paper:
            return self._ask((), now_s)
        number = self._helm.controls.next_request()
        self._waiting = command, number
        return [QueryControls(number)]

    def take(self, state: ControlState, now_s: float) -> list[Effect]:
        """An answer about the account: the question that waits for it can be asked now."""
        if self._waiting is None or state.request < self._waiting[1]:
            return []
        command, self._waiting = self._waiting[0], None
        if why := self._helm.exit_impossible(now_s):
            return [Say(command.by, why)]
        if state.held is None:
            return [Say(command.by, f"Dhan's positions cannot be read: {state.failed}. Nothing was done.")]
        own = self._own()
        return self._ask(tuple(row for row in state.open_rows if row.key not in own), now_s)

    def _ask(self, others: tuple[Held, ...], now_s: float) -> list[Effect]:
        positions = tuple(self._helm.holdings.positions.values())
        questions = self._helm.dialogue.questions
        asked, record = questions.issue(
            Wish.FLATTEN, (), fingerprint(positions), None, "Flatten everything", now_s, forced=True
        )
        self._named[asked.nonce] = tuple(row.name for row in others) if self._wanted.exit_all else ()
        lines = question_lines(list(map(_name, positions)), others, self._wanted, paper=self._paper)
        ask = Ask(
            asked.nonce, Wish.FLATTEN, "Flatten everything" + (" (on paper)?" if self._paper else "?"),
            lines, asked.expires_s, Urgency.HIGH, "Flatten everything", "Cancel", drastic=True,
        )  # fmt: skip
        return [record, ask]

    def confirm(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes was pressed."""
        helm, others = self._helm, self._named.pop(asked.nonce, None)
        positions = tuple(helm.holdings.positions.values())
        why = helm.exit_impossible(now_s)
        if not why and self.running is not None:
            why = "The account is being flattened already."
        if not why and others is None:
            why = "The monitor was restarted since you were asked. Ask again with /flatten."
        if not why and fingerprint(positions) != asked.legs:
            why = "The positions have changed since you were asked. Ask again with /flatten."
        questions = helm.dialogue.questions
        if why or others is None:
            void = Card(asked.nonce, f"Not done: {asked.title}", (why,), final=True)
            return [questions.settle(asked, Status.WITHDRAWN), Answer(tap.callback_id, why, alarm=True), void]
        settle = questions.settle(asked, Status.CONFIRMED)
        begun = self._begin(tap.by.name, asked.nonce, Step.EXITS, others, now_s)
        return [settle, Answer(tap.callback_id, "Flattening."), *begun]

    # ---------------------------------------------------------------------------------- doing

    def after_limit(self, now_s: float) -> list[Effect]:
        """A day limit has closed the last position: the kill switch, where it is wanted, once a day."""
        name = f"{ist_date(now_s)}-limit"
        silent = self._paper or self._helm.mode is Mode.ALERT_ONLY
        if not self._wanted.kill_after_flat or silent or name in self._all or self.running:
            return []
        helm = self._helm
        limits = [i for i in helm.desk.intents.values() if i.verdict.rule in DAY_RULES and i.state.flat]
        ended = [i for i in limits if ist_date(i.created_s) == ist_date(now_s)]  # not of a limit of yesterday
        open_still = helm.holdings.positions or not helm.holdings.known or any(True for _ in helm.desk.live())
        if not ended or open_still or not helm.calendar.is_open(now_s) or helm.halted or helm.killed:
            return []
        return self._begin(ended[-1].verdict.rule, name, Step.VERIFY, (), now_s, name)

    def _begin(
        self, by: str, card: str, step: Step, others: tuple[str, ...], now_s: float, name: str = ""
    ) -> list[Effect]:
        kill = self._wanted.kill_after_flat and not self._paper
        own = tuple(sorted(self._own()))
        name = name or f"{ist_date(now_s)}-{len(self._all) + 1}"
        wish = Flatten(name, by, now_s, step, others, own, kill, card, since_s=now_s)
        self._all[name] = wish
        audit = Audit("flatten", {"by": by, "others": list(others), "kill": kill})
        return [audit, *self._entered(wish, now_s), *self._start_exits(wish, now_s)]

    def stop(self, why: str = "Stopped by hand") -> list[Effect]:
        """/stop, or a lowered mode: nothing more is begun; what has been sent cannot be taken back."""
        self._waiting = None
        wish = self.running
        if wish is None:
            return []
        sent = " Its last command had left already." if wish.sent_s is not None else ""
        wish.note = f"{why}.{sent}"
        wish.step = Step.STOPPED
        return self._kept(wish)

    def overtaken(self) -> list[Effect]:
        """Another monitor had the account meanwhile: what there is now is not what was asked about."""
        self._waiting = None
        wish, note = self.running, "Another monitor had the account meanwhile"
        return [] if wish is None else self._end(wish, Step.STUCK, note)

    def turn(self, now_s: float) -> list[Effect]:
        """Go as far as it goes now."""
        wish, helm = self.running, self._helm
        if wish is None or helm.tenure.why(now_s) or helm.bearings.no_books() or not helm.holdings.known:
            return []
        if ist_date(wish.begun_s) != ist_date(now_s):
            return self._end(wish, Step.STUCK, "It was not finished on its day")
        effects = self._start_exits(wish, now_s) if wish.step is Step.EXITS else []
        move = judge(wish, self._look(wish), now_s)
        if move.send is not None:
            return effects + self._send(wish, move.send, now_s)
        if move.step is not None and not move.step.live:
            return effects + self._end(wish, move.step, move.note)
        if move.step is not None:
            wish.enter(move.step, now_s, move.note)
            return effects + self._entered(wish, now_s)
        return effects + self._read(wish, now_s)

    def outcome(self, message: CommandOutcome, now_s: float) -> list[Effect]:
        """What became of a command: taken goes on, refused ends or is tried again, unknown is read back."""
        wish, said = self.running, message.outcome
        if wish is None or message.correlation_id != wish.id or wish.sent_s is None:
            return []
        audit = Audit("flatten outcome", {"verb": message.verb, "said": repr(said)})
        self._forget_reads(now_s)
        if isinstance(said, Accepted):
            wish.enter(Step.VERIFY if message.verb is Verb.EXIT_ALL else Step.CONFIRM, now_s)
            return [audit, *self._entered(wish, now_s)]
        if isinstance(said, Refused):
            if remedy(said.code, said.reason) is Remedy.WAIT and wish.tries < 3:
                return [audit]  # it is looked at, and tried again, as if nobody had answered
            return [audit, *self._end(wish, Step.STUCK, f"Refused: {said.reason or said.code}")]
        return [audit]

    def _send(self, wish: Flatten, verb: Verb, now_s: float) -> list[Effect]:
        wish.sent_s, wish.tries, wish.reads = now_s, wish.tries + 1, 0
        state = self._helm.controls.state
        wish.before = units_of(state.open_rows) if state is not None and verb is Verb.EXIT_ALL else {}
        self._forget_reads(now_s)
        return [*self._kept(wish), Audit("flatten sends", {"verb": verb}), ControlAccount(verb, wish.id)]

    def _start_exits(self, wish: Flatten, now_s: float) -> list[Effect]:
        """One forced exit of every position, those that came meanwhile too; a running one is hurried."""
        effects: list[Effect] = []
        helm = self._helm
        if wish.step is not Step.EXITS:
            return effects
        for position in list(helm.holdings.positions.values()):
            last = helm.desk.last_of(position.id)
            done = last is not None and last.created_s >= wish.begun_s and not last.state.live
            if not done and not helm.starts.exiting(position.id):
                effects += helm.starts.exit(position, _forced(), wish.by, None, now_s, quiet=True)
        return effects

    def _look(self, wish: Flatten) -> Look:
        helm, (books, controls) = self._helm, self._need
        report = helm.desk.blotter.ledger.report
        live = [intent.position for intent in helm.desk.live()]
        left = [_name(p) for p in helm.holdings.positions.values() if p.id not in live]
        return Look(
            report if report is not None and report.request > books else None,
            helm.controls.since(controls),
            len(helm.desk.blotter.live()),
            len(live),
            tuple(left) if wish.step is Step.EXITS else (),
            paper=self._paper,
        )

    def _read(self, wish: Flatten, now_s: float) -> list[Effect]:
        """Ask for what the step waits for; its own exits read the books themselves."""
        if wish.step is Step.EXITS or now_s < self._read_s + READ_EVERY_S:
            return []
        self._read_s = now_s
        self._helm.desk.ask(now_s, "flatten")
        asked = [] if self._paper else [QueryControls(self._helm.controls.next_request())]
        return [*asked, *self._helm.desk.pulse(now_s)]

    def _forget_reads(self, now_s: float) -> None:
        """Something was done: only what is asked from now on counts, and it is asked at once."""
        self._need = self._helm.desk.blotter.ledger.asked, self._helm.controls.asked
        self._read_s = now_s - READ_EVERY_S

    def _own(self) -> set[int]:
        """The contracts of our positions, those too that were closed today."""
        held = self._helm.holdings.positions.values()
        closed = [leg.key for intent in self._helm.desk.intents.values() for leg in intent.legs]
        return {leg.key for position in held for leg in position.legs} | set(closed)

    # -------------------------------------------------------------------------------- telling

    def _entered(self, wish: Flatten, now_s: float) -> list[Effect]:
        self._forget_reads(now_s)
        return self._kept(wish)

    def _kept(self, wish: Flatten) -> list[Effect]:
        return [Record("flatten", wish.id, wish.to_json()), flatten_card(wish, paper=self._paper)]

    def _end(self, wish: Flatten, step: Step, note: str) -> list[Effect]:
        reached = wish.step
        wish.step, wish.note = step, note
        effects = [*self._kept(wish), Audit("flatten ends", {"step": step, "at": reached, "note": note})]
        if step is Step.STUCK:
            text = f"At “{STEPS[reached]}”: {note}. Nothing more is sent for it; look at the broker now."
            topic = f"flatten:{wish.id}"
            return [*effects, Alert(Urgency.HIGH, topic, "The account could not be flattened", text)]
        if wish.kill:
            text = "The account is verified flat. No order is taken until you end it in Dhan's app."
            effects.append(Alert(Urgency.MEDIUM, f"flatten:{wish.id}", "Dhan's kill switch is on", text))
        return effects


def _forced() -> Verdict:
    return Verdict("forced", Action.CLOSE_IMMEDIATELY, Urgency.HIGH, None, None, 1.0, REASON)


def _name(position: Position) -> str:
    return f"{position.strategy_id} {position.symbol} {position.strategy}"
