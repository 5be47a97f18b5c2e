"""/exit: which positions are meant, all of each or half, and why not; then the question, or the exits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Say
from engine.exit_questions import forced
from engine.intents import IntentState

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.exit_questions import ExitQuestions
    from engine.helm import Helm
    from engine.messages import Command
    from engine.model import Position

__all__ = ["HALF", "ExitWishes", "half_of"]

#: What stands in the value of a command that is about half of a position.
HALF = "half"


class ExitWishes:
    """What becomes of /exit.

    Args:
        helm: whose positions they are.
        questions: asks about exits.
    """

    def __init__(self, helm: Helm, questions: ExitQuestions) -> None:
        self._helm = helm
        self._questions = questions

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """Ask about what is meant; a confirmed wish begins at once."""
        if why := self._helm.exit_impossible(now_s):
            return [Say(command.by, why)]
        wanted = [p for p in self._helm.holdings.positions.values() if _meant(p, command)]
        if not wanted:
            return [Say(command.by, f"{_nothing(command)}. /status lists what is watched.")]
        if command.value == HALF:
            return [effect for p in wanted for effect in self._half(p, command, now_s)]
        busy = [p for p in wanted if self._helm.starts.exiting(p.id)]
        free = [p for p in wanted if not self._helm.starts.exiting(p.id)]
        effects: list[Effect] = [Say(command.by, text) for text in self._busy(busy)]
        if command.confirmed:
            for position in free:
                effects += self._helm.starts.exit(position, forced(), command.by.name, None, now_s)
            return effects
        return effects + (self._asked(free, command, now_s) if free else [])

    def _asked(self, positions: list[Position], command: Command, now_s: float) -> list[Effect]:
        return self._questions.ask(tuple(positions), None, now_s, command.message_id)[1]

    def _half(self, position: Position, command: Command, now_s: float) -> list[Effect]:
        """Ask about half of a position, or say why there is none."""
        name, desk = position.strategy_id, self._helm.desk
        left, entry = self._helm.watch.shares(position.id)
        closes, why = half_of(position, left)
        if desk.of(position.id) is not None:
            why = f"{name} is exiting already; no half is closed beside that."
        elif desk.traded(position):
            why = f"An exit of {name} has traded a part of it, so its legs are out of proportion."
        if why:
            return [Say(command.by, f"{why} Nothing was done. /exit {name} closes all of it.")]
        share = forced(closes / entry)
        if command.confirmed:
            return self._helm.starts.exit(position, share, command.by.name, None, now_s)
        return self._questions.ask((position,), share, now_s, command.message_id)[1]

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


def half_of(position: Position, left: int) -> tuple[int, str]:
    """How many combinations half of a position is, never more than half; or why it has none.

    ``left``: combinations that the rules count as open.
    """
    name, now = position.strategy_id, position.combinations
    if now != left:
        return 0, f"The legs of {name} do not divide as they were entered."
    if now < 2:
        return 0, f"{name} is one combination in whole lots and cannot be halved."
    return now // 2, ""


def _meant(position: Position, command: Command) -> bool:
    if command.strategy_id is not None:
        return position.strategy_id == command.strategy_id
    return not command.value or position.symbol.casefold() == command.value.casefold()


def _nothing(command: Command) -> str:
    if command.strategy_id is not None:
        return f"No open position {command.strategy_id}"
    return f"No open position in {command.value}" if command.value else "No open position"
