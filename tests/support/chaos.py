"""A whole monitor behind its real runner, in a world where everything may be late, lost or doubled.

Time is virtual and chance is seeded: the same seed and script give the same run. The world checks what
must never be at the moments when it could happen: at every fill and at every command that leaves.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from itertools import count
from random import Random

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderStatus, Product
from engine.effects import (
    Alert,
    Ask,
    Audit,
    CancelOrder,
    CloseTrades,
    LoadInstruments,
    LoadTrades,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
    QueryOrder,
    Record,
    ReduceTrades,
    Seen,
    Settle,
)
from engine.errors import JournalError, Settled
from engine.io import tables
from engine.io.inbox import Inbox
from engine.io.runner import Runner
from engine.messages import (
    Accepted,
    Beat,
    BeatKind,
    BrokerReport,
    Command,
    CommandOutcome,
    InstrumentsLoaded,
    OrderUpdate,
    Refused,
    Tap,
    Ticks,
    TradesLoaded,
    Unknown,
    Verb,
    Wish,
)
from engine.model import Mode, Urgency
from engine.monitor import Monitor, MonitorConfig
from engine.orders import read_correlation_id
from engine.watch import Watchlist
from tests.engine.makers import OPENED, quote
from tests.support.rig import OWNER, rows_of, written

STEP_S = 0.5
#: Our client gives up on an answer after this; what was accepted late was so before the second.
ANSWER_S, LATEST_S = 4.0, 28.0
REASONS = (
    "Too many requests", "Limit price outside the price band", "RMS: margin", "Market is Closed!",
    "exceeds the freeze quantity", "not a multiple of the tick size", "Invalid Token",
)  # fmt: skip


class Notebook:
    """A journal in memory: all of a commit or nothing, compare-and-set like the real one."""

    def __init__(self):
        self.broken = False
        self.kept = {}

    def commit(self, items, _at_s):
        if self.broken:
            raise JournalError("disk full")
        for item in items:
            if isinstance(item, Settle):
                row = self.kept.get("confirmation", {}).get(item.nonce)
                if row is None or row["status"] != item.expect:
                    raise Settled(item.nonce)
                row["status"] = item.to
            elif isinstance(item, Record):
                self.kept.setdefault(item.kind, {})[item.key] = dict(item.value)
            else:
                assert isinstance(item, Audit | Seen)


class Exchange:
    """The true books; calls back for every change of an order."""

    def __init__(self, nets, changed):
        self.net = dict(nets)
        self.orders: dict[str, BrokerOrder] = {}
        self.trades: list[BrokerFill] = []
        self.past = [(0.0, dict(nets))]
        self.changed = changed

    def enter(self, request, status=OrderStatus.PENDING, reason=""):
        order_id = f"1{len(self.orders):05d}"
        row = BrokerOrder(
            order_id, request.correlation_id, request.key, request.side, request.quantity, 0, 0,
            request.limit_paise, status, reason,
        )  # fmt: skip
        self._set(row)
        return order_id

    def working(self):
        return [row for row in self.orders.values() if not row.status.final]

    def fill(self, order_id, units, now_s):
        row = self.orders[order_id]
        filled = row.filled + units
        status = OrderStatus.TRADED if filled == row.quantity else OrderStatus.PART_TRADED
        self.trades.append(
            BrokerFill(f"T{len(self.trades)}", order_id, row.key, row.side, units, row.limit_paise)
        )
        self.trade(row.key, row.side.sign * units, now_s)
        self._set(replace(row, filled=filled, average_paise=row.limit_paise, status=status))

    def trade(self, key, units, now_s):
        self.net[key] += units
        self.past.append((now_s, dict(self.net)))

    def cancel(self, order_id):
        return self._change(order_id, status=OrderStatus.CANCELLED)

    def modify(self, order_id, limit_paise):
        return self._change(order_id, limit_paise=limit_paise)

    def _change(self, order_id, **what):
        row = self.orders.get(order_id)
        if row is None or row.status.final:
            return Refused("DH-906", "order is not open")
        self._set(replace(row, **what))
        return Accepted(order_id)

    def _set(self, row):
        self.orders[row.order_id] = row
        self.changed(row)


class Chaos:
    """The monitor, its runner and the world around them.

    Args:
        seed: of every chance.
        trouble: how often a command, a read or an update meets a fault, 0 to 1.
        lag_s: the position list is told as it was up to that long ago.
        eager: how likely a working order trades within half a second.
    """

    def __init__(self, *positions, seed, trouble=0.3, lag_s=0.0, eager=0.4, mode=Mode.EXECUTE, rules=""):
        self.random = Random(seed)
        self.trouble, self.lag_s, self.eager, self.mode = trouble, lag_s, eager, mode
        self.at_s = OPENED
        self.rules = rules
        self.positions = positions
        self.rows, number = [], 1
        for position in positions:
            self.rows += rows_of(position, number)
            number += len(position.legs)
        self.legs = {leg.key: leg for position in positions for leg in position.legs}
        nets = dict.fromkeys(self.legs, 0)
        for position in positions:
            for leg in position.legs:
                nets[leg.key] += leg.quantity
        self.start_net = dict(nets)
        self.mids = dict.fromkeys(nets, 20.0)
        self.exchange = Exchange(nets, self._tell_change)
        self.line: list = []
        self.number = count()
        self.alerts: list[Alert] = []
        self.asks: list[Ask] = []
        self.told_net: dict[int, int] = {}
        self.told_request = 0
        self.by_hand: set[int] = set()
        self.crossed: set[int] = set()
        self.in_parts: set[str] = set()
        self.reads_fail = False
        self.journal = Notebook()
        self.dead = False
        self.start()

    # ------------------------------------------------------------------------------ the process

    def start(self):
        """A process is born: everything it knows comes from the journal."""
        calendar = tables.calendar()
        config = MonitorConfig(self.mode, "default", sandbox=False, seed=b"0123456789abcdef")
        self.monitor = Monitor(config, calendar, Watchlist(calendar, tables.rulebook(self.rules)))
        self.monitor.restore(self.journal.kept, self.at_s)
        self.inbox = Inbox()
        self.runner = Runner(self.monitor, self.journal, self, self.inbox, self)
        self.say(Beat(BeatKind.SYNC))

    def restart(self):
        """SIGKILL and a successor: what was on its way to us is gone, what was on the wire may arrive."""
        self.line = [item for item in self.line if item[2] == "arrive" and self.random.random() < 0.7]
        heapq.heapify(self.line)
        self.told_net, self.told_request = {}, 0
        self.start()

    def say(self, message):
        """The monitor takes in one message, and those that it sends itself."""
        self.runner.step(message)
        while self.inbox._control:
            self.runner.step(self.inbox._control.popleft())
        self.check_unknowns()

    # ---------------------------------------------------------------------------------- effects

    def perform(self, effect):
        """Performer's port."""
        match effect:
            case Alert():
                self.alerts.append(effect)
            case Ask():
                self.asks.append(effect)
            case LoadTrades():
                self.later(0.3, "say", TradesLoaded(tuple(self.rows)))
            case LoadInstruments():
                found = {key: leg.instrument for key, leg in self.legs.items()}
                self.later(0.2, "say", InstrumentsLoaded(found))
            case CloseTrades() | ReduceTrades():
                self.rows = written(self.rows, effect)
            case _:
                self._ask_broker(effect)

    def _ask_broker(self, effect):
        match effect:
            case QueryBroker():
                self._read(effect.request)
            case QueryOrder():
                self._look_up(effect.correlation_id)
            case PlaceOrder():
                self.check_place(effect.order)
                self._command(Verb.PLACE, effect.order.correlation_id, effect)
            case ModifyOrder():
                self._command(Verb.MODIFY, effect.order.correlation_id, effect)
            case CancelOrder():
                self._command(Verb.CANCEL, effect.correlation_id, effect)

    def _command(self, verb, name, effect):
        """A command leaves: it may be lost, late, refused, or its answer may be."""
        assert not self.journal.broken, "a command left without a journal"
        fault = self.random.random() < self.trouble
        kind = self.random.choice(["lost", "late", "answer lost", "refused", "rejected"]) if fault else ""
        wire_s = self.random.uniform(0.05, 0.6)
        if kind == "refused":
            said = Refused("DH-906", self.random.choice(REASONS))
            self.later(wire_s, "say", CommandOutcome(verb, name, said))
            return
        if kind != "lost":
            arrive_s = self.random.uniform(5.0, LATEST_S) if kind == "late" else wire_s
            self.later(arrive_s, "arrive", (verb, name, effect, kind))
        if kind in ("lost", "late", "answer lost"):
            self.later(ANSWER_S, "say", CommandOutcome(verb, name, Unknown("read timed out")))

    def _arrive(self, verb, name, effect, kind):
        if verb is Verb.PLACE:
            said = self._admit(effect.order, kind)
        elif verb is Verb.MODIFY:
            said = self.exchange.modify(effect.order_id, effect.order.limit_paise)
        else:
            said = self.exchange.cancel(effect.order_id)
        if kind in ("", "rejected"):
            self.later(self.random.uniform(0.05, 0.6), "say", CommandOutcome(verb, name, said))

    def _admit(self, request, kind):
        if kind == "rejected":
            return Accepted(self.exchange.enter(request, OrderStatus.REJECTED, self.random.choice(REASONS)))
        order_id = self.exchange.enter(request)
        self.check_asked(request)
        return Accepted(order_id)

    def _read(self, request):
        """Orders and fills are read first, positions a moment later, and the answer takes its time."""
        began_s, fault = self.at_s, self.reads_fail or self.random.random() < self.trouble / 2
        if fault:
            if self.random.random() < 0.8:
                self.later(1.0, "say", BrokerReport(request, began_s, failed="no route to host"))
            return
        self.later(self.random.uniform(0.0, 0.3), "read", (request, began_s))

    def _look_up(self, name):
        """The broker finds an order by its name, as it is when the answer leaves, or does not answer."""
        if self.reads_fail or self.random.random() < self.trouble / 2:
            return
        for row in [row for row in self.exchange.orders.values() if row.correlation_id == name]:
            self.later(self.random.uniform(0.1, 3.0), "say", OrderUpdate(row, looked_up=True))

    def _read_positions(self, request, began_s, orders, fills):
        lag_s = self.random.uniform(0, self.lag_s)
        net = [n for at_s, n in self.exchange.past if at_s <= self.at_s - lag_s][-1]
        rows = tuple(BrokerPosition(key, Product.MARGIN, units) for key, units in net.items())
        self.later(
            self.random.uniform(0.0, 1.0), "report", BrokerReport(request, began_s, orders, fills, rows)
        )

    def _tell_change(self, row):
        """The order-update socket: never, once or twice, in any order."""
        copies = self.random.choice([0, 1, 2]) if self.random.random() < self.trouble else 1
        for _ in range(copies):
            self.later(self.random.uniform(0.05, 2.0 * self.trouble + 0.1), "say", OrderUpdate(row))

    # ------------------------------------------------------------------------------------- time

    def later(self, seconds, kind, what):
        heapq.heappush(self.line, (self.at_s + seconds, next(self.number), kind, what))

    def step(self):
        """Half a second: what is due arrives in its order, then prices and a pulse."""
        end_s = self.at_s + STEP_S
        while self.line and self.line[0][0] <= end_s:
            due_s, _, kind, what = heapq.heappop(self.line)
            self.at_s = max(self.at_s, due_s)
            self._deliver(kind, what)
        self.at_s = end_s
        self._trade()
        self.say(Ticks([self._tick(key) for key in self.legs]))
        self.say(Beat(BeatKind.PULSE))
        if round(self.at_s * 2) % 60 == 0:
            self.say(Beat(BeatKind.SYNC))

    def _deliver(self, kind, what):
        match kind:
            case "say":
                self.say(what)
            case "arrive":
                self._arrive(*what)
            case "read":
                books = tuple(self.exchange.orders.values()), tuple(self.exchange.trades)
                self.later(self.random.uniform(0.0, 0.4), "positions", (*what, *books))
            case "positions":
                self._read_positions(*what)
            case "report":
                if what.request > self.told_request:  # an older one that comes later is no news
                    self.told_request = what.request
                    self.told_net = {row.key: row.net_quantity for row in what.positions}
                self.say(what)

    def run(self, seconds):
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def calm(self):
        """The world behaves from now on."""
        self.trouble, self.lag_s, self.eager = 0.0, 0.0, 1.0
        self.reads_fail = self.journal.broken = False

    def now_s(self):
        return self.at_s

    def _tick(self, key):
        mid = self.mids[key]
        tick = quote(key, mid - 0.05, mid + 0.05)
        tick.bid_quantity = tick.ask_quantity = 10_000
        return tick

    def _trade(self):
        """Working orders trade by chance, in whole lots; in a calm world all of it."""
        for row in self.exchange.working():
            lots = (row.quantity - row.filled) // 65
            take = self.random.choice([1, lots]) if self.random.random() < self.eager else 0
            if take:
                self.exchange.fill(row.order_id, min(take, lots) * 65, self.at_s)
                self.check_fill(row)

    # -------------------------------------------------------------------------------- happenings

    def exit(self):
        self.say(Command(Wish.EXIT, OWNER, None, confirmed=True))

    def ask_and_tap(self):
        """/exit, and an impatient thumb."""
        self.say(Command(Wish.EXIT, OWNER, None, confirmed=False))
        for ask in self.asks[-2:]:
            for _ in range(2):
                self.say(Tap(ask.nonce, True, OWNER, f"c{next(self.number)}"))

    def answer(self, *, yes):
        """Taps on the latest questions, each followed by an impatient one that says yes."""
        for ask in self.asks[-3:]:
            for word in (yes, True):
                self.say(Tap(ask.nonce, word, OWNER, f"c{next(self.number)}"))

    def price(self, *mids):
        """From now on the contracts are quoted around these, in the order of the legs."""
        self.mids = dict(zip(self.legs, mids, strict=True))

    def stop(self):
        self.say(Command(Wish.STOP, OWNER, None, confirmed=False))

    def resume(self):
        self.say(Command(Wish.RESUME, OWNER, None, confirmed=True))

    def hand(self):
        """Somebody trades one lot of one contract in the app, towards zero or beyond."""
        key = self.random.choice(sorted(self.legs))
        sign = 1 if self.start_net[key] < 0 else -1
        self.by_hand.add(key)
        self.exchange.trade(key, sign * 65, self.at_s)

    # ------------------------------------------------------------------------------------ checks

    def check_fill(self, row):
        """1 and 3: no fill of ours crosses zero or moves away; no hedge goes before its short."""
        key = row.key
        start, net = self.start_net[key], self.exchange.net[key]
        if key not in self.by_hand:
            assert min(start, 0) <= net <= max(start, 0), f"{key}: {start} became {net}"
        elif not min(start, 0) <= net <= max(start, 0) and net * row.side.sign > 0:
            self.crossed.add(key)
        if self.by_hand:
            return
        _, name, number, *_ = read_correlation_id(row.correlation_id) or ("", "", 0)
        intent = self.monitor.desk.intents[name]
        if intent.legs[number].rank == 0:
            return
        if intent.id in self.in_parts and intent.part is None:
            self.check_surplus(key, intent)
            return
        for index, leg in enumerate(intent.legs):
            bought = sum(
                order.filled
                for order in self.exchange.orders.values()
                if (read_correlation_id(order.correlation_id) or ())[1:3] == (intent.id, index)
            )
            assert leg.rank == 1 or leg.before + bought >= leg.quantity, (
                "a long was reduced while a short was open"
            )

    def check_surplus(self, key, intent):
        """3, where the whole took over a part: what rested of the part's longs hedges nothing any more."""
        left = {
            leg.key: abs(self.exchange.net[leg.key] * 1000 // self.start_net[leg.key]) for leg in intent.legs
        }
        shorts = [left[leg.key] for leg in intent.legs if leg.rank == 0]
        assert left[key] >= max(shorts), "a long was reduced while a short was open"

    def check_asked(self, request):
        """1 and 5: what may still trade never exceeds what is held, unknown orders included."""
        if request.key in self.by_hand:
            return
        live = sum(row.quantity - row.filled for row in self.exchange.working() if row.key == request.key)
        assert live <= abs(self.exchange.net[request.key]), "more is asked for than is held"

    def check_place(self, request):
        """1 and 4: an order is never more than the broker's last word; the house allows it."""
        helm = self.monitor.helm
        intent = self.monitor.desk.intents[self.monitor.desk.blotter.get(request.correlation_id).intent]
        if intent.part is not None:
            self.in_parts.add(intent.id)
        assert request.quantity <= abs(self.told_net.get(request.key, 0))
        assert helm.reconciled
        assert not helm.halted or intent.verdict.rule == "forced"
        assert helm.mode in (Mode.EXECUTE, Mode.SEMI_AUTO)

    def check_unknowns(self):
        """2 and 5: one live exit a position; an old unknown has its alert."""
        live = [intent.position for intent in self.monitor.desk.live()]
        assert len(live) == len(set(live))
        topics = {alert.topic for alert in self.alerts if alert.urgency is Urgency.HIGH}
        for order in self.monitor.desk.blotter.live():
            if order.unknown_s is not None and self.at_s - order.unknown_s > 16.0:
                assert f"unknown:{order.id}" in topics, f"nobody was told of {order.id}"

    def _traded(self, position, key):
        """Units that the exchange has traded in a contract for one position's exits."""
        intents = {i.id for i in self.monitor.desk.intents.values() if i.position == position}
        rows = [row for row in self.exchange.orders.values() if row.key == key]
        return sum(
            r.filled for r in rows if (read_correlation_id(r.correlation_id) or ("", ""))[1] in intents
        )

    def check_end(self):
        """2, 6 and 7: every exit has an end, none overfilled, and flat means flat.

        1: where a hand was faster than our cancel, a person was told loudly which contract it is.
        """
        loud = "".join(alert.text for alert in self.alerts if alert.urgency is Urgency.HIGH)
        for key in self.crossed:
            assert self.legs[key].instrument.display in loud, "a crossing nobody was told of"
        assert not self.exchange.working(), "an order of ours is left at the exchange"
        for intent in self.monitor.desk.intents.values():
            assert not intent.state.live, f"{intent.id} never ended: {intent.legs}"
            if intent.state == "stuck":
                topics = {alert.topic for alert in self.alerts if alert.urgency is Urgency.HIGH}
                assert f"stuck:{intent.id}" in topics
            for leg in intent.legs if not self.by_hand else ():
                held, traded = self._held(intent.position, leg.key), self._traded(intent.position, leg.key)
                assert traded <= held, f"{leg.name}: {traded} of {held} were traded"
                whole = intent.state == "flat" and intent.part is None
                assert not whole or traded == held, f"{leg.name} is not flat"
        self.check_parts()

    def check_parts(self):
        """What is left of a position whose parts are all verified closed has its legs in proportion."""
        for position in self.positions if not self.by_hand else ():
            exits = [i for i in self.monitor.desk.intents.values() if i.position == position.id]
            parts = [exit_.part for exit_ in exits if exit_.part is not None and exit_.state == "flat"]
            if len(parts) < len(exits):
                continue
            closed = sum(part.closes for part in parts)
            for key, net in position.nets.items():
                traded = self._traded(position.id, key)
                assert traded == abs(net) // position.combinations * closed, "a part out of proportion"
            levels = [exit_.verdict.threshold_paise for exit_ in exits]
            assert closed <= 3, f"more than the three levels have closed: {levels}"
            if found := self.monitor.holdings.positions.get(position.id):
                assert found.combinations == position.combinations - closed
                share = (found.combinations, position.combinations)
                assert self.monitor.watch.shares(position.id) == share

    def _held(self, position, key):
        """Units of a contract that a position held at the start."""
        return sum(abs(p.nets[key]) for p in self.positions if p.id == position)
