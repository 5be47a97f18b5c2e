"""The life of each position under watch: taken over, armed anew, remembered, gone, ended.

What is remembered of a position (peaks, told levels, what its parts have brought) and what people have
tightened belongs to one life of it. One that goes and comes back with its rows goes on with both; one that
was closed does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import notices
from engine.effects import Audit, Record
from engine.model import PositionId, Urgency
from engine.override_book import OverrideBook
from engine.sessions import ist_date
from engine.watch import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from engine.contracts import Contracts
    from engine.effects import Effect
    from engine.intents import Part
    from engine.model import Position
    from engine.reductions import Closed
    from engine.rules.base import Rank
    from engine.rules.overrides import Override
    from engine.watch import Watchlist

__all__ = ["TAKEN_OVER", "Lives"]

TAKEN_OVER = "position taken over"
#: The sign and the memory of a position of which nothing was saved yet.
_UNSAVED = (None, None)


class Lives:
    """Positions by id, each under watch, with its memory and its overrides.

    Args:
        watch: where they are valued and judged.
        contracts: what the contracts of each are.
        busy: an exit of this position is running: its legs are not to be touched.
        silence: from which rank on the position's rules are silent (exit, open question, snooze, stuck);
            None = all may speak.

    Attributes:
        positions: those that are watched.
        flat: those that were closed today, as they were.
    """

    def __init__(
        self,
        watch: Watchlist,
        contracts: Contracts,
        *,
        busy: Callable[[PositionId], bool],
        silence: Callable[[PositionId], Rank | None],
    ) -> None:
        self._watch = watch
        self._contracts = contracts
        self._busy = busy
        self._silence = silence
        self.positions: dict[PositionId, Position] = {}
        self.flat: dict[PositionId, Position] = {}
        self._overrides = OverrideBook()
        self._memories: dict[PositionId, Memory] = {}  # of those that are not watched, or not with it yet
        self._saved: dict[PositionId, tuple[tuple[object, ...], Memory]] = {}  # and the sign of it
        self._told_bare: dict[PositionId, date] = {}

    def restore(
        self, memories: Mapping[str, Mapping[str, Any]], overrides: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Take over what the journal knows: peaks, told levels, overrides."""
        self._overrides.restore(overrides)
        for key, value in memories.items():
            self._memories[PositionId(key)] = Memory.from_json(value)

    def start_day(self, now_s: float) -> None:
        """A day begins: what ended before it is no part of it."""
        today = ist_date(now_s)
        self.flat.clear()
        self._told_bare = {name: day for name, day in self._told_bare.items() if day == today}

    # ------------------------------------------------------------------------------- under watch

    def complete(self, position: Position) -> Position:
        """The position with what rows said that our partial exits have ended; most have nothing to add."""
        here = position.id in self.positions and position.id not in self._memories
        if here and self._watch.said(position.id) is None:
            return position
        return self.memory(position.id).complete(position)

    def change(self, name: PositionId, position: Position | None, now_s: float) -> list[Effect]:
        """Watch a position as it is now, or no more (None); one that has begun to exit is left alone."""
        known = self.positions.get(name)
        if known == position or (known is not None and self._busy(name)):
            return []
        if position is not None:
            return self.put(position, now_s)
        assert known is not None  # noqa: S101 - else it were equal
        self.drop(name)
        return [Audit("position gone", {"position": name}), notices.gone(known)]

    def put(self, position: Position, now_s: float) -> list[Effect]:
        """Watch it by these legs and the rules of now; on the same legs it is armed anew."""
        known = self.positions.get(position.id)
        memory = self.memory(position.id)
        self._memories.pop(position.id, None)
        armed_anew = known is not None and known.legs == position.legs
        told = self._watch.notes(position.id) if armed_anew else ()
        self.positions[position.id] = position
        self.flat.pop(position.id, None)
        kept = self._contracts.learn(position) + self._overrides.follow(position, known=known is not None)
        self._watch.override(position.id, self._overrides.of(position.id))
        notes = self._watch.put(position, memory, now_s)
        if not armed_anew and (rank := self._silence(position.id)) is not None:
            self._watch.hold(position.id, rank)  # armed anew on the same legs it is held already
        event = "rules armed anew" if armed_anew else "position changed" if known else TAKEN_OVER
        effects: list[Effect] = [*kept, Audit(event, {"position": position.id, "legs": len(position.legs)})]
        unprotected = self._watch.unprotected(position.id)
        loud = Urgency.MEDIUM if unprotected else Urgency.NORMAL
        effects += [
            notices.refusal(position, note, loud) for note in notes if note.refused and note not in told
        ]
        return effects + (self._tell_bare(position, now_s) if unprotected else [])

    def drop(self, position: PositionId) -> None:
        """Watch it no more; it may come back."""
        if self.positions.pop(position, None) is not None:
            self._memories.setdefault(position, self._watch.memory(position))
        self._saved.pop(position, None)
        self._watch.drop(position)

    def rearm(self, now_s: float) -> list[Effect]:
        """The rules changed: arm those of every position anew; peaks, told levels and holds stay."""
        effects: list[Effect] = []
        for position in tuple(self.positions.values()):
            effects += self.put(position, now_s)
        return effects

    def override(self, position: Position, override: Override, now_s: float) -> list[Effect]:
        """Tighten a rule of a position at once, and for as long as the position lives."""
        return [self._overrides.add(position, override), *self.put(position, now_s)]

    def unprotected(self, now_s: float) -> list[Effect]:
        """Say of each position that no loss rule guards it, once a day."""
        bare = [p for p in self.positions.values() if self._watch.unprotected(p.id)]
        return [effect for position in bare for effect in self._tell_bare(position, now_s)]

    def _tell_bare(self, position: Position, now_s: float) -> list[Effect]:
        today = ist_date(now_s)
        if self._told_bare.get(position.id) == today:
            return []
        self._told_bare[position.id] = today
        return [notices.unprotected(position)]

    # -------------------------------------------------------------------------------- what is remembered

    def memory(self, position: PositionId) -> Memory:
        """What is remembered of a position, watched at the moment or not."""
        if position in self._memories or position not in self.positions:
            return self._memories.get(position, Memory())
        return self._watch.memory(position)

    def remember(self, positions: Iterable[PositionId]) -> list[Effect]:
        """Peaks, troughs and told levels of these that changed since they were last kept."""
        effects: list[Effect] = []
        for position in positions:
            if position not in self.positions:
                continue
            sign, (known, saved) = (
                self._watch.watched(position).memory_sign,
                self._saved.get(position, _UNSAVED),
            )
            if sign == known:
                continue
            memory = self._watch.memory(position)
            self._saved[position] = sign, memory
            if memory != saved:
                effects.append(Record("memory", position, memory.to_json()))
        return effects

    # ------------------------------------------------------------------------------------- ending

    def end(self, name: PositionId) -> list[Record]:
        """It is closed. A later position of the same name begins its life anew."""
        position = self.positions.get(name)
        if position is not None:
            self.flat[name] = position
        self.drop(name)
        self._memories.pop(name, None)
        return [Record("memory", name, Memory().to_json()), *self._overrides.end(name)]

    def end_part(self, name: PositionId, part: Part, closed: Closed) -> Record:
        """A part of it is closed: what that brought is remembered, for the legs that are left."""
        memory = self.memory(name)
        if closed.ended and name in self.positions:
            memory = memory.listen(self.positions[name])
        memory = memory.after_part(closed.realised_paise, (part.left, part.entry))
        self._memories[name] = memory
        return Record("memory", name, memory.to_json())

    def go_on(self, name: PositionId, now_s: float) -> None:
        """Its rows are worked in; where they had been changed by hand already, it goes on with its memory."""
        if name in self.positions and (memory := self._memories.pop(name, None)) is not None:
            self._watch.put(self.positions[name], memory, now_s)
