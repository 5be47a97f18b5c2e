"""One position judged in full: with the rules every position has, with every rule there is, by the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.io import tables
from engine.rules.registry import rules
from engine.watch import Memory, Watchlist
from engine.watch.family import Forwards
from tests.bench.measure import Rounds, compare
from tests.engine.makers import OPENED, SPOT, condor, quote, traded

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.watch.watched import Watched

#: Rules that suit a condor and are far from being met, so that nothing but looking is measured.
EVERY = """
[default]
trailing_stop = true
lock_profit = [{reach = 100000, keep = 50000}]
exit_at = "15:10"
max_holding_days = 10
max_holding_minutes = 100000
stop_loss_rupees = 100000
stop_credit_multiple = 5
stop_underlying = {below = 20000, above = 30000}
stop_margin = 0.9
stop_delta = 5
stop_leg_delta = 0.95
theta_captured = 0.99
"""
#: One suits only what was paid for, the others stand in place of the target in per cent.
_NOT_HERE = {"theta_burn", "profit_target_rupees", "profit_scaling"}
_MIDS = (20, 45, 40, 18)


def judging(calls: int, rounds: int) -> Rounds:
    """Part 5.

    Returns:
        CPU seconds of so many judgements with the ``default`` rules and with ``every`` rule, and of
        so many looks at the ``model``.

    Raises:
        AssertionError: rules are missing from what is measured, or one of them spoke.
    """
    plain, full = watched(""), watched(EVERY)
    if missing := set(rules()) - {armed.rule.name for armed in full.armed} - _NOT_HERE:
        raise AssertionError(f"not armed: {missing}")
    return compare(
        {
            "default": _judge(plain, calls),
            "every": _judge(full, calls),
            "model": lambda: [full.scale.ask(Forwards(OPENED + 1)) for _ in range(calls)],
        },
        rounds,
    )


def watched(text: str) -> Watched:
    """A quoted condor, taken over as it is entered."""
    held = replace(condor(), margin_paise=10**9)
    watch = Watchlist(tables.calendar(), tables.rulebook(text))
    watch.put(held, Memory(), OPENED)
    watch.tick(traded(SPOT, 25_000), OPENED)
    for leg, mid in zip(held.legs, _MIDS, strict=True):
        watch.tick(quote(leg.key, mid - 0.05, mid + 0.05), OPENED)
    watch.beat(OPENED + 1)
    return watch._positions[held.id]


def _judge(one: Watched, calls: int) -> Callable[[], None]:
    moved = frozenset([one.position.legs[0].key])
    session = tables.calendar().window(OPENED)

    def run() -> None:
        for _ in range(calls):
            if one.judge(OPENED + 1, session.open_s, moved):
                raise AssertionError("a rule spoke that was to be silent")

    return run
