"""What became of each position: its events, its extremes and its money, gathered as they happen.

Events come from the monitor's own effects. Once an exit runs, the P&L is counted from the paper
exchange's fills and the marks of what is left. Amounts are integer paise, moments epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import nextafter
from typing import TYPE_CHECKING, Any

from engine.effects import Alert, Ask, Audit
from engine.intents import IntentState, verdict_from_json
from engine.model import Action, Verdict
from engine.payoff import entry_price
from engine.rules.alerts import LOSS_ALERT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.broker_nouns import BrokerFill
    from engine.effects import Effect
    from engine.intents import Intent
    from engine.model import InstrumentKey, Position, PositionId
    from engine.monitor import Monitor
    from engine.orders import Order
    from engine.paper import PaperExchange
    from engine.sessions import Calendar

    #: A contract, and whether it is owned (or owed): the two are marked differently.
    _Held = tuple[InstrumentKey, bool]

#: How the reason of an exit that only joins a running one ends.
WHOLE_NOW, IN_A_HURRY = "the running exit closes everything now", "the running exit is in a hurry now"
#: First words of the topics of alerts about an exit, and about a position as such.
_OF_EXITS = frozenset(
    {"cap", "gate", "lapsed", "noprice", "overfill", "patience", "shrunk", "stuck", "unknown"}
)
_OF_POSITIONS = frozenset({"invalid", "mismatch", "rule", "unprotected"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a position; ``kind``: alert, verdict, exit, flat or held."""

    at_s: float
    kind: str
    verdict: Verdict


@dataclass(slots=True)
class Life:
    """One position from its take-over on.

    Attributes:
        peak_paise, trough_paise: of the gross P&L, realised included; None = it was never known.
        final_paise: gross, what is left at its last believable mark; None = never known.
        intents: its exits, oldest first.
        ended: verified flat.
        marks: the last believable marks of its legs.
    """

    position: Position
    events: list[Event] = field(default_factory=list)
    peak_paise: int | None = None
    trough_paise: int | None = None
    final_paise: int | None = None
    intents: list[Intent] = field(default_factory=list)
    ended: bool = False
    marks: dict[_Held, int] = field(default_factory=dict)

    @property
    def orders(self) -> list[Order]:
        """Its exit orders, oldest first."""
        return [order for intent in self.intents for order in intent.orders]

    @property
    def exiting(self) -> bool:
        """Whether an exit was decided that has not brought it flat."""
        return bool(self.intents) and not self.ended

    @property
    def stuck(self) -> bool:
        """Whether its last exit cannot go on by itself."""
        return bool(self.intents) and self.intents[-1].state is IntentState.STUCK

    def reach(self, pnl_paise: int | None) -> None:
        """Take note of a P&L."""
        if pnl_paise is not None:
            self.peak_paise = pnl_paise if self.peak_paise is None else max(self.peak_paise, pnl_paise)
            self.trough_paise = pnl_paise if self.trough_paise is None else min(self.trough_paise, pnl_paise)


