"""What people ask for, and what they answer: commands and taps, turned into exits or a word back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from engine.effects import Alert, Answer, Ask, Audit, Card, Say
from engine.exit_questions import ExitQuestions
from engine.exit_wishes import ExitWishes
from engine.gate import Questions, Status
from engine.messages import Wish
from engine.model import Urgency
from engine.modes import Modes
from engine.offers import Offers
from engine.settling import SETTLES, Settling
from engine.tightening import Tightening
from engine.two_keys import TwoKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.effects import Effect
    from engine.gate import Confirmation
    from engine.helm import Helm
    from engine.messages import Actor, Command, Tap
    from engine.model import PositionId

__all__ = ["Dialogue"]

#: The audit keeps what was typed; of a code it keeps nothing.
_WITH_VALUE = frozenset({Wish.FLATTEN, Wish.EXIT, Wish.MODE, Wish.SNOOZE})
#: Without a strategy id these are about every position.
_OF_ALL = frozenset({Wish.STOP, Wish.RESUME, Wish.EXIT, Wish.FLATTEN, Wish.MODE, Wish.SNOOZE})


class Dialogue:
    """The person's side of the monitor: holds the open questions and knows what may be asked.

    Args:
        helm: whose positions and exits are talked about.
        seed: secret chance of this process, for nonces.
    """

    def __init__(self, helm: Helm, seed: bytes) -> None:
        self._helm = helm
        self.questions = Questions(seed)
        self.exits = ExitQuestions(helm, self.questions)
        self._wishes = ExitWishes(helm, self.exits)
        self.keys = TwoKeys(seed)
        self.modes = Modes(helm, self.keys)
        self._tightening = Tightening(helm, self.questions, self.keys)
        self._settling = Settling(helm, self.questions)
        self.offers = Offers(helm, self.questions)
        self._answers: dict[Wish, Callable[[Command, float], list[Effect]]] = {
            Wish.STOP: lambda command, now_s: helm.halt(command.by, now_s),
            Wish.RESUME: self._resume,
            Wish.EXIT: self._wishes.command,
            Wish.SET: self._tightening.ask,
            Wish.GROUP: self.offers.command,
            Wish.ADOPT: self._settling.ask,
            Wish.SHRINK: self._settling.ask,
            Wish.UNWATCH: self._settling.ask,
            Wish.SNOOZE: helm.leashes.command,
            Wish.FLATTEN: helm.flattening.command,
            Wish.MODE: self.modes.command,
            Wish.CODE: self.keys.code,
        }

    # --------------------------------------------------------------------------------- commands

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """Do, ask about, or refuse one wish; whoever utters one about a position is there to be asked."""
        self.exits.heard(self._about(command))
        return [Audit("command", _audited(command)), *self._answers[command.wish](command, now_s)]

    def _about(self, command: Command) -> list[PositionId]:
        """Which positions a command is about."""
        one = command.strategy_id
        every = one is None and command.wish in _OF_ALL
        positions = self._helm.holdings.positions.values()
        return [p.id for p in positions if every or (one is not None and p.strategy_id == one)]

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
            whys = {name: self._helm.held_out(name)[1] for name in held}
            return [*self._taken_over(names, command.by, now_s), *self._resumed(command.by, whys)]
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

    def _resumed(self, by: Actor, whys: Mapping[PositionId, str]) -> list[Effect]:
        """Say that rules act again; ``whys``: what was taken over, and why it was held."""
        note = Audit("resumed", {"by": by.name, "user": by.user_id, "taken_over": list(whys)})
        if by.chat_id:
            return [Say(by, self._running), note]
        # from the command line of the host: people in the chat must know
        lines = [f"Taken over as it is now: {name}, held because {why}" for name, why in whys.items()]
        text = "\n".join([self._running, *lines])
        return [Alert(Urgency.HIGH, "resumed", f"Automation was resumed by {by.name}", text), note]

    @property
    def _running(self) -> str:
        if self._helm.halted:
            return "Taken over; automation stays halted."
        return f"Automation is running again, mode {self._helm.mode}."

    # -------------------------------------------------------------------------------- questions

    def tap(self, tap: Tap, now_s: float) -> list[Effect]:
        """Decide one press of a button; only the first that counts wins."""
        note = Audit("tap", {"nonce": tap.nonce, "yes": tap.yes, "by": tap.by.name, "user": tap.by.user_id})
        if (done := self.keys.tap(tap)) is not None:
            return [note, *done]
        asked = self.questions.get(tap.nonce)
        if asked is None:
            return [Answer(tap.callback_id, "Already decided or too old.")]
        if now_s >= asked.expires_s:
            late = Answer(tap.callback_id, "Too late: this question has expired.", alarm=True)
            self.exits.heard(asked.positions)  # before its end is told, so that it promises nothing
            expired = self._expire(asked, now_s)
            self.exits.heard(asked.positions)
            return [note, late, *expired]
        self.exits.heard(asked.positions)
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
        return self.exits.confirm(asked, tap, now_s)

    def _confirm_resume(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes to /resume counts for what has been seen: nothing else that differs by now is taken over."""
        if not set(self._held_print(asked.positions)) <= set(asked.legs):
            why = "What differs is something else than when you were asked. Look at it, and /resume again."
            return [Answer(tap.callback_id, why, alarm=True), *self.void(asked, "Not done", why)]
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
        effects = self.keys.look(now_s)
        for asked in self.questions.expired(now_s):
            effects += self._expire(asked, now_s)
        return effects

    def part_closed(self, position: PositionId) -> list[Effect]:
        """A part was closed while a rule's question was open: that asked about legs that are no more."""
        why = "A part was closed meanwhile; you are asked again about what is left."
        effects: list[Effect] = []
        for asked in self.questions.about(position):
            effects += self.void(asked, "Withdrawn", why)
        return effects

    def withdraw(self, why: str) -> list[Effect]:
        """Take back every question that a rule has asked."""
        effects: list[Effect] = []
        for asked in [q for q in self.questions.pending() if not q.forced]:
            effects += self.void(asked, "Withdrawn", why)
        return effects

    def void(self, asked: Confirmation, head: str, text: str) -> list[Effect]:
        """Say that a question is void: what it has silenced, of whichever position, may speak again."""
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
    what |= {"value": command.value} if command.wish in _WITH_VALUE and command.value else {}
    by = command.by
    return {"wish": command.wish, "strategy": command.strategy_id, "by": by.name, "user": by.user_id, **what}


def _nothing(asked: Confirmation) -> str:
    """What has not come about."""
    return "nothing was changed" if asked.wish in {Wish.SET, Wish.GROUP, *SETTLES} else "nothing was sent"
