"""A model broker on virtual time: an exchange that can be slow, silent, late or wrong on demand.

It is driven by `World`, which moves the exit desk half a second at a time and carries messages
between the two. Nothing waits; every run is the same.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.broker_nouns import (
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    OrderRequest,
    OrderStatus,
    Product,
)
from engine.effects import (
    Alert,
    CancelOrder,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
    QueryOrder,
    RecallOrder,
    Record,
)
from engine.exits import ExitDesk
from engine.intents import Intent, IntentState
from engine.messages import Accepted, BrokerReport, CommandOutcome, Refused, Unknown, Verb
from engine.model import Action, Position, Urgency, Verdict
from engine.plan import plan_exit
from engine.pricing import Style, Touch
from engine.tuning import Tuning

START_S = 1_770_090_600.0  # 3 February 2026, 09:20 IST


class Fault(StrEnum):
    """What happens to one place command."""

    NONE = "none"
    ANSWER_LOST = "accepted, but nobody hears of it"
    REQUEST_LOST = "never arrives, and nobody hears of it"
    LATE = "nobody hears of it, and it arrives late"
    UNDER_WAY = "accepted, and the answer is still under way when the process dies"
    STALLED = "still under way in our own process, not sent yet"
    REFUSED = "refused"


class Meanwhile(StrEnum):
    """What happens to one modify or cancel command."""

    LOST = "never arrives, and nobody hears of it"
    REFUSED = "refused"


class Fill(StrEnum):
    """How an accepted order trades."""

    AT_ONCE = "all at once"
    HALVES = "half now, half two seconds later"
    NEVER = "not at all"


@dataclass
class ModelBroker:
    """Books and faults. ``lag_s``: positions are told as they were that long ago.

    ``late_s``: how late a late order arrives; ``meanwhile``: faults of modify and cancel commands.
    """

    faults: deque[Fault] = field(default_factory=deque)
    fills_as: Fill = Fill.AT_ONCE
    lag_s: float = 0.0
    lists_positions: bool = True
    reads_fail: bool = False
    reason: str = "RMS:Blocked for test"
    late_s: float = 20.0
    meanwhile: deque[Meanwhile] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.orders: dict[str, BrokerOrder] = {}
        self.trades: list[BrokerFill] = []
        self.net: dict[int, int] = {}
        self.history: list[tuple[float, dict[int, int]]] = []
        self.coming: list[tuple[float, object]] = []
        self.stalled: list[tuple[float, OrderRequest]] = []
        self.placed: list = []
        self.commands: list[Verb] = []
        self.elsewhere: list[BrokerPosition] = []

    def by_hand(self, key: int, units: int, now_s: float) -> None:
        self.net[key] += units
        self.history.append((now_s, dict(self.net)))

    def hold(self, position: Position) -> None:
        for leg in position.legs:
            self.net[leg.key] = self.net.get(leg.key, 0) + leg.quantity
        self.history.append((0.0, dict(self.net)))

    def place(self, request, now_s: float):
        self.placed.append(request)
        fault = self.faults.popleft() if self.faults else Fault.NONE
        if fault is Fault.REFUSED:
            return Refused("DH-906", self.reason)
        if fault is Fault.REQUEST_LOST:
            return Unknown("read timed out")
        if fault is Fault.LATE:
            self.coming.append((now_s + self.late_s, request))
            return Unknown("read timed out")
        if fault is Fault.STALLED:
            self.stalled.append((now_s + 60.0, request))
            return None
        order_id = self.admit(request, now_s)
        if fault is Fault.UNDER_WAY:
            return None
        return Unknown("connection reset") if fault is Fault.ANSWER_LOST else Accepted(order_id)

    def recall(self, name: str) -> bool:
        """Hold what is still under way in our own process; True when there was something to hold."""
        left = [each for each in self.stalled if each[1].correlation_id != name]
        held, self.stalled = len(left) < len(self.stalled), left
        return held

    def admit(self, request, now_s: float) -> str:
        order_id = f"1{len(self.orders):05d}"
        self.orders[order_id] = BrokerOrder(
            order_id, request.correlation_id, request.key, request.side, request.quantity, 0, 0,
            request.limit_paise, OrderStatus.PENDING,
        )  # fmt: skip
        if self.fills_as is Fill.AT_ONCE:
            self.trade(order_id, request.quantity, now_s)
        elif self.fills_as is Fill.HALVES:
            self.trade(order_id, max(request.quantity // 2, 1), now_s)
            self.coming.append((now_s + 2.0, order_id))
        return order_id

    def trade(self, order_id: str, units: int, now_s: float) -> None:
        row = self.orders[order_id]
        if row.status.final:
            return
        filled = row.filled + units
        status = OrderStatus.TRADED if filled == row.quantity else OrderStatus.PART_TRADED
        self.orders[order_id] = replace(row, filled=filled, average_paise=row.limit_paise, status=status)
        trade_id = f"T{len(self.trades)}"
        self.trades.append(BrokerFill(trade_id, order_id, row.key, row.side, units, row.limit_paise))
        self.net[row.key] = self.net.get(row.key, 0) + row.side.sign * units
        self.history.append((now_s, dict(self.net)))

    def _disturbed(self, verb):
        self.commands.append(verb)
        fault = self.meanwhile.popleft() if self.meanwhile else None
        if fault is Meanwhile.LOST:
            return Unknown("read timed out")
        return Refused("DH-904", "Too many requests") if fault is Meanwhile.REFUSED else None

    def cancel(self, order_id: str):
        if said := self._disturbed(Verb.CANCEL):
            return said
        row = self.orders.get(order_id)
        if row is None or row.status.final:
            return Refused("DH-906", "order is not open")
        self.orders[order_id] = replace(row, status=OrderStatus.CANCELLED)
        return Accepted(order_id)

    def modify(self, order_id: str, request):
        if said := self._disturbed(Verb.MODIFY):
            return said
        row = self.orders.get(order_id)
        if row is None or row.status.final:
            return Refused("DH-906", "order is not open")
        self.orders[order_id] = replace(row, limit_paise=request.limit_paise)
        return Accepted(order_id)

    def pass_time(self, now_s: float) -> None:
        due = [c for c in self.coming + self.stalled if c[0] <= now_s]
        self.stalled = [c for c in self.stalled if c[0] > now_s]
        self.coming = [c for c in self.coming if c[0] > now_s]
        for _, what in due:
            if isinstance(what, str):
                row = self.orders[what]
                self.trade(what, row.quantity - row.filled, now_s)
            else:
                self.admit(what, now_s)

    def report(self, request: int, now_s: float) -> BrokerReport:
        if self.reads_fail:
            return BrokerReport(request, now_s, failed="no route to host")
        net = [n for at_s, n in self.history if at_s <= now_s - self.lag_s][-1]
        rows = [BrokerPosition(k, Product.MARGIN, q) for k, q in net.items()] if self.lists_positions else []
        return BrokerReport(
            request, now_s, tuple(self.orders.values()), tuple(self.trades), (*rows, *self.elsewhere)
        )


class World:
    """One desk and one broker; half a second a step. Checks the invariants at every fill."""

    def __init__(
        self, position: Position, broker: ModelBroker | None = None, tuning: Tuning | None = None
    ) -> None:
        self.tuning = tuning or Tuning()
        self.now_s = START_S
        self.position = position
        self.broker = broker or ModelBroker()
        self.broker.hold(position)
        self.held = dict(self.broker.net)
        self.gate = ""
        self.touches: dict[int, Touch] = {}
        self.alerts: list[Alert] = []
        self.records: dict[str, dict[str, dict]] = {"intent": {}, "order": {}}
        self.desk = self._desk()

    def _desk(self) -> ExitDesk:
        return ExitDesk(
            "default",
            self.touch,
            lambda _intent, _now_s: self.gate,
            self.tuning,
            lambda _now_s: not self.gate.startswith("The market is closed"),
        )

    def touch(self, key: int) -> Touch:
        return self.touches.get(key, Touch(1000, 1010, 1005))

    def exit(
        self, *, action=Action.CLOSE_IMMEDIATELY, style=Style.URGENT, of=None, name="260203001"
    ) -> Intent:
        what = of or self.position
        verdict = Verdict("stop_loss", action, Urgency.HIGH, -500000, -497250, 1.0, "loss")
        intent = Intent(
            name, what.id, "default", "NIFTY Iron Condor", verdict, style,
            plan_exit(what), "stop_loss", name, self.now_s,
        )  # fmt: skip
        self.carry(self.desk.open(intent, self.now_s))
        return intent

    def restart(self) -> Intent:
        """The process dies between two messages and comes back from its journal."""
        self.broker.stalled.clear()  # what had not left the process dies with it
        self.desk = self._desk()
        self.desk.restore(self.records["intent"].values(), self.records["order"].values())
        return self.intent

    @property
    def intent(self) -> Intent:
        return next(iter(self.desk.intents.values()))

    def carry(self, effects) -> None:
        """Do what the desk wants, and bring the answers back, until it wants nothing more now."""
        todo = deque(effects)
        while todo:
            todo.extend(self.do(todo.popleft()))
            self.check()

    def do(self, effect):
        match effect:
            case Record():
                self.records[effect.kind][effect.key] = dict(effect.value)
            case Alert():
                self.alerts.append(effect)
            case QueryBroker():
                return self.desk.report(self.broker.report(effect.request, self.now_s), self.now_s)
            case QueryOrder() if not self.broker.reads_fail:
                named = [o for o in self.broker.orders.values() if o.correlation_id == effect.correlation_id]
                return [said for row in named for said in self.desk.update(row, self.now_s, heard=False)]
            case PlaceOrder():
                return self.answer(
                    Verb.PLACE, effect.order.correlation_id, self.broker.place(effect.order, self.now_s)
                )
            case ModifyOrder():
                said = self.broker.modify(effect.order_id, effect.order)
                return self.answer(Verb.MODIFY, effect.order.correlation_id, said)
            case RecallOrder():
                if self.broker.recall(effect.correlation_id):
                    held = Refused("NOT-SENT", "not sent: it was recalled")
                    return self.answer(Verb.PLACE, effect.correlation_id, held)
            case CancelOrder():
                return self.answer(Verb.CANCEL, effect.correlation_id, self.broker.cancel(effect.order_id))
        return []

    def answer(self, verb, name, outcome):
        if outcome is None:
            return []
        return self.desk.outcome(CommandOutcome(verb, name, outcome), self.now_s)

    def step(self) -> None:
        self.now_s += 0.5
        self.broker.pass_time(self.now_s)
        self.carry(self.desk.pulse(self.now_s))

    def run(self, seconds: float = 120.0) -> IntentState:
        end_s = self.now_s + seconds
        while self.now_s < end_s and any(True for _ in self.desk.live()):
            self.step()
        return self.intent.state

    def sync(self, seconds: float) -> None:
        """Let time pass, exit or not, with the books read every two seconds."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            for _ in range(4):
                self.step()
            self.desk.ask(self.now_s, "sync")
            self.carry(self.desk.pulse(self.now_s))

    def check(self) -> None:
        """No fill crosses zero, moves away from it, or takes a hedge from an open short.

        In batches no long may be further gone than the short that is least gone.
        """
        for key, start in self.held.items():
            net = self.broker.net[key]
            assert min(start, 0) <= net <= max(start, 0), f"{key}: {start} became {net}"
        if self.tuning.batch_lots:
            gone = [
                (start < 0, 1 - self.broker.net[key] / start) for key, start in self.held.items() if start
            ]
            longs = [share for short, share in gone if not short]
            shorts = [share for short, share in gone if short]
            ahead = max(longs, default=0.0) - min(shorts, default=1.0)
            assert ahead < 1e-9, f"a long is further gone than a short by {ahead}"
            return
        short_open = any(start < 0 and self.broker.net[key] < 0 for key, start in self.held.items())
        hedge_cut = any(start > 0 and self.broker.net[key] < start for key, start in self.held.items())
        assert not (short_open and hedge_cut), "a long was reduced while a short was open"

    @property
    def flat(self) -> bool:
        return all(net == 0 for net in self.broker.net.values())

    def titles(self) -> set[str]:
        return {alert.title for alert in self.alerts}
