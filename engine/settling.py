"""A difference between store and broker is settled from the chat: shown, asked, confirmed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.corrections import choices, lesser, parts
from engine.effects import Answer, Ask, Audit, Card, Say
from engine.gate import Status
from engine.messages import Wish
from engine.model import Urgency
from engine.tightening import fingerprint

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.gate import Confirmation, Questions
    from engine.helm import Helm
    from engine.messages import Command, Tap
    from engine.model import Position

__all__ = ["SETTLES", "Settling"]

#: The wishes that are settled here.
SETTLES = frozenset({Wish.ADOPT, Wish.SHRINK, Wish.UNWATCH})

_ASKED = {
    Wish.ADOPT: "Correct the rows of",
    Wish.SHRINK: "Count only what is held of",
    Wish.UNWATCH: "Stop watching",
}
_DONE = {Wish.ADOPT: "Rows corrected", Wish.SHRINK: "Counted as held", Wish.UNWATCH: "Not watched"}
_YES = {Wish.ADOPT: "Correct the rows", Wish.SHRINK: "Count what is held", Wish.UNWATCH: "Stop watching"}
_MEANS = {
    Wish.ADOPT: "The trade store's rows are written; what is gone is closed there without a price.",
    Wish.SHRINK: "The store stays as it is. Exits and P&L count only what is held, until its rows change or "
    "the broker holds all of it again; an exit closes such rows without a price.",
    Wish.UNWATCH: "No rule of it acts or tells until its rows change, or /resume. It stays in the list.",
}


class Settling:
    """The questions about a difference, and what becomes of them.

    Args:
        helm: whose positions are talked about.
        questions: the register that counts one answer each.
    """

    def __init__(self, helm: Helm, questions: Questions) -> None:
        self._helm = helm
        self._questions = questions

    def ask(self, command: Command, now_s: float) -> list[Effect]:
        """Show what would be done and ask, or say why not; of each position with that strategy id."""
        wanted = [p for p in self._helm.holdings.positions.values() if p.strategy_id == command.strategy_id]
        if not wanted:
            text = f"No open position {command.strategy_id}. /status lists what is watched."
            return [Say(command.by, text)]
        return [effect for position in wanted for effect in self._ask(position, command, now_s)]

    def _ask(self, position: Position, command: Command, now_s: float) -> list[Effect]:
        if why := self._why_not(position, command.wish, now_s):
            return [Say(command.by, f"Nothing was changed: {why}")]
        title = f"{position.strategy_id} {position.symbol} {position.strategy}"
        asked, record = self._questions.issue(
            command.wish, (position.id,), self._print(position, command.wish), None, title, now_s, forced=True
        )
        ask = Ask(
            asked.nonce, command.wish, f"{_ASKED[command.wish]} {title}?",
            (*self._shown(position, command.wish), _MEANS[command.wish]), asked.expires_s, Urgency.NORMAL,
            _YES[command.wish], "Leave as it is", position.id,
        )  # fmt: skip
        return [record, ask]

    def confirm(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes: do it, unless the rows or what the broker holds are others meanwhile."""
        position = self._helm.holdings.positions.get(asked.positions[0])
        if position is None or self._print(position, asked.wish) != asked.legs:
            why = "Rows or holdings have changed since you were asked. Look at /status."
        else:
            why = self._why_not(position, asked.wish, now_s)
        if position is None or why:
            return [
                Answer(tap.callback_id, why, alarm=True),
                self._questions.settle(asked, Status.WITHDRAWN),
                Card(asked.nonce, f"Not done: {asked.title}", (why,), final=True),
            ]
        lines = (*self._shown(position, asked.wish), _MEANS[asked.wish], f"By {tap.by.name}.")
        data = {"position": position.id, "by": tap.by.name, "how": asked.wish}
        return [
            self._questions.settle(asked, Status.CONFIRMED),
            Audit("difference settled", data),
            *self._do(position, asked, now_s),
            Answer(tap.callback_id, f"{_DONE[asked.wish]}."),
            Card(asked.nonce, f"{_DONE[asked.wish]}: {asked.title}", lines, final=True, done=True),
        ]

    def _do(self, position: Position, asked: Confirmation, now_s: float) -> list[Effect]:
        helm = self._helm
        if asked.wish is Wish.UNWATCH:
            effects = helm.differences.unwatch(position)
            helm.release((position.id,))
            return effects
        wanted = lesser(position, helm.differences.found(position))
        taken = parts(helm.starts.plan(position, None), wanted)
        return helm.holdings.correct(asked.nonce, taken, now_s, in_store=asked.wish is Wish.ADOPT)

    def _why_not(self, position: Position, wish: Wish, now_s: float) -> str:
        """Why this cannot be made of it now; empty = it can."""
        if not self._helm.differences.told(position.id):
            return "store and broker do not differ."
        if self._helm.desk.of(position.id) is not None:
            return "an exit of it is running. It trades only what is held."
        if wish is not Wish.UNWATCH and (unsure := self._helm.degraded(now_s)):
            return f"{unsure}."
        if wish is not Wish.UNWATCH and not self._helm.calendar.is_open(now_s):
            return "the market is closed, and what the broker lists at night is not certain."
        if wish not in choices(position, self._helm.differences.found(position), self._helm.mode):
            return (
                "what the broker holds cannot be made the rows of this position, or is being read. Correct "
                "them in the trade store."
            )
        return ""

    def _print(self, position: Position, wish: Wish) -> tuple[tuple[int, int], ...]:
        """What yes is about: these legs, and what the broker holds of them instead."""
        wanted = {} if wish is Wish.UNWATCH else lesser(position, self._helm.differences.found(position))
        theirs = sorted((int(key), units) for key, units in wanted.items())
        return (*fingerprint((position,)), *theirs)

    def _shown(self, position: Position, wish: Wish) -> tuple[str, ...]:
        if wish is Wish.UNWATCH:
            return (self._helm.differences.told(position.id),)
        wanted = lesser(position, self._helm.differences.found(position))
        names = {leg.key: leg.instrument.display for leg in position.legs}
        return tuple(
            f"{names[key]}: {position.nets[key]:+d} → {f'{units:+d}' if units else 'none'}"
            for key, units in wanted.items()
        )
