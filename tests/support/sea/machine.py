"""Everything that can happen to the house, as rules that Hypothesis may put in any order."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.broker_nouns import Product
from engine.messages import Command, Tap, Wish
from engine.model import Mode, Side
from engine.orders import read_correlation_id
from engine.tuning import Tuning
from sandbox import desk, refusals
from sandbox.orders import Order, Ticket
from sandbox.refusals import Refusal
from tests.support.rig import OWNER
from tests.support.sea.house import House
from tests.support.sea.market import ENTRY, LOT, Shore

SCALING = "[default]\nprofit_scaling = true\n"
#: Positions in lots, mode, the owner's rules.
PLOTS = (
    ((3,), Mode.EXECUTE, ""),
    ((1, 2), Mode.EXECUTE, ""),
    ((2,), Mode.SEMI_AUTO, ""),
    ((4,), Mode.EXECUTE, SCALING),
    ((4,), Mode.SEMI_AUTO, SCALING),
)
MIDS = (
    ENTRY,
    (6.0, 10.0, 190.0, 60.0),  # a loss that meets the stop
    (20.0, 39.0, 34.0, 18.0),  # a profit that meets the first scaling level,
    (20.0, 33.0, 28.0, 18.0),  # the second,
    (20.0, 27.0, 22.0, 18.0),  # and the third
)
REASONS = (
    "EXCH:16283:The order price is not multiple of the tick size.",
    "RMS:Rule: Check circuit limit including square off order exceeds for entity",
    "RMS:Margin Exceeds,Required:142900.00, Available:0.00",
)
FAULTS = ("stall", "reset", "half_body", "502", "429", "error")
VERBS = st.sampled_from(["POST", "PUT", "DELETE"])


class Machine(RuleBasedStateMachine):
    """One example: a house, at most fifty happenings, then a world that behaves until all has ended.

    Attributes:
        tuning: what the owner has set of how exits trade.
    """

    house: House
    tuning = Tuning()

    @initialize(
        plot=st.sampled_from(PLOTS),
        hands=st.booleans(),
        over=st.booleans(),
        depth=st.sampled_from([0, 1, 100]),
        reads=st.sampled_from(["honest", "honest", "honest", "blind", "empty"]),
        wish=st.sampled_from(["exit", "exit", "tap", "loss", ""]),
    )
    def begin(self, plot, hands, over, depth, reads, wish):
        """Mostly an exit begins at once; ``over``: of two positions the broker holds only the larger."""
        lots, mode, rules = plot
        held = max(lots) if over and len(lots) > 1 else None
        self.house = House(Shore(lots, held), mode, rules, self.tuning)
        self.with_hands = hands
        self.taps = count()
        self.house.run(2.0)
        self.depth(depth)
        self.house.wire.reads = reads
        if wish == "loss":
            self.price(MIDS[1])
        elif wish:
            self._say(Command(Wish.EXIT, OWNER, None, confirmed=wish == "exit"))
        if wish == "tap":
            self._tap(yes=True)

    @invariant()
    def holds(self):
        """What holds after every step; the rest is judged while it happens."""
        if hasattr(self, "house"):
            self.house.judge.look()

    def teardown(self):
        """Every exit has an end, in a world that behaves."""
        if hasattr(self, "house"):
            self.house.finish()

    # ---------------------------------------------------------------------------- time and prices

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 5.0, 16.0, 40.0]))
    def wait(self, seconds):
        """Time passes."""
        self.house.run(seconds)

    @rule(mids=st.sampled_from(MIDS))
    def price(self, mids):
        """The market moves."""
        self.house.shore.price(mids)
        self.house.run(1.0)

    @rule(lots=st.sampled_from([0, 0, 1, 100]))
    def depth(self, lots):
        """So many lots are shown at the touch; none at all now and then."""
        self.house.shore.depth = lots * LOT
        self.house.shore.quote()

    # ------------------------------------------------------------------------------------ people

    @rule(which=st.sampled_from([None, None, 1]))
    def exit(self, which):
        """The owner wants out, and has said yes."""
        self._say(Command(Wish.EXIT, OWNER, which, confirmed=True))

    @rule(which=st.sampled_from([None, 1]))
    def exit_by_tap(self, which):
        """The owner wants out; an impatient thumb taps every question twice."""
        self._say(Command(Wish.EXIT, OWNER, which, confirmed=False))
        self._tap(yes=True)

    @rule(yes=st.booleans())
    def tap(self, yes):
        """The latest questions are answered, and then tapped again."""
        self._tap(yes=yes)

    @rule()
    def stop(self):
        """/stop."""
        self._say(Command(Wish.STOP, OWNER, None, confirmed=False))

    @rule()
    def resume(self):
        """/resume, confirmed."""
        self._say(Command(Wish.RESUME, OWNER, None, confirmed=True))

    def _tap(self, *, yes):
        for ask in self.house.ears.asks[-3:]:
            for word in (yes, True):
                self.house.say(Tap(ask.nonce, word, OWNER, f"c{next(self.taps)}", ask.edition))
        self.house.run(0.5)

    def _say(self, command):
        self.house.say(command)
        self.house.run(0.5)

    # ------------------------------------------------------------------------------------ faults

    @rule(kind=st.sampled_from(FAULTS), verb=VERBS, accepted=st.booleans(), times=st.integers(1, 3))
    def fault(self, kind, verb, accepted, times):
        """The next commands of a kind go wrong, and are taken all the same or not."""
        faults, how = self.house.wire.faults, {"verb": verb, "times": times}
        if kind == "429":
            faults.error(**how, accepted=False, status=429, body=refusals.too_fast().body)
        elif kind == "error":
            faults.error(**how, accepted=False, status=400, body=refusals.bad_input().body)
        elif kind == "502":
            faults.error(**how, accepted=accepted)
        else:
            getattr(faults, kind)(**how, accepted=accepted)

    @rule()
    def double(self):
        """The next order is taken twice."""
        self.house.wire.doubles = 1

    @rule(late_s=st.sampled_from([5.0, 12.0, 28.0]))
    def late(self, late_s):
        """The next order is taken without an answer and shows up only then."""
        self.house.wire.faults.late(late_s)

    @rule(reason=st.sampled_from(REASONS), times=st.integers(1, 2))
    def reject(self, reason, times):
        """The next orders are taken and turned down by the exchange."""
        self.house.wire.faults.reject(reason, times=times)

    @rule(times=st.integers(1, 3))
    def unplug(self, times):
        """The next commands find no connection."""
        self.house.wire.unplugged = times

    @rule(way_s=st.sampled_from([0.05, 0.05, 1.0, 3.0, 14.0]))
    def way(self, way_s):
        """From now on commands are so long on their way."""
        self.house.wire.way_s = way_s

    @rule(how=st.sampled_from(["honest", "honest", "blind", "slow", "hang", "empty", "drop"]))
    def reads(self, how):
        """From now on reads go like that."""
        self.house.wire.reads = how
        self.house.run(1.0)

    @rule(lag_s=st.sampled_from([0.0, 3.0, 20.0]))
    def lag(self, lag_s):
        """From now on the position list is so old."""
        self.house.wire.lag_s = lag_s

    @rule(how=st.sampled_from(["honest", "silent", "double", "late", "bare"]))
    def updates(self, how):
        """From now on the order-update socket goes like that."""
        self.house.updates = how

    @rule(full=st.booleans())
    def disk(self, full):
        """The disk is full, or has room again."""
        self.house.pages.full = full

    @rule()
    def hiccup(self):
        """The next commit of an exit or order fails, and only that."""
        self.house.pages.crash = "full"

    @rule(up=st.booleans())
    def store(self, up):
        """The trade store is away, or back."""
        self.house.store.up = up

    @rule()
    def restart(self):
        """SIGKILL between two messages."""
        self.house.dies()
        self.house.run(0.5)

    @rule(when=st.sampled_from(["before", "after", "sent"]))
    def crash(self, when):
        """SIGKILL at the next commit of an exit or order, before or after it, or when a command has left."""
        if when == "sent":
            self.house.performer.crash = True
        else:
            self.house.pages.crash = when
        self.house.run(1.0)

    # ------------------------------------------------------------------------------ other people

    @precondition(lambda self: self.with_hands)
    @rule(leg=st.integers(0, 3), lots=st.sampled_from([1, 2]), side=st.sampled_from(list(Side)))
    def hand_trade(self, leg, lots, side):
        """Somebody trades in the app, at the market."""
        key = list(self.house.shore.legs)[leg]
        self.house.judge.hands.add(key)
        ticket = Ticket(
            self.house.shore.legs[key].instrument, side, lots * LOT, 0, "MARKET", Product.MARGIN, ioc=False
        )
        self.house.shore.exchange.enter(ticket, self.house.agenda.at_s)
        self.house.run(0.5)

    @precondition(lambda self: self.with_hands)
    @rule()
    def square_off(self):
        """The broker cancels every order and closes everything."""
        self.house.judge.hands |= set(self.house.shore.legs)
        desk.exit_all(self.house.shore.exchange, self.house.shore.account, self.house.agenda.at_s)
        self.house.run(0.5)

    @rule()
    def cancel_by_hand(self):
        """The owner cancels an order of ours in the app."""
        for order in self._ours():
            self.house.shore.exchange.cancel(order.order_id, self.house.agenda.at_s)
        self.house.run(0.5)

    @rule(worse=st.sampled_from([-100, -5, 5, 100]))
    def modify_by_hand(self, worse):
        """The owner moves an order of ours in the app."""
        for order in self._ours():
            price = max(order.price_paise + worse, 5) / 100
            self._change(order, {"price": price})

    @rule(lots=st.integers(1, 4))
    def resize_by_hand(self, lots):
        """The owner changes the size of an order of ours in the app."""
        for order in self._ours():
            self.house.judge.hands.add(order.ticket.key)
            self._change(order, {"quantity": lots * LOT})

    @rule()
    def vanish(self):
        """An order of ours is gone from the book without a word."""
        for order in self._ours():
            self.house.wire.vanished[order.order_id] = self.house.shore.account.orders.pop(order.order_id)

    def _ours(self) -> list[Order]:
        book = self.house.shore.exchange.book(self.house.agenda.at_s)
        return [each for each in book if each.live and read_correlation_id(each.ticket.correlation_id)][:1]

    def _change(self, order, what):
        try:
            self.house.shore.exchange.modify(order.order_id, what, self.house.agenda.at_s)
        except Refusal:
            return
        self.house.run(0.5)
