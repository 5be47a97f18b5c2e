"""Dhan's own nets as a model, its answers lost or half done on demand, and a whole monitor above them."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from enum import StrEnum

from engine.broker_nouns import BrokerPosition, Product
from engine.controls import ControlState, Held, PnlExit
from engine.effects import Alert, ControlAccount, PlaceOrder, QueryControls
from engine.messages import Accepted, CommandOutcome, Refused, Unknown, Verb
from engine.model import InstrumentKey, Mode
from engine.tuning import NetTuning
from tests.engine.makers import condor
from tests.support.rig import Rig

#: A share that the owner holds by himself.
SHARE = InstrumentKey(7_001)
ALL_ON = NetTuning(pnl_exit=True, kill_after_flat=True, exit_all=True)


class Fault(StrEnum):
    """What happens to one command of the account."""

    NONE = "none"
    ANSWER_LOST = "taken, but nobody hears of it"
    REQUEST_LOST = "never arrives, and nobody hears of it"
    REFUSED = "refused"
    NOT_SENT = "it did not leave the house"
    DIED_AFTER = "taken, and the process dies before it hears of it"
    DIED_BEFORE = "the process dies before it leaves"


class Died(Exception):
    """The process is dead."""


class NetRig(Rig):
    """A monitor and the account below it.

    Attributes:
        sent: every command of the account that reached Dhan, in order.
        others: units of what is not ours.
        reads: False = nothing of the nets can be read.
    """

    def __init__(self, *positions, mode=Mode.EXECUTE, nets=ALL_ON, rules=""):
        self.nets = nets
        self.sent, self.faults = [], deque()
        self.killed, self.others, self.reads = False, {}, True
        self.armed: tuple[PnlExit, ...] = ()
        super().__init__(mode, *(positions or (condor(),)), rules=rules)

    # ------------------------------------------------------------------------------ the account

    def report(self, request):
        report = super().report(request)
        rows = tuple(BrokerPosition(key, Product.CNC, units) for key, units in self.others.items())
        return report if report.failed else report.__class__(
            report.request, report.began_s, report.orders, report.fills, report.positions + rows,
        )  # fmt: skip

    def controls(self, request):
        """What a look at the nets shows."""
        if not self.reads:
            return ControlState(request, failed="no route to host")
        books = self.exchange.positions()
        rows = [Held(f"C{row.key}", "MARGIN", row.key, row.net_quantity, 0) for row in books]
        rows += [Held(f"SHARE{key}", "CNC", key, units, 0) for key, units in self.others.items()]
        return ControlState(request, self.killed, self.armed, tuple(rows))

    def ask_the_world(self, effect):
        match effect:
            case QueryControls():
                return [self.controls(effect.request)]
            case ControlAccount():
                outcome = self._command(effect)
                return [CommandOutcome(effect.verb, effect.name, outcome)]
            case PlaceOrder() if self.killed:
                self.placed.append(effect.order)
                said = Refused("DH-906", "Kill Switch is active")
                return [CommandOutcome(Verb.PLACE, effect.order.correlation_id, said)]
        return super().ask_the_world(effect)

    def _command(self, effect):
        fault = self.faults.popleft() if self.faults else Fault.NONE
        if fault is Fault.DIED_BEFORE:
            raise Died
        if fault is Fault.NOT_SENT:
            return Refused("NOT-SENT", "not sent: NewConnectionError")
        if fault is Fault.REFUSED:
            return Refused("DH-906", "Not allowed for this account")
        if fault is Fault.REQUEST_LOST:
            return Unknown("read timed out")
        self.sent.append(effect.verb)
        said = self._do(effect.verb, effect.terms)
        if fault is Fault.DIED_AFTER:
            raise Died
        return Unknown("connection reset") if fault is Fault.ANSWER_LOST else said

    def _do(self, verb, terms):
        match verb:
            case Verb.ARM:
                assert isinstance(terms, PnlExit)
                self.armed = (terms,)
            case Verb.DISARM:
                self.armed = ()
            case Verb.EXIT_ALL:
                self.square_off()
                self.others = dict.fromkeys(self.others, 0)
            case Verb.KILL:
                if any(self.net.values()) or any(self.others.values()) or self.exchange.working():
                    return Refused("DH-906", "Kill Switch needs all positions closed and no pending orders")
                self.killed = True
        return Accepted("")

    def square_off(self):
        """Dhan cancels every order and closes every position at the market."""
        for order in self.exchange.orders():
            self.exchange.cancel(order.order_id)
        base, net = self.exchange._baseline, self.net
        self.exchange.hold({key: base.get(key, 0) - units for key, units in net.items()})

    # ------------------------------------------------------------------------------ the process

    def restart(self):
        """The process dies between two messages, and another begins from its journal, until one lives."""
        while True:
            with suppress(Died):
                self.start()
                return

    def survive(self, seconds, *mids):
        """Let time pass; a process that dies is followed by another."""
        for _ in range(round(seconds * 2)):
            try:
                self.wait(0.5, *mids)
            except Died:
                self.restart()

    @property
    def wish(self):
        """The newest wish to be flat, as the journal has it."""
        rows = self.journal.get("flatten", {})
        return rows[max(rows, key=lambda name: rows[name]["begun_s"])] if rows else None

    def titles(self):
        """Titles of the alerts so far."""
        return [alert.title for alert in self.of(Alert)]
