"""Whether each position's exit could go at this moment, known and shown before a rule wants it.

What is wrong with the position itself is found here and told when it begins and when it is over. What
stops every exit at once (token, address, journal, ...) has words of its own elsewhere and is only shown.
Looked at when positions or contracts have changed and each minute, never on a tick; who asks in between
is shown what stands at that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.effects import Alert, Audit, GoOn
from engine.messages import Beat, BeatKind, Further, InstrumentsLoaded, TradesLoaded
from engine.model import Mode, Side, Urgency
from engine.preflight import Light, access_bar, leg_faults, price_faults

if TYPE_CHECKING:
    from engine.access import AccessWatch
    from engine.effects import Effect
    from engine.helm import Helm
    from engine.intents import LegPlan
    from engine.messages import Message, Tick
    from engine.model import Position, PositionId

__all__ = ["Readiness", "Ready"]

#: A contract without any price is waited for so long: after a start or an open the first one comes late.
PRICE_AFTER_S = 60.0
#: A price of a contract that is older than this is worth a word; quotes of quiet contracts do not move.
OLD_PRICE_S = 300.0
#: More positions than this that change at once are told together.
TOLD_ALONE = 3
#: So many exits are planned in one piece: some 2 ms, beside what else that handling has to do.
PLANNED_AT_ONCE = 20
#: And so many are looked at in one piece: some 2 ms.
LOOKED_AT_ONCE = 100

Fault = tuple[Light, str]

_AFTER = (TradesLoaded, InstrumentsLoaded, Further)


class Ready(NamedTuple):
    """How the exit of a position stands.

    Attributes:
        light: RED = an order of it would be refused, or could not be sent.
        text: a sentence without its full stop, e.g. ``exit ready``.
        shared: what stops it stops every exit, and is told elsewhere.
    """

    light: Light
    text: str
    shared: bool = False


class _Entry:
    """What was found about one position; its plan stands until the position changes.

    Attributes:
        legs: each contract's plan, whether it is bought, and between which prices the exchange takes orders.
        standing: what is wrong whatever the prices.
        seen, priced: each leg's quote when it was looked at last, and what was wrong with it.
        bare_s: since when a leg has no price at all; None = all have one.
        red: what was told to be wrong; empty = nothing.
    """

    __slots__ = ("bare_s", "legs", "position", "priced", "red", "seen", "standing")

    def __init__(self, position: Position, plan: list[LegPlan], before: _Entry | None) -> None:
        self.position = position
        self.legs = [
            (leg, leg.side is Side.BUY, leg.lower_paise or 1, leg.upper_paise or 10**18) for leg in plan
        ]
        self.standing = [fault for leg in plan for fault in leg_faults(leg)]
        self.seen: list[Tick | None] = [None] * len(plan)
        self.priced: list[list[Fault]] = [[] for _ in plan]
        self.bare_s: float | None = None if before is None else before.bare_s
        self.red: str = "" if before is None else before.red


class Readiness:
    """Keeps every open position's exit plan ready and checked.

    Args:
        helm: whose positions they are.
        access: what the broker has said of our access.
    """

    def __init__(self, helm: Helm, access: AccessWatch) -> None:
        self._helm = helm
        self._access = access
        self._entries: dict[PositionId, _Entry] = {}
        self._held: tuple[Position, ...] = ()  # when it was last looked
        self._round: list[PositionId] = []  # who is yet to be looked at
        self._news: tuple[list[_Entry], list[_Entry]] = [], []  # who is bad, and who is good again

    # ------------------------------------------------------------------------------- what stands

    def bar(self, now_s: float) -> str:
        """Why no exit at all could be sent now, a closed market apart; empty = nothing is known."""
        if degraded := self._helm.degraded(now_s):
            return degraded
        return "" if self._helm.mode is Mode.SIMULATE else access_bar(self._access.state, now_s)

    def of(self, position: PositionId, now_s: float) -> Ready | None:
        """How the exit of a position stands; None while it runs, before the first look, and of none."""
        entry = self._entries.get(position)
        if entry is None or self._helm.desk.of(position) is not None:
            return None
        session = self._helm.calendar.is_open(now_s)
        light, text = _worst(self._faults(entry, now_s, session=session))
        if light is Light.RED:
            return Ready(Light.RED, f"exit would be refused: {text}")
        if self._helm.mode is Mode.ALERT_ONLY:
            return None  # it sends no exit, so that none is ready
        if bar := self.bar(now_s):
            return Ready(Light.RED, f"exit would be refused: {bar}", shared=True)
        when = "" if session else " for the next session"
        return Ready(light, f"exit ready{when}{'; ' if text else ''}{text}")

    # ------------------------------------------------------------------------------------- looks

    def after(self, message: Message, now_s: float) -> list[Effect]:
        """Look again when this may have changed something."""
        if isinstance(message, Beat):
            return self.look(now_s) if message.kind is BeatKind.HEALTH else []
        if isinstance(message, Further | TradesLoaded) and self._helm.holdings.intake.unfinished:
            return []  # positions are still coming: the last piece of it is followed by a look
        quiet = (Further,) if self._helm.desk.intents else (Further, TradesLoaded)
        if isinstance(message, quiet) and self._held == self._holds() and not self._round:
            return []  # mostly the store says what it said
        return self.look(now_s) if isinstance(message, _AFTER) else []

    def look(self, now_s: float) -> list[Effect]:
        """Look at each position's exit, as far as something has changed, and tell what is news."""
        held = self._helm.holdings.positions
        session = self._helm.calendar.is_open(now_s)
        for name in self._entries.keys() - held.keys():
            del self._entries[name]
        if not self._planned():
            return [GoOn()]  # what is news is told of all of them together
        if not self._round:
            self._held, self._round, self._news = self._holds(), list(held), ([], [])
        bad, good = self._news
        turn, self._round = self._round[:LOOKED_AT_ONCE], self._round[LOOKED_AT_ONCE:]
        for name in turn:
            entry = self._entries.get(name)
            if entry is None or (entry.red and entry.bare_s is not None and not session):
                continue  # gone meanwhile; or told, and nobody knows before the market opens again
            faults = self._faults(entry, now_s, session=session, looks=True)
            light, text = _worst(faults) if faults else (Light.GREEN, "")
            if (light is Light.RED) != bool(entry.red):
                (bad if light is Light.RED else good).append(entry)
                entry.red = text if light is Light.RED else ""
        if self._round:
            return [GoOn()]
        return self._tell(bad, good, loud=session) if bad or good else []

    def _planned(self) -> bool:
        """Plan the exits that are new or have changed, so many at once; whether that were all."""
        exited = {intent.position for intent in self._helm.desk.intents.values()}
        left = PLANNED_AT_ONCE
        for name, position in self._helm.holdings.positions.items():
            entry = self._entries.get(name)
            if entry is not None and entry.position is position and (name not in exited):
                continue
            if not left:
                return False
            left -= name not in exited
            self._entries[name] = _Entry(position, self._helm.starts.plan(position, None), entry)
        return True

    def _holds(self) -> tuple[Position, ...]:
        return tuple(self._helm.holdings.positions.values())

    def _faults(self, entry: _Entry, now_s: float, *, session: bool, looks: bool = False) -> list[Fault]:
        """What is wrong at this moment; a price that is missing is only noted for `PRICE_AFTER_S`.

        ``looks``: remember since when it is missing, which nobody's glance in between may do.
        """
        found = self._priced(entry, now_s) if session else []
        bare = any(light is Light.RED for light, _ in found)
        if looks:
            entry.bare_s = (now_s if entry.bare_s is None else entry.bare_s) if bare else None
        if bare and (entry.bare_s is None or now_s - entry.bare_s < PRICE_AFTER_S):
            found = [(Light.AMBER, text) for _, text in found]
        return entry.standing + found if found else entry.standing

    def _priced(self, entry: _Entry, now_s: float) -> list[Fault]:
        """What is wrong with the prices of its legs; a quote that was looked at is not looked at again."""
        book, seen, priced = self._helm.watch.book, entry.seen, entry.priced
        found: list[Fault] = []
        for index, (leg, buys, lower_paise, upper_paise) in enumerate(entry.legs):
            tick = book.peek(leg.key)
            if tick is None or tick is not seen[index]:
                seen[index] = tick
                far = None if tick is None else tick.ask_paise if buys else tick.bid_paise
                sound = far is not None and lower_paise <= far <= upper_paise
                touch = None if sound or tick is None else self._helm.touch(leg.key)
                priced[index] = [] if sound else price_faults(leg, touch)
            elif now_s - (book.arrived_s(leg.key) or now_s) > OLD_PRICE_S:
                found.append((Light.AMBER, f"{leg.name}: its price is old"))
            if priced[index]:
                found += priced[index]
        return found

    # -------------------------------------------------------------------------------------- news

    def _tell(self, bad: list[_Entry], good: list[_Entry], *, loud: bool) -> list[Effect]:
        sends = self._helm.mode in (Mode.SEMI_AUTO, Mode.EXECUTE)
        urgency = Urgency.HIGH if loud and sends else Urgency.MEDIUM
        return [
            *_told(bad, urgency, "exit-refused", "would be refused"),
            *_told(good, Urgency.MEDIUM, "exit-ready", "can go again"),
        ]


def _worst(faults: list[Fault]) -> Fault:
    """The worst light, and all that is of it; green where nothing is wrong."""
    light = max((light for light, _ in faults), default=Light.GREEN)
    return light, "; ".join(text for each, text in faults if each is light)


def _told(entries: list[_Entry], urgency: Urgency, topic: str, what: str) -> list[Effect]:
    """One alert each; of many at once one for all."""
    audits: list[Effect] = [
        Audit(topic, {"position": entry.position.id, "why": entry.red}) for entry in entries
    ]
    if len(entries) > TOLD_ALONE:
        lines = [f"{_name(entry.position)}: {entry.red}".removesuffix(": ") for entry in entries]
        title = f"The exits of {len(entries)} positions {what}"
        return [
            *audits,
            Alert(urgency, f"{topic}:{entries[0].position.id}+{len(entries)}", title, "\n".join(lines)),
        ]
    return audits + [
        Alert(
            urgency, f"{topic}:{entry.position.id}", f"An exit {what}",
            f"{_name(entry.position)}{': ' if entry.red else ''}{entry.red}.", entry.position.id,
        )
        for entry in entries
    ]  # fmt: skip


def _name(position: Position) -> str:
    return f"{position.strategy_id} {position.symbol} {position.strategy}"
