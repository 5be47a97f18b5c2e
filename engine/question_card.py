"""The card of a question about exits: its words, and the figures of this moment.

Pure but for what it reads off the helm: rules, prices and plans as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Ask
from engine.gate import is_stop
from engine.messages import Wish
from engine.model import Mode, Urgency
from engine.money import signed_rupees
from engine.preview import priced
from engine.rules.base import in_words
from engine.sessions import ist_date

if TYPE_CHECKING:
    from engine.gate import Confirmation
    from engine.helm import Helm
    from engine.intents import LegPlan
    from engine.model import Position, Verdict
    from engine.preview import Priced
    from engine.pricing import Touch

__all__ = ["Drawing", "name_of", "title_of"]

#: The preview of so many positions shows each leg; of more only the P&L of each.
IN_FULL = 4


class Drawing:
    """Draws the questions of one account.

    Args:
        helm: whose positions and prices are drawn.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm

    def card(
        self, asked: Confirmation, positions: tuple[Position, ...], exits: list[Priced],
        foot: tuple[str, ...], now_s: float,
    ) -> Ask:  # fmt: skip
        """The newest edition of a question; ``foot`` are its last lines."""
        verdict, by_hand = asked.verdict, asked.forced
        said = () if verdict is None or by_hand else (f"{verdict.reason}.",)
        moved: tuple[str, ...] = ("Prices have moved: look again.",) if asked.again else ()
        moved += ("A yes now counts at any price.",) if asked.again and is_stop(asked) else ()
        lines = (*moved, *said, *self._preview(positions, verdict, exits, now_s), *foot)
        paper = " (on paper)" if self._helm.mode is Mode.SIMULATE else ""
        what = f"{self._part_words(positions, verdict)}{asked.title}"
        head = f"Exit {what}{paper}?"
        if verdict is not None and not by_hand:
            head = f"{in_words(verdict.rule)}: exit {asked.title}?"
        return Ask(
            asked.nonce, Wish.EXIT, head, lines, asked.expires_s,
            Urgency.NORMAL if verdict is None or by_hand else verdict.urgency, "Exit now",
            "Cancel" if by_hand else "Not now", positions[0].id if len(positions) == 1 else None,
            edition=max(asked.shown),
        )  # fmt: skip

    def _part_words(self, positions: tuple[Position, ...], verdict: Verdict | None) -> str:
        part = self._helm.starts.part_of(positions[0], verdict) if len(positions) == 1 else None
        return "" if part is None else f"{part.closes} of {part.open} of "

    def _preview(
        self, positions: tuple[Position, ...], verdict: Verdict | None, exits: list[Priced], now_s: float
    ) -> tuple[str, ...]:
        """What each exit would do and the P&L as it stands; of several also the sum, where it is known."""
        lines: tuple[str, ...] = ()
        pnls: list[int | None] = []
        for position, exit_ in zip(positions, exits, strict=True):
            figures = self._helm.watch.figures(position.id, now_s)
            whole = self._helm.starts.part_of(position, verdict) is None
            pnls.append(figures.pnl_paise)
            net = figures.closing_pnl_paise if whole else exit_.made_paise
            shown = exit_.lines if len(positions) <= IN_FULL else exit_.money
            differs = self._helm.differences.told(position.id)
            held = (f"{differs} No more than is held is traded.",) if differs else ()
            name = (name_of(position),) if len(positions) > 1 else ()
            lines += (*(("",) if lines else ()), *name, *shown(figures.pnl_paise, net), *held)
        known = [pnl for pnl in pnls if pnl is not None]
        together = len(positions) > 1 and len(known) == len(pnls)
        return (*lines, "", f"P&L together {signed_rupees(sum(known))}") if together else lines

    def exits(self, positions: tuple[Position, ...], verdict: Verdict | None, now_s: float) -> list[Priced]:
        """Each exit, priced at this moment."""
        watch, made = self._helm.watch, []
        rates = None if watch.charges is None else watch.charges.on(ist_date(now_s))
        for position in positions:
            plan = self._helm.starts.plan(position, self._helm.starts.part_of(position, verdict))
            seen = {leg.key: watch.book.peek(leg.key) for leg in plan}
            made.append(
                priced(
                    plan,
                    {leg.key: leg.instrument for leg in position.legs},
                    {leg.key: self._helm.touch(leg.key) for leg in plan},
                    {key: tick for key, tick in seen.items() if tick is not None},
                    rates,
                    self._helm.config.tuning,
                )
            )
        return made

    def legs(self, positions: tuple[Position, ...], verdict: Verdict | None) -> list[tuple[LegPlan, Touch]]:
        """What the exits would trade, and the prices to expect."""
        starts = self._helm.starts
        plans = [starts.plan(each, starts.part_of(each, verdict)) for each in positions]
        return [(leg, self._helm.touch(leg.key)) for plan in plans for leg in plan]

    def positions(self, asked: Confirmation) -> tuple[Position, ...]:
        """Those of its positions that are still there."""
        held = self._helm.holdings.positions
        return tuple(p for name in asked.positions if (p := held.get(name)) is not None)


def name_of(position: Position) -> str:
    """A position as questions name it."""
    return f"{position.strategy_id} {position.symbol} {position.strategy}"


def title_of(positions: tuple[Position, ...]) -> str:
    """One position, or how many."""
    return name_of(positions[0]) if len(positions) == 1 else f"{len(positions)} positions"
