"""Who is snoozed: the one owner of the leashes, from the command to the word that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert, Audit, Record, Say
from engine.errors import BadInput
from engine.leash import Leash, read_terms
from engine.model import PositionId, Urgency
from engine.money import rupees
from engine.recoveries import tells_an_end

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from engine.effects import Effect
    from engine.helm import Helm
    from engine.leash import Terms
    from engine.messages import Command
    from engine.model import Position

__all__ = ["Leashes"]

_KIND = "leash"
_OFF = "off"


class Leashes:
    """The snoozed positions of one account.

    NORMAL and MEDIUM alerts of such a position are counted instead of told. HIGH ones, questions, the end
    of a trouble, and all that a running exit says are told as ever.

    Args:
        helm: whose positions they are.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._leashes: dict[PositionId, Leash] = {}

    def restore(self, journal: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal remembers."""
        self._leashes = {PositionId(key): Leash.from_json(row) for key, row in journal.items() if row}

    def words(self, position: PositionId) -> str:
        """Until when it is quiet about this one; empty = it is not."""
        leash = self._leashes.get(position)
        return leash.words() if leash is not None else ""

    # --------------------------------------------------------------------------------- commands

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """Snooze each position of this strategy id, end its snooze, or say why not."""
        wanted = [p for p in self._helm.holdings.positions.values() if p.strategy_id == command.strategy_id]
        if not wanted:
            text = f"No open position {command.strategy_id}. /status lists what is watched."
            return [Say(command.by, text)]
        if command.value.strip().lower() == _OFF:
            return [effect for position in wanted for effect in self._ended_by(position, command)]
        try:
            terms = read_terms(command.value)
        except BadInput as error:
            return [Say(command.by, str(error))]
        return [effect for position in wanted for effect in self._begin(position, terms, command, now_s)]

    def _begin(self, position: Position, terms: Terms, command: Command, now_s: float) -> list[Effect]:
        pnl, spot = self._helm.watch.stands(position.id, now_s)
        name = f"{position.strategy_id} {position.symbol} {position.strategy}"
        if terms.worse_paise is not None and pnl is None:
            return [Say(command.by, f"{name} is not snoozed: its P&L is unknown. Minutes alone would do.")]
        if terms.level_paise is not None and spot is None:
            return [Say(command.by, f"{name} is not snoozed: the price of {position.symbol} is unknown.")]
        leash = Leash(
            position.id, position.symbol, tuple(sorted(leg.row_id for leg in position.legs)), command.by.name,
            now_s + 60.0 * terms.minutes, terms.worse_paise,
            None if terms.worse_paise is None or pnl is None else pnl - terms.worse_paise,
            terms.level_paise, terms.above,
        )  # fmt: skip
        if why := leash.over(pnl, spot, now_s):
            return [Say(command.by, f"{name} is not snoozed: {why} already.")]
        now = "unknown" if pnl is None else rupees(pnl)
        text = (
            f"{name}: {leash.words()}. P&L now {now}. HIGH alerts, questions and exits are told as ever, and "
            f"its rules go on. /snooze {position.strategy_id} off ends it."
        )
        audit = Audit("snooze", {**leash.to_json(), "pnl_paise": pnl, "underlying_paise": spot})
        return [self._put(leash), audit, Say(command.by, text)]

    def _ended_by(self, position: Position, command: Command) -> list[Effect]:
        leash = self._leashes.get(position.id)
        if leash is None:
            return [Say(command.by, f"{position.strategy_id} is not snoozed.")]
        said = Say(command.by, f"{position.strategy_id} is told of again.{_missed(leash)}")
        return [*self._end(leash, f"by {command.by.name}"), said]

    # ------------------------------------------------------------------------------------ its life

    def look(self, now_s: float) -> list[Effect]:
        """End what is over: in time, by P&L or underlying, or with the position."""
        effects: list[Effect] = []
        for name, leash in list(self._leashes.items()):
            position = self._helm.holdings.positions.get(name)
            if position is None:
                loaded = self._helm.holdings.intake.loaded
                effects += self._end(leash, "the position is gone") if loaded else []
            elif not {leg.row_id for leg in position.legs} & set(leash.rows):
                effects += self._end(leash, "it is another position")
            else:
                effects += self._look_at(position, leash, now_s)
        return effects

    def _look_at(self, position: Position, leash: Leash, now_s: float) -> list[Effect]:
        pnl, spot = self._helm.watch.stands(position.id, now_s)
        leash = self._leashes[position.id] = leash.seen(pnl, spot, now_s)
        why = leash.over(pnl, spot, now_s)
        if not why:
            return []
        timely = now_s >= leash.until_s
        text = f"{position.symbol} {position.strategy}: {why}. Its alerts are told again.{_missed(leash)}"
        alert = Alert(
            Urgency.NORMAL if timely else Urgency.MEDIUM, f"snooze:{position.id}:{leash.until_s:.0f}",
            "A snooze is over", text, position.id,
        )  # fmt: skip
        return [*self._end(leash, why), alert]

    def hushed(self, effects: list[Effect]) -> list[Effect]:
        """What remains to be told of what a message has brought about."""
        if not self._leashes:
            return effects
        kept: list[Effect] = []
        for effect in effects:
            leash = self._silences(effect) if type(effect) is Alert else None
            kept.append(effect if leash is None else self._put(leash))
        return kept

    def _silences(self, alert: Alert) -> Leash | None:
        """The leash, after it has counted this alert; None = it is to be told."""
        leash = None if alert.position is None else self._leashes.get(alert.position)
        if leash is None or alert.position is None:
            return None
        loud = alert.urgency is Urgency.HIGH or tells_an_end(alert.topic)
        return None if loud or self._helm.desk.of(alert.position) else leash.silenced(alert.title)

    def _put(self, leash: Leash) -> Record:
        self._leashes[PositionId(leash.position)] = leash
        return Record(_KIND, leash.position, leash.to_json())

    def _end(self, leash: Leash, why: str) -> list[Effect]:
        del self._leashes[PositionId(leash.position)]
        data = {"position": leash.position, "why": why, "missed": leash.missed}
        return [Record(_KIND, leash.position, {}), Audit("snooze over", data)]


def _missed(leash: Leash) -> str:
    """What was not told meanwhile."""
    if not leash.missed:
        return " Nothing was held back."
    older = leash.missed - len(leash.titles)
    more = [f"and {older} before"] if older else []
    return f" Held back: {'; '.join([*reversed(leash.titles), *more])}."
