"""More that can happen: nights, another monitor that takes the account for a while, a hand that adds."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from engine.broker_nouns import OrderStatus, Product
from engine.messages import Beat, BeatKind, Command, Wish
from engine.model import Side
from engine.sessions import at, ist_date
from sandbox.account import Carried
from sandbox.orders import Ticket
from tests.support.rig import OWNER
from tests.support.sea.house import House
from tests.support.sea.lease import OTHER
from tests.support.sea.machine import MIDS, PLOTS, Machine
from tests.support.sea.market import LOT, Shore

#: A house that is older than this would give its exits up (`engine.overnight.OLDEST_S`).
MOST_NIGHTS = 3


class Nights(Machine):
    """A house that must own its account, over several days."""

    @initialize(
        plot=st.sampled_from(PLOTS),
        hands=st.booleans(),
        depth=st.sampled_from([0, 1, 100]),
        wish=st.sampled_from(["exit", "exit", "tap", "loss", ""]),
    )
    def begin(self, plot, hands, depth, wish):
        """As in the other machine, under a lease."""
        lots, mode, rules = plot
        self.house = House(Shore(lots), mode, rules, self.tuning, leased=True)
        self.with_hands = hands
        self.taps = count()
        self.nights = 0
        self.house.run(2.0)
        self.depth(depth)
        if wish == "loss":
            self.price(MIDS[1])
        elif wish:
            self._say(Command(Wish.EXIT, OWNER, None, confirmed=wish == "exit"))
        if wish == "tap":
            self._tap(yes=True)

    @precondition(lambda self: self.nights < MOST_NIGHTS)
    @rule(restarted=st.booleans())
    def night(self, restarted):
        """The close, a night in which the broker's books begin anew, and the next session.

        By the bell the disk has room: what is not on it by the time a process dies is in no book next day.
        """
        house, self.nights = self.house, self.nights + 1
        house.pages.full, house.pages.crash = False, ""
        today = ist_date(house.agenda.at_s)
        house.agenda.at_s = max(house.agenda.at_s, at(today, "15:29") + 50.0)
        house.judge.leapt()
        house.run(15.0)
        house.say(Beat(BeatKind.SESSION_CLOSE))
        house.run(5.0)
        account = house.shore.account
        account.carried = [
            Carried(key, Product.MARGIN, units, 1000) for key, units in account.net().items() if units
        ]
        for order in (*account.orders.values(), *house.wire.vanished.values()):  # also what never arrived
            order.status = OrderStatus.EXPIRED if order.live else order.status
        account.orders.clear()
        house.wire.vanished.clear()
        account.trades.clear()
        house.morning(at(today + timedelta(days=1), "09:14") + 50.0)
        if restarted:
            house.dies()
        house.run(15.0)
        house.say(Beat(BeatKind.SESSION_OPEN))
        house.run(1.0)

    @rule(away=st.booleans())
    def place_of_the_lease(self, away):
        """Where the lease is written down does not answer, or does again."""
        self.house.lease.registry.away = "no route" if away else ""
        self.house.run(0.5)

    @rule(seconds=st.sampled_from([20.0, 60.0]))
    def another_owner(self, seconds):
        """Another monitor takes the account as soon as it is free, and keeps it for a while."""
        lease = self.house.lease
        lease.registry.away = "no route"
        self.house.run(max(lease.registry.until_s - self.house.agenda.at_s, 0.0) + 1.0)
        lease.registry.away = ""
        lease.registry.give(OTHER, self.house.agenda.at_s + seconds)
        self.house.run(1.0)

    @precondition(lambda self: self.with_hands)
    @rule(leg=st.integers(0, 3), lots=st.sampled_from([1, 3]))
    def hand_adds(self, leg, lots):
        """Somebody opens more of a contract in the app, the way round that it is held."""
        key = list(self.house.shore.legs)[leg]
        held = self.house.shore.legs[key]
        self.house.judge.hands.add(key)
        side = Side.BUY if held.quantity > 0 else Side.SELL
        ticket = Ticket(held.instrument, side, lots * LOT, 0, "MARKET", Product.MARGIN, ioc=False)
        self.house.shore.exchange.enter(ticket, self.house.agenda.at_s)
        self.house.run(0.5)
