"""What people ask for, and what they answer: commands and taps, turned into exits or a word back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from engine.cards import preview_lines
from engine.effects import Answer, Ask, Audit, Card, Say
from engine.gate import Confirmation, Questions, Status, silence_of
from engine.intents import IntentState
from engine.margin import Forecasts
from engine.messages import Wish
from engine.model import Action, Mode, Urgency, Verdict
from engine.money import signed_rupees
from engine.offers import Offers
from engine.rules.base import in_words
from engine.settling import SETTLES, Settling
from engine.tightening import Tightening, fingerprint

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.helm import Helm
    from engine.intents import LegPlan
    from engine.messages import Actor, Command, Tap
    from engine.model import Position, PositionId
    from engine.pricing import Touch

__all__ = ["Dialogue"]

#: The preview of so many positions shows each leg; of more only the P&L of each.
_IN_FULL = 4
FORCED_REASON = "Asked for by you"


class Dialogue:
    """The person's side of the monitor: holds the open questions and knows what may be asked.

    Args:
        helm: whose positions and exits are talked about.
        seed: secret chance of this process, for nonces.
    """

    def __init__(self, helm: Helm, seed: bytes) -> None:
        self._helm = helm
        self.questions = Questions(seed)
        self.margins = Forecasts(self.questions, real=helm.mode is not Mode.SIMULATE)
        self._tightening = Tightening(helm, self.questions)
        self._settling = Settling(helm, self.questions)
        self.offers = Offers(helm, self.questions)

    # --------------------------------------------------------------------------------- commands

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """Do, ask about, or refuse one wish."""
        effects: list[Effect] = [Audit("command", _audited(command))]
        match command.wish:
            case Wish.STOP:
                return effects + self._helm.halt(command.by, now_s)
            case Wish.RESUME:
                return effects + self._resume(command, now_s)
            case Wish.EXIT:
                return effects + self._exit(command, now_s)
            case Wish.SET:
                return effects + self._tightening.ask(command, now_s)
            case Wish.GROUP:
                return effects + self.offers.command(command, now_s)
            case Wish.ADOPT | Wish.SHRINK | Wish.UNWATCH:
                return effects + self._settling.ask(command, now_s)
            case Wish.SNOOZE:
                return effects + self._helm.leashes.command(command, now_s)
            case Wish.FLATTEN:
                return effects + self._helm.flattening.command(command, now_s)

    def _resume(self, command: Command, now_s: float) -> list[Effect]:
        one = command.strategy_id
        held = tuple(
            name
            for name, position in self._helm.holdings.positions.items()
            if self._helm.held_out(name)[0] and one in (None, position.strategy_id)
        )
        if not held and (one is not None or not self._helm.halted):
            said = "Automation is running already." if one is None else f"Nothing holds {one} back alone."
            return [Say(command.by, said)]
        names = held if one is not None else ()
        if command.confirmed:
            return [*self._taken_over(names, command.by, now_s), Say(command.by, self._running)]
        what = "Resume automation" if one is None else f"Take over {one} as it is"
        print_ = self._held_print(names)
        asked, record = self.questions.issue(Wish.RESUME, names, print_, None, what, now_s, forced=True)
        taken = (f"Taken over as they are now: {', '.join(held)}.",) if held else ()
        lines = (f"The rules act again, mode {self._helm.mode}.", *taken)
        ask = Ask(
            asked.nonce, Wish.RESUME, f"{what}?", lines, asked.expires_s, Urgency.NORMAL,
            "Resume", "Stay halted",
        )  # fmt: skip
        return [record, ask]

    def _held_print(self, names: tuple[PositionId, ...]) -> tuple[tuple[int, int], ...]:
        """Why these positions are held, none = all of them: what a yes to /resume has seen."""
        whys = (self._helm.held_out(name)[1] for name in names or self._helm.holdings.positions)
        return tuple(sorted((crc32(why.encode()), 0) for why in whys if why))

    def _taken_over(self, names: tuple[PositionId, ...], by: Actor, now_s: float) -> list[Effect]:
        """Resume these positions; none = everything, and the halt ends."""
        return self._helm.take_over(names, now_s) if names else self._helm.unhalt(by, now_s)

    @property
    def _running(self) -> str:
        if self._helm.halted:
            return "Taken over; automation stays halted."
        return f"Automation is running again, mode {self._helm.mode}."

    def _exit(self, command: Command, now_s: float) -> list[Effect]:
        if why := self._helm.exit_impossible(now_s):
            return [Say(command.by, why)]
        wanted = [
            p
            for p in self._helm.holdings.positions.values()
            if command.strategy_id is None or p.strategy_id == command.strategy_id
        ]
        if not wanted:
            name = (
                "No open position"
                if command.strategy_id is None
                else f"No open position {command.strategy_id}"
            )
            return [Say(command.by, f"{name}. /status lists what is watched.")]
        busy = [p for p in wanted if self._helm.exiting(p.id)]
        free = [p for p in wanted if not self._helm.exiting(p.id)]
        effects: list[Effect] = []
        effects += [Say(command.by, text) for text in self._busy(busy)]
        if command.confirmed:
            for position in free:
                effects += self._helm.start_exit(position, _forced(), command.by.name, None, now_s)
            return effects
        return effects + (self.ask_exit(tuple(free), None, now_s, command.message_id) if free else [])

    def _busy(self, positions: list[Position]) -> list[str]:
        """What to say of positions that are exiting, or whose exit /stop has not ended yet."""
        running: list[str] = []
        stopping: list[str] = []
        for position in positions:
            intent = self._helm.desk.of(position.id)
            ending = intent is not None and intent.state is IntentState.STOPPING
            (stopping if ending else running).append(str(position.strategy_id))
        said = [f"Already exiting: {', '.join(running)}. The running exit goes on."] if running else []
        if stopping:
            said.append(f"Still being stopped: {', '.join(stopping)}. Ask again when its card says so.")
        return said

    # -------------------------------------------------------------------------------- questions

    def ask_exit(
        self, positions: tuple[Position, ...], verdict: Verdict | None, now_s: float, message_id: int = 0
    ) -> list[Effect]:
        """Ask whether to exit: a person's wish has no verdict, a rule's has its own.

        ``message_id``: the chat's message on which a person chose, 0 = none.
        """
        return self.ask_exit_as(positions, verdict, now_s, message_id)[1]

    def ask_exit_as(
        self, positions: tuple[Position, ...], verdict: Verdict | None, now_s: float, message_id: int = 0
    ) -> tuple[Confirmation, list[Effect]]:
        """The same, with the question itself for whoever has to know what becomes of it."""
        title = _title(positions)
        asked, record = self.questions.issue(
            Wish.EXIT, tuple(p.id for p in positions), fingerprint(positions), verdict, title, now_s,
            forced=verdict is None,
        )  # fmt: skip
        said = () if verdict is None else (f"{verdict.reason}.",)
        lines = (*said, *self._preview(positions, verdict, now_s))
        if verdict is not None:  # a person's preview must not switch the rules off
            for position in positions:
                self._helm.watch.hold(position.id, silence_of(verdict))
        urgency = verdict.urgency if verdict is not None else Urgency.NORMAL
        paper = " (on paper)" if self._helm.mode is Mode.SIMULATE else ""
        head = f"Exit {title}{paper}?" if verdict is None else f"{_headline(verdict)}: exit {title}?"
        ask = Ask(
            asked.nonce, Wish.EXIT, head, lines, asked.expires_s, urgency, "Exit now",
            "Cancel" if verdict is None else "Not now", positions[0].id if len(positions) == 1 else None,
            message_id,
        )  # fmt: skip
        return asked, [record, *self.margins.put(ask, self._legs(positions, verdict))]

    def _preview(
        self, positions: tuple[Position, ...], verdict: Verdict | None, now_s: float
    ) -> tuple[str, ...]:
        """What each exit would do and the P&L as it stands; of several also the sum, where it is known."""
        lines: tuple[str, ...] = ()
        pnls: list[int | None] = []
        for position in positions:
            part = self._helm.part_of(position, verdict)
            legs = self._legs((position,), verdict)
            figures = self._helm.watch.figures(position.id, now_s)
            pnls.append(figures.pnl_paise)
            closing = figures.closing_pnl_paise if part is None else None
            name = (_name(position),) if len(positions) > 1 else ()
            shown = preview_lines(legs if len(positions) <= _IN_FULL else [], pnls[-1], closing)
            differs = self._helm.differences.told(position.id)
            held = (f"{differs} No more than is held is traded.",) if differs else ()
            lines += (*(("",) if lines else ()), *name, *shown, *held)
        known = [pnl for pnl in pnls if pnl is not None]
        together = len(positions) > 1 and len(known) == len(pnls)
        return (*lines, "", f"P&L together {signed_rupees(sum(known))}") if together else lines

    def _legs(self, positions: tuple[Position, ...], verdict: Verdict | None) -> list[tuple[LegPlan, Touch]]:
        """What the exits would trade, and the prices to expect."""
        plans = [self._helm.plan(each, self._helm.part_of(each, verdict)) for each in positions]
        return [(leg, self._helm.touch(leg.key)) for plan in plans for leg in plan]

    def tap(self, tap: Tap, now_s: float) -> list[Effect]:
        """Decide one press of a button; only the first that counts wins."""
        asked = self.questions.get(tap.nonce)
        if asked is None:
            return [Answer(tap.callback_id, "Already decided or too old.")]
        note = Audit("tap", {"nonce": tap.nonce, "yes": tap.yes, "by": tap.by.name, "user": tap.by.user_id})
        if now_s >= asked.expires_s:
            late = Answer(tap.callback_id, "Too late: this question has expired.", alarm=True)
            return [note, late, *self._expire(asked, now_s)]
        if asked.wish is Wish.GROUP:
            return [note, *self.offers.answer(asked, tap, now_s)]
        if not tap.yes:
            return [note, Answer(tap.callback_id, "Left alone."), *self._decline(asked, now_s)]
        return [note, *self._confirm(asked, tap, now_s)]

    def _confirm(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        if asked.wish is Wish.RESUME:
            return self._confirm_resume(asked, tap, now_s)
        if asked.wish in SETTLES:
            return self._settling.confirm(asked, tap, now_s)
        if asked.wish is Wish.SET:
            return self._tightening.confirm(asked, tap, now_s)
        if asked.wish is Wish.FLATTEN:
            return self._helm.flattening.confirm(asked, tap, now_s)
        return self._confirm_exit(asked, tap, now_s)

    def _confirm_exit(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        positions = tuple(
            p for name in asked.positions if (p := self._helm.holdings.positions.get(name)) is not None
        )
        why = self._helm.exit_impossible(now_s)
        partly = asked.verdict is not None and asked.verdict.action is Action.SCALE_OUT
        busy = self._helm.exiting if not partly else lambda position: self._helm.desk.of(position) is not None
        if not why and positions and all(busy(p.id) for p in positions):
            why = "Already exiting; the running exit goes on."
        if not why and fingerprint(positions) != asked.legs:
            why = "The position has changed since you were asked. Ask again with /exit."
        if why:
            return [Answer(tap.callback_id, why, alarm=True), *self._withdraw(asked, "Not done", why)]
        effects: list[Effect] = [
            self.questions.settle(asked, Status.CONFIRMED),
            Answer(tap.callback_id, "Exiting."),
        ]
        running = self._helm.desk.of(positions[0].id) if len(positions) == 1 else None
        if running is not None:
            how = "is in a hurry" if running.part is None else "closes the whole position"
            lines = (f"The exit that runs {how} now.",)
            effects.append(Card(asked.nonce, f"Exiting {asked.title}", lines, final=True))
        for position in positions:
            name = asked.nonce if len(positions) == 1 else None
            verdict = asked.verdict or _forced()
            effects += self._helm.start_exit(position, verdict, tap.by.name, name, now_s)
        if len(positions) > 1:
            effects.append(
                Card(asked.nonce, f"Exiting {asked.title}", ("One card each follows.",), final=True)
            )
        return effects

    def _confirm_resume(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes to /resume counts for what has been seen: nothing else that differs by now is taken over."""
        if not set(self._held_print(asked.positions)) <= set(asked.legs):
            why = "What differs is something else than when you were asked. Look at it, and /resume again."
            return [Answer(tap.callback_id, why, alarm=True), *self._withdraw(asked, "Not done", why)]
        settle = self.questions.settle(asked, Status.CONFIRMED)
        taken = self._taken_over(asked.positions, tap.by, now_s)
        card = Card(
            asked.nonce,
            "Automation resumed",
            (f"By {tap.by.name}. {self._running}",),
            final=True,
            done=True,
        )
        return [settle, Answer(tap.callback_id, "Resumed."), card, *taken]

    def expire(self, now_s: float) -> list[Effect]:
        """End the questions that nobody answered in time."""
        effects: list[Effect] = []
        for asked in self.questions.expired(now_s):
            effects += self._expire(asked, now_s)
        return effects

    def part_closed(self, position: PositionId) -> list[Effect]:
        """A part was closed while a rule's question was open: that asked about legs that are no more."""
        why = "A part was closed meanwhile; you are asked again about what is left."
        effects: list[Effect] = []
        for asked in self.questions.about(position):
            effects += self._withdraw(asked, "Withdrawn", why)
        return effects

    def withdraw(self, why: str) -> list[Effect]:
        """Take back every question that a rule has asked."""
        effects: list[Effect] = []
        for asked in [q for q in self.questions.pending() if not q.forced]:
            effects += self._withdraw(asked, "Withdrawn", why)
        return effects

    def _withdraw(self, asked: Confirmation, head: str, text: str) -> list[Effect]:
        """The question is void: what it has silenced, of whichever position, may speak again."""
        effects = self._close(asked, Status.WITHDRAWN, head, text)
        self._helm.release(() if asked.forced else asked.positions)
        return effects

    def _expire(self, asked: Confirmation, now_s: float) -> list[Effect]:
        text = f"No answer in time; {_nothing(asked)}."
        return self._close(asked, Status.EXPIRED, "Expired", text) + self._helm.unanswered(asked, now_s)

    def _decline(self, asked: Confirmation, now_s: float) -> list[Effect]:
        head = "Cancelled" if asked.forced else "Not now"
        effects = self._close(asked, Status.DECLINED, head, f"Left alone; {_nothing(asked)}.")
        self._helm.leave_alone(asked, now_s)
        return effects

    def _close(self, asked: Confirmation, status: Status, head: str, text: str) -> list[Effect]:
        settle = self.questions.settle(asked, status)
        return [settle, Card(asked.nonce, f"{head}: {asked.title}", (text,), final=True)]


def _audited(command: Command) -> dict[str, object]:
    what = {"rule": command.rule, "value": command.value} if command.wish is Wish.SET else {}
    what |= {"value": command.value} if command.wish in {Wish.FLATTEN, Wish.SNOOZE} else {}
    by = command.by
    return {"wish": command.wish, "strategy": command.strategy_id, "by": by.name, "user": by.user_id, **what}


def _nothing(asked: Confirmation) -> str:
    """What has not come about."""
    return "nothing was changed" if asked.wish in {Wish.SET, Wish.GROUP, *SETTLES} else "nothing was sent"


def _forced() -> Verdict:
    return Verdict(
        "forced",
        Action.CLOSE_IMMEDIATELY,
        Urgency.HIGH,
        None,
        None,
        1.0,
        FORCED_REASON,
    )


def _name(position: Position) -> str:
    return f"{position.strategy_id} {position.symbol} {position.strategy}"


def _title(positions: tuple[Position, ...]) -> str:
    return _name(positions[0]) if len(positions) == 1 else f"{len(positions)} positions"


def _headline(verdict: Verdict) -> str:
    return in_words(verdict.rule)
