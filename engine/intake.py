"""How a reading of the trade store becomes positions under watch, a piece at a time.

A failed load changes nothing. What a reading comes to is laid beside what is held only when all of it is
worked out: nothing is taken for gone because a part has not been looked at yet. What differs is then worked
in, position by position, each whole and in one piece.

Few news are worked in within the handling that brings them. Many (a start, an import, another master) take
turns, a few at a time (`Intake.go_on`), with ticks between them, and then:

* At a start nobody is judged before all are watched (`HotPath.filling`): the guards go by contracts beside
  each other, and half of them would be half a guard.
* Later everybody is judged on. Who has news that are not worked in yet has the rules of before, for some
  milliseconds; but nothing is done of what they say: they are brought up to date first (`catch_up`) and asked
  again, so that no decision is made by rows that were known to be old.
* Whoever adds up or compares all positions waits until the last is worked in (`whole`), as he had to when
  that was one piece. A command or a tap works in what is left before it is heard (`finish`).
* A reading that comes meanwhile takes the place of the one that is being worked in: what both say alike is
  not done again, and the newest is what counts.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from engine import notices
from engine.effects import Audit, GoOn, Record
from engine.lives import TAKEN_OVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.effects import Effect
    from engine.left_out import LeftOut
    from engine.lives import Lives
    from engine.model import Position, PositionId
    from engine.reading import Reading
    from engine.watch import Watchlist

__all__ = ["Intake"]

#: So many strategies' rows are worked out in one piece: some 1.5 ms.
GROUPED_AT_ONCE = 40
#: So many positions are put under watch in one piece: some 3 ms; and gone ones, whose lines are left.
WATCHED_AT_ONCE = 8
#: So many lines that the journal keeps of them leave in one piece: some 3 ms.
KEPT_AT_ONCE = 100
#: With more strategies than so many each look at all of them is a piece of its own: some 2 ms for a thousand.
LARGE = 200


class Intake:
    """What of the newest reading is still to be worked in, and how far that is.

    Args:
        reading: what store and master say.
        lives: the positions that are kept in step with it.
        left_out: what of it cannot be watched.
        watch: judges nobody while the first positions are put under watch.
        busy: an exit of this position is running: its legs are not to be touched.
        sums: what all positions together come to, to be said anew once all are those of one reading.

    Attributes:
        loaded: every position that the store lists has been put under watch, once.
    """

    def __init__(
        self,
        reading: Reading,
        lives: Lives,
        left_out: LeftOut,
        watch: Watchlist,
        busy: Callable[[PositionId], bool],
        *sums: Callable[[], list[Effect]],
    ) -> None:
        self._reading = reading
        self._lives = lives
        self._left_out = left_out
        self._watch = watch
        self._busy = busy
        self._all_sums = sums
        self.loaded = False
        self._grouping = False  # a reading is being worked out
        self._due: dict[PositionId, Position | None] = {}  # what is to be worked in; None = it is gone
        self._sums: list[Callable[[], list[Effect]]] = []  # those that are yet to be said
        self._owed: list[Effect] = []  # what the journal is yet to have
        self._waited_for = False

    # ------------------------------------------------------------------------------- how far it is

    @property
    def whole(self) -> bool:
        """Whether all positions are those of one reading, so that they may be added up and compared."""
        return self.loaded and not self.parted

    @property
    def parted(self) -> bool:
        """Whether a reading is being worked in: some positions may be those of the one before, or missing."""
        return self._grouping or bool(self._due)

    @property
    def unfinished(self) -> bool:
        """Whether `go_on` has something to do."""
        return self._grouping or bool(self._due or self._sums or self._owed)

    def note_parted(self) -> None:
        """A handling has found it `parted`, if it is: whoever adds up or compares has had to wait."""
        self._waited_for = self._waited_for or self.parted

    @property
    def rejoined(self) -> bool:
        """Whether they have had to wait, and need not any more."""
        return self._waited_for and self.whole

    def forget_parted(self) -> None:
        """They have added up and compared."""
        self._waited_for = False

    def behind(self, name: PositionId) -> bool:
        """Whether rows of it were heard that are not worked in yet; one that exits waits for none."""
        if not self.loaded or self._busy(name):
            return False
        if self._grouping:
            found = self._reading.groups.of(name).positions
            return not found or self._lives.complete(found[0]) != self._lives.positions.get(name)
        return name in self._due

    # -------------------------------------------------------------------------------- getting on

    def begin(self, now_s: float) -> list[Effect]:
        """Work out what rows and master come to now, and work it in; as much of it as one handling may."""
        if not self._reading.complete:
            return []
        under_way = self.unfinished
        self._reading.group(now_s)
        self._grouping = True
        effects = [] if self._large else self.owe(self._advance(now_s))
        return [*effects, GoOn()] if self.unfinished and not under_way else effects

    def go_on(self, now_s: float) -> list[Effect]:
        """The next piece of what is `unfinished`; the journal's lines come last."""
        if self._grouping or self._due or self._sums:
            return self.owe(self._advance(now_s))
        now, self._owed = self._owed[:KEPT_AT_ONCE], self._owed[KEPT_AT_ONCE:]
        return now

    def finish(self, now_s: float) -> list[Effect]:
        """All of it that changes positions, at once; nothing before the first of them is watched."""
        effects: list[Effect] = []
        while (self._grouping and self.loaded) or self._due:
            effects += self.owe(self._advance(now_s))
        return effects

    def catch_up(self, names: Iterable[PositionId], now_s: float) -> list[Effect]:
        """Work these in that are `behind`, before anything is done about them."""
        effects: list[Effect] = []
        for name in names:
            if self._grouping:
                found = self._reading.groups.of(name).positions
                if not found:  # gone, or none that can be watched: told with all of the reading
                    return effects + self.finish(now_s)
                effects += self._lives.change(name, self._lives.complete(found[0]), now_s)
            elif name in self._due:
                effects += self._work_in((name,), now_s)
        return self.owe(effects)

    def owe(self, effects: list[Effect]) -> list[Effect]:
        """Of many positions the journal hears one after the other; all other effects leave now.

        What waits hangs on nothing: that they are watched, and by which contracts. A crash in between learns
        both again. Nothing of it overtakes what waits already, which may be about the same contracts.
        """
        late = [effect for effect in effects if _may_wait(effect)]
        if not (self._owed or self._due or len(late) > KEPT_AT_ONCE):
            return effects
        self._owed += late
        waits = set(map(id, late))
        return [effect for effect in effects if id(effect) not in waits]

    # ------------------------------------------------------------------------------------ pieces

    @property
    def _large(self) -> bool:
        """Whether each look at all strategies is to be a piece of its own."""
        return len(self._reading.groups) > LARGE

    def _advance(self, now_s: float) -> list[Effect]:
        """The next piece; in a house that is not large also what comes after it, as long as it is little."""
        effects: list[Effect] = []
        if self._grouping:
            groups = self._reading.groups
            if groups.due:
                groups.work(GROUPED_AT_ONCE)
                if groups.due or self._large:
                    return effects
            effects += self._compare()
            if self._large or len(self._due) > WATCHED_AT_ONCE:
                return effects
        if self._due:
            effects += self._work_in(tuple(islice(self._due, WATCHED_AT_ONCE)), now_s)
            if self._due or self._large:
                return effects
        while self._sums:
            effects += self._sums.pop(0)()
            if self._large:
                break
        return effects

    def _compare(self) -> list[Effect]:
        """Lay what a reading comes to beside what is held: what is to be worked in."""
        self._grouping = False
        listed_as, contracts = self._reading.groups.answer(), self._reading.contracts
        found = {position.id: position for position in map(self._lives.complete, listed_as.positions)}
        effects = self._reading.ask_for_missed(listed_as.missed)
        effects += self._left_out.take_invalid(listed_as.invalid)
        for bad in listed_as.invalid:
            if not self._busy(bad.id):  # a leg may have expired in the night: the others are still sold
                self._lives.drop(bad.id)
        effects += self._left_out.take_aside(found.values(), listed_as.aside, self._reading.instruments)
        held = self._lives.positions
        due = {name: position for name, position in found.items() if held.get(name) != position}
        due = {name: position for name, position in due.items() if name not in held or not self._busy(name)}
        effects += contracts.keep(held.keys() | due.keys())
        for name, why in contracts.news():
            position = due.get(name) or held[name]
            effects.append(notices.changed(position, why, contracts.odd(position)))
        gone = [name for name in held if name not in found and not self._busy(name)]
        self._due = {**due, **dict.fromkeys(gone)}
        self._watch.filling = not self.loaded and bool(due)
        if not self._due:
            self._worked_in()
        return effects

    def _work_in(self, names: Iterable[PositionId], now_s: float) -> list[Effect]:
        """Work these in; with the last of them all positions are those of the reading."""
        effects: list[Effect] = []
        for name in names:
            effects += self._lives.change(name, self._due.pop(name), now_s)
        if not self._due:
            self._worked_in()
        return effects

    def _worked_in(self) -> None:
        """All positions are those of one reading: whoever adds them up may."""
        self.loaded, self._watch.filling = True, False
        self._sums = list(self._all_sums)


def _may_wait(effect: Effect) -> bool:
    """Whether it says no more than that a position is watched, and by which contracts."""
    if isinstance(effect, Audit):
        return effect.event == TAKEN_OVER
    return isinstance(effect, Record) and effect.kind == "contracts"
