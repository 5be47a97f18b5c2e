"""Which rules may speak, and which of several that are met at once does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model import Action
from engine.rules.base import Rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Verdict
    from engine.rules.base import Snapshot
    from engine.watch.armed import Armed


def speaking(armed: Sequence[Armed], held: Rank | None) -> Sequence[Armed]:
    """Of these rules those that may speak while an exit of this rank is running or asked about; None = all.

    While a part is being closed every full exit may speak, those of the clock too: it absorbs the part.
    """
    if held is None:
        return armed
    if held is Rank.SCALING:
        return [one for one in armed if one.rule.rank is not Rank.SCALING]
    return [one for one in armed if one.rule.rank < held]


def first_of(met: Sequence[Armed], snapshot: Snapshot) -> Verdict | None:
    """What the highest of these rules says, with the names of the others that were confirmed too.

    A confirmed rule waits for a higher one that is met and not yet sure. A full exit of any rank absorbs
    a partial one, and levels of one rule that are met together are one. Who has spoken has fired.

    Args:
        met: rules with a verdict, at least one.
        snapshot: the position as they have seen it.
    """
    top = min(met, key=lambda armed: (_partial(armed), armed.rule.rank, not armed.confirmed))
    verdict = top.verdict
    if verdict is None or not top.confirmed:
        return None
    firing = [armed for armed in met if armed.confirmed]
    together = [armed.params for armed in firing if armed.rule is top.rule]
    if top.rule.merge is not None:
        verdict = top.rule.merge(snapshot, together)
    for armed in firing:
        armed.fired = True
        armed.rest()
    also = dict.fromkeys(armed.rule.name for armed in firing if armed.rule is not top.rule)
    return replace(verdict, also=tuple(also))


def _partial(armed: Armed) -> bool:
    """Whether what it says leaves a part of the position open."""
    return armed.verdict is not None and armed.verdict.action is Action.SCALE_OUT
