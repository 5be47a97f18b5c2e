"""How exits begin: started anew, joined with the one that runs, or found done by somebody else's hands. Pure.

Whether one may begin is decided before (`engine.helm`); from here on the desk moves it (`engine.exits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert, Effect, Record
from engine.gate import silence_of
from engine.intents import Intent, IntentState
from engine.model import Action, Urgency, Verdict
from engine.parts import part_of, refusal
from engine.plan import plan_exit
from engine.pricing import Style
from engine.rules.base import Rank
from engine.rules.day_limits import DAY_RULES

if TYPE_CHECKING:
    from engine.helm import Helm
    from engine.intents import LegPlan, Part
    from engine.model import Position, PositionId

__all__ = ["SCALING", "Starts"]

SCALING = "profit_scaling"
URGENT_RULES = frozenset({"forced", "expiry_exit", "trailing_stop", "lock_profit"}) | DAY_RULES


class Starts:
    """Starts the account's exits.

    Args:
        helm: whose positions, desk and questions these are.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm

    def exit(
        self,
        position: Position,
        verdict: Verdict,
        by: str,
        card: str | None,
        now_s: float,
        *,
        quiet: bool = False,
    ) -> list[Effect]:
        """Decide an exit; a position that is exiting already keeps its running exit.

        ``quiet``: the owner is told otherwise.
        """
        self._helm.dialogue.exits.heard((position.id,))
        if self._helm.desk.of(position.id) is not None:
            return self.join(position, verdict, now_s)
        part = self.part_of(position, verdict)
        if verdict.action is Action.SCALE_OUT and (part is None or self._helm.desk.traded(position)):
            return [refusal(position, verdict)]
        kept = self.spend(position.id, verdict) if verdict.rule == SCALING else []
        self._helm.watch.hold(position.id, silence_of(verdict))
        self._helm.snoozed.pop(position.id, None)
        intent_id = self._helm.next_intent(now_s)
        intent = Intent(
            intent_id, position.id, position.account, f"{position.symbol} {position.strategy}", verdict,
            _style(verdict), self.plan(position, part), by, card or intent_id, now_s, part=part,
        )  # fmt: skip
        effects = kept + self._helm.desk.open(intent, now_s)
        if verdict.rule != "forced" and card is None and not quiet:  # a person who said yes sees the card
            what = "The exit" if part is None else f"The exit of {part.closes} of {part.open}"
            text = f"{verdict.reason}. {what} is running."
            topic = f"{verdict.rule}:{position.id}:exit"
            effects.append(Alert(verdict.urgency, topic, intent.title, text, position.id))
        return effects

    def closed_outside(self, position: Position, now_s: float) -> tuple[Intent, list[Effect]]:
        """End a position that the broker does not hold any more, without an order of ours."""
        legs = self.plan(position, None)
        for leg in legs:
            leg.quantity = leg.before
        reason = "The broker holds nothing of it any more"
        verdict = Verdict("closed_outside", Action.MONITOR, Urgency.HIGH, None, None, 1.0, reason)
        intent_id, title = self._helm.next_intent(now_s), f"{position.symbol} {position.strategy}"
        intent = Intent(
            intent_id, position.id, position.account, title, verdict, Style.PATIENT, legs,
            "somebody else", intent_id, now_s, IntentState.CLOSED_OUTSIDE, ended_s=now_s,
        )  # fmt: skip
        return intent, self._helm.desk.closed_outside(intent)

    def plan(self, position: Position, part: Part | None) -> list[LegPlan]:
        """What an exit of the position, or of that part of it, has to trade now."""
        earlier = self._helm.desk.unfinished(position.id)
        spots = [leg.instrument.underlying for leg in position.legs]
        level_paise = next((self._helm.touch(key).ltp_paise for key in spots if key is not None), 0)
        return plan_exit(position, earlier, None if part is None else part.closes, level_paise or None)

    def part_of(self, position: Position, verdict: Verdict | None) -> Part | None:
        """How much of the position a verdict closes; None = all of it."""
        return part_of(position, self._helm.watch.shares(position.id), verdict)

    def spend(self, position: PositionId, verdict: Verdict) -> list[Effect]:
        """The levels that speak here have acted, also after a restart."""
        if verdict.threshold_paise is not None:
            self._helm.watch.spend(position, verdict.threshold_paise)
        return [Record("memory", position, self._helm.watch.memory(position).to_json())]

    def exiting(self, position: PositionId) -> bool:
        """Whether an exit of this position runs that a person's wish could not change."""
        running = self._helm.desk.of(position)
        if running is None:
            return False
        return silence_of(running.verdict) is Rank.FORCED or running.state is IntentState.STOPPING

    def join(self, position: Position, verdict: Verdict, now_s: float) -> list[Effect]:
        """A second verdict on a position that is exiting: it joins the running exit, and may hurry it.

        The exit of a part becomes that of the whole.
        """
        running = self._helm.desk.of(position.id)
        if running is None or running.state is not IntentState.WORKING:
            return []  # one that is being stopped is in no hurry, and becomes nothing else
        if silence_of(running.verdict) is Rank.FORCED:
            return []
        if running.part is not None:
            absorbs = verdict.action is not Action.SCALE_OUT
            how = "closes the whole position now"
        else:
            absorbs, how = verdict.action is Action.CLOSE_IMMEDIATELY, "is in a hurry now"
        if not absorbs:
            return []
        self._helm.watch.hold(position.id, silence_of(verdict))
        text = f"{verdict.reason} Exit {running.id} {how}."
        alert = Alert(verdict.urgency, f"{verdict.rule}:{position.id}:exit", running.title, text, position.id)
        style = Style.URGENT if running.style is Style.URGENT else _style(verdict)
        return [*self._helm.desk.hasten(running, verdict, now_s, style), alert]


def _style(verdict: Verdict) -> Style:
    urgent = verdict.action is Action.CLOSE_IMMEDIATELY or verdict.rule in URGENT_RULES
    return Style.URGENT if urgent else Style.PATIENT
