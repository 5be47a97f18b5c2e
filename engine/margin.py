"""Whether an exit's sequence would be refused for margin: told below the question, never waited for.

What buys a short back frees margin and is taken without asking for money; it costs its premium. A sale
that uncovers a short, also one of another strategy, blocks more. So the margin is asked for before
everything, after all purchases, and after each sale; only the differences count. That way it does not
matter whether the broker tells the margin of the whole account or only what the orders add to it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from engine.broker_nouns import MarginStep
from engine.effects import Audit, QueryMargin
from engine.model import Side
from engine.money import rupees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.effects import Effect
    from engine.intents import LegPlan
    from engine.messages import MarginKnown
    from engine.pricing import Touch

__all__ = ["Forecasts", "Stage", "baskets_of", "forecast", "forecast_audit", "freed", "stages_of"]

#: So many sales are asked about one by one; those that are left, together.
SALES_ASKED = 4
#: More steps than this are not asked about: the answer would come after the question's end.
MOST_STEPS = 60
#: So many answers are waited for; the oldest is given up.
MOST_ASKED = 20

_FREES = "Margin: buying back needs none"
_ENOUGH = "Margin: enough at each step"


class Stage(NamedTuple):
    """Steps of an exit that are looked at together.

    Attributes:
        steps: those of this stage alone, in order: purchases only, or sales only.
        first: the number of the first of them in the whole exit, from 1.
        name: the contract, where it is one alone.
    """

    steps: tuple[MarginStep, ...]
    first: int
    name: str

    @property
    def premium_paise(self) -> int:
        """What its purchases cost."""
        return sum(s.quantity * s.price_paise for s in self.steps if s.side is Side.BUY)

    @property
    def words(self) -> str:
        """Which steps, for people."""
        if len(self.steps) == 1:
            return f"step {self.first} ({self.steps[0].side} {self.name})"
        return f"steps {self.first} to {self.first + len(self.steps) - 1}"


def stages_of(legs: Iterable[tuple[LegPlan, Touch]]) -> tuple[Stage, ...]:
    """The stages of one or several exits: all purchases, then each sale; empty = nothing is sold."""
    steps = [(_step(leg, touch), leg.name) for leg, touch in legs if leg.quantity > leg.before]
    bought = [step for step, _ in steps if step.side is Side.BUY]
    sold = [(step, name) for step, name in steps if step.side is Side.SELL]
    if not sold:
        return ()
    stages = [Stage(tuple(bought), 1, "")] if bought else []
    for index, (step, name) in enumerate(sold[:SALES_ASKED]):
        last = index + 1 == SALES_ASKED
        together = tuple(each for each, _ in sold[index:]) if last else (step,)
        stages.append(Stage(together, len(bought) + index + 1, name))
    return tuple(stages)


def baskets_of(stages: Sequence[Stage]) -> tuple[tuple[MarginStep, ...], ...]:
    """What to ask the margin of: a pair that changes nothing, then the steps up to each stage's end."""
    first = stages[0].steps[0]
    undone = first._replace(side=Side.SELL if first.side is Side.BUY else Side.BUY)
    baskets: list[tuple[MarginStep, ...]] = [(first, undone)]
    done: tuple[MarginStep, ...] = ()
    for stage in stages:
        done += stage.steps
        baskets.append(done)
    return tuple(baskets)


def forecast(stages: Sequence[Stage], free_paise: int, margins_paise: Sequence[int]) -> str:
    """One line: whether a step would need more margin than is free when its turn comes.

    What a sale brings is not counted: nobody promises that it may be spent at once.

    Args:
        stages: as asked.
        free_paise: what is free now.
        margins_paise: one of each basket (`baskets_of`).
    """
    for stage, (before, after) in zip(stages, pairwise(margins_paise), strict=True):
        rise = after - before
        if rise > max(free_paise, 0):
            lack = rise - max(free_paise, 0)
            return f"Margin: {stage.words} would need {rupees(lack)} more than is free"
        free_paise -= rise + stage.premium_paise
    return _ENOUGH


def _step(leg: LegPlan, touch: Touch) -> MarginStep:
    near = touch.ask_paise if leg.side is Side.BUY else touch.bid_paise
    price = near or touch.ltp_paise or leg.tick_paise
    return MarginStep(leg.key, leg.side, leg.quantity - leg.before, leg.product, price)


def freed(margins_paise: Sequence[int]) -> str:
    """What the whole exit sets free, as the end of a line; empty where nobody can tell."""
    less = margins_paise[0] - margins_paise[-1]
    return f", {rupees(less)} freed" if less > 0 else ""


class Forecasts:
    """The margin of open questions, asked for and waited for by nobody.

    Args:
        real: there is an account to ask; False = on paper, or nothing is ever sent.
    """

    def __init__(self, *, real: bool) -> None:
        self._real = real
        self._asked: dict[str, tuple[Stage, ...]] = {}

    def ask(self, nonce: str, legs: Iterable[tuple[LegPlan, Touch]]) -> tuple[str, list[Effect]]:
        """What is known of the margin of a question's exits at once, and how to learn more."""
        stages = stages_of(legs) if self._real else ()
        if not self._real or sum(len(stage.steps) for stage in stages) > MOST_STEPS:
            return "", []
        if not stages:
            return _FREES, []
        while len(self._asked) >= MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[nonce] = stages
        return "", [QueryMargin(nonce, baskets_of(stages))]

    def known(self, message: MarginKnown) -> str:
        """The line that an answer makes; empty when nobody has asked."""
        stages = self._asked.pop(message.nonce, None)
        if stages is None:
            return ""
        if message.failed or len(message.margins_paise) != len(stages) + 1:
            return "Margin could not be asked"
        line = forecast(stages, message.free_paise, message.margins_paise)
        return line + freed(message.margins_paise) if line == _ENOUGH else line


def forecast_audit(message: MarginKnown, line: str) -> Audit:
    """The line in the audit story."""
    return Audit("margin", {"nonce": message.nonce, "line": line, "failed": message.failed})