class Story:
    """The lives of all positions of one replay."""

    def __init__(self, monitor: Monitor, calendar: Calendar, exchange: PaperExchange) -> None:
        self.lives: dict[PositionId, Life] = {}
        self._monitor = monitor
        self._calendar = calendar
        self._exchange = exchange
        self._audits: dict[str, Callable[[Mapping[str, Any], float], None]] = {
            "verdict": self._verdict,
            "intent": self._exit,
            "hastened": self._hastened,
            "flat": self._flat,
        }

    def begin(self, position: Position) -> None:
        """A position is about to be taken over."""
        self.lives[position.id] = Life(position)

    def take(self, effect: Effect, now_s: float) -> None:
        """Keep what an effect says of a position; most say nothing."""
        if isinstance(effect, Audit) and effect.event in self._audits:
            self._audits[effect.event](effect.data, now_s)
        elif isinstance(effect, Alert) and effect.position in self.lives:
            self._told(effect, self.lives[effect.position], now_s)
        elif isinstance(effect, Ask) and not effect.again:
            question = self._monitor.dialogue.questions.get(effect.nonce)
            for name in question.positions if question is not None else ():
                life = self.lives[name]
                asked = replace(
                    life.events[-1].verdict, reason="Asked for a yes; nobody answers in a replay."
                )
                life.events.append(Event(now_s, "held", asked))

    def follow(self, now_s: float) -> None:
        """New prices have come: value the positions that are being closed."""
        for life in self.lives.values():
            if life.exiting and life.position.id in self._monitor.holdings.positions:
                marks = self._marks(life, now_s)
                life.reach(self._pnl_paise(life, marks))
                life.marks |= marks

    def strike(self, close_s: float) -> None:
        """Prices stamped with the close itself are seen as if a moment before; nothing is judged by them."""
        for life in self.lives.values():
            if not life.ended and life.position.id in self._monitor.holdings.positions:
                marks = self._marks(life, nextafter(close_s, 0))
                life.reach(self._pnl_paise(life, marks))
                life.marks |= marks

    def close_day(self, now_s: float) -> None:
        """A day is over: take stock of what is there, at its last marks: tomorrow it may have expired."""
        session = self._calendar.window(now_s)
        self.take_stock(session.close_s if session.open_s <= now_s else now_s)

    def take_stock(self, now_s: float) -> None:
        """What every position that is there comes to now, at its last believable marks."""
        for life in self.lives.values():
            if life.ended or life.position.id not in self._monitor.holdings.positions:
                continue
            life.marks |= self._marks(life, now_s)
            if not life.exiting:
                self._reach_watched(life)
            life.final_paise = self._pnl_paise(life, life.marks)

    def end(self) -> None:
        """The recording is over: what a position came to in the end is a part of its life too."""
        for life in self.lives.values():
            life.reach(life.final_paise)

    # ----------------------------------------------------------------------------------- events

    def _verdict(self, data: Mapping[str, Any], now_s: float) -> None:
        life = self.lives[data["position"]]
        verdict = verdict_from_json(dict(data))
        if verdict.rule == LOSS_ALERT:
            verdict = replace(verdict, rule=self._stop_of(life, verdict, now_s))
        kind = "alert" if verdict.action is Action.ALERT else "verdict"
        life.events.append(Event(now_s, kind, verdict))

    def _stop_of(self, life: Life, alert: Verdict, now_s: float) -> str:
        """The loss rule that a loss alert is measured by: the result names settings only."""
        thresholds = self._monitor.watch.figures(life.position.id, now_s).thresholds
        return next((t.rule for t in thresholds if t.threshold_paise == alert.threshold_paise), alert.rule)

    def _exit(self, data: Mapping[str, Any], now_s: float) -> None:
        intent = self._monitor.desk.intents[data["id"]]
        life = self.lives[intent.position]
        if not life.intents:  # from then on its P&L is counted here
            self._reach_watched(life)
        life.intents.append(intent)
        life.marks |= self._marks(life, now_s)
        life.events.append(Event(now_s, "exit", intent.verdict))

    def _hastened(self, data: Mapping[str, Any], now_s: float) -> None:
        """A second verdict has joined the exit that runs: its reason says so."""
        intent = self._monitor.desk.intents[data["intent"]]
        events = self.lives[intent.position].events
        before = next(event.verdict for event in reversed(events) if event.kind == "exit")
        how = WHOLE_NOW if before.action is Action.SCALE_OUT else IN_A_HURRY
        joined = replace(intent.verdict, reason=f"{intent.verdict.reason}; {how}")
        events.append(Event(now_s, "exit", joined))

    def _flat(self, data: Mapping[str, Any], now_s: float) -> None:
        intent = self._monitor.desk.intents[data["intent"]]
        life = self.lives[intent.position]
        life.ended = True
        life.final_paise = self._pnl_paise(life, life.marks)
        life.reach(life.final_paise)
        flat = replace(intent.verdict, pnl_paise=life.final_paise, reason="Verified flat.")
        life.events.append(Event(now_s, "flat", flat))

    def _told(self, alert: Alert, life: Life, now_s: float) -> None:
        """An alert that is no verdict's: of a refused rule, or of an exit that needs an eye."""
        word, *rest = alert.topic.split(":")
        if word in _OF_EXITS and life.intents:
            rule = life.intents[-1].verdict.rule
        elif word in _OF_POSITIONS:
            rule = rest[-1] if word == "rule" else word
        else:
            return
        verdict = Verdict(rule, Action.ALERT, alert.urgency, None, None, 0.0, alert.text)
        life.events.append(Event(now_s, "held" if word == "gate" else "alert", verdict))

    # ------------------------------------------------------------------------------------ money

    def fills(self, life: Life) -> list[BrokerFill]:
        """What its exit orders traded."""
        ids = {order.order_id for order in life.orders}
        return [fill for fill in self._exchange.fills() if fill.order_id in ids]

    def left(self, life: Life) -> dict[InstrumentKey, int]:
        """Net units per contract that are still open."""
        nets: dict[InstrumentKey, int] = {}
        for leg in life.position.legs:
            nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        for fill in self.fills(life):
            nets[fill.key] += fill.side.sign * fill.quantity
        return {key: net for key, net in nets.items() if net}

    def pnl_paise(self, position: PositionId, now_s: float) -> int | None:
        """What a position has come to: gross, fills counted as they were made; None = unknown."""
        life = self.lives[position]
        return life.final_paise if life.ended else self._pnl_paise(life, self._marks(life, now_s))

    def _pnl_paise(self, life: Life, marks: Mapping[_Held, int]) -> int | None:
        """Gross: what fills brought, less what entry cost, plus what is left at these marks."""
        total = -sum(leg.quantity * entry_price(leg) for leg in life.position.legs)
        total -= sum(fill.side.sign * fill.quantity * fill.price_paise for fill in self.fills(life))
        for key, net in self.left(life).items():
            mark = marks.get((key, net > 0))
            if mark is None:
                return None
            total += net * mark
        return total

    def _marks(self, life: Life, now_s: float) -> dict[_Held, int]:
        """The marks of its open legs now; after hours the last believable ones."""
        figures = self._monitor.watch.figures(life.position.id, now_s)
        position = self._monitor.holdings.positions[life.position.id]
        return {
            (leg.key, leg.quantity > 0): view.mark_paise
            for leg, view in zip(position.legs, figures.legs, strict=True)
            if view.mark_paise is not None
        }

    def _reach_watched(self, life: Life) -> None:
        memory = self._monitor.watch.memory(life.position.id)
        life.reach(memory.peak_paise)
        life.reach(memory.trough_paise)
