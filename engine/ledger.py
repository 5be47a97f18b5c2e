"""What may still be traded of a contract: the broker's word, our own fills, and the doubt between.

Three books are kept of each contract we trade: what the broker reports, what it must be after our own
fills, and what it must be after everybody's. Only the smallest of them may be traded, so that a position
report that lags behind a fill, ours or a hand's, cannot make us sell twice. A contract that is missing
from the report is *unknown*, never zero: Dhan keeps squared-off rows in the list all day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import InstrumentKey, Side
from engine.orders import read_correlation_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.broker_nouns import BrokerOrder, BrokerPosition, Product
    from engine.intents import LegPlan
    from engine.messages import BrokerReport
    from engine.orders import Order

__all__ = ["Ledger"]

#: This long after our last fill the broker's position list is believed to have digested it.
SETTLE_S = 60.0


class Ledger:
    """The state between us and the broker, per contract.

    ``strays`` are orders in the last report that bear a name of ours and are in no journal, or are a
    second one of that name, as long as they are live or have just traded.

    A report counts for a contract only when it was *asked for* after the last thing we learnt or
    did there; request numbers decide that, not clocks.
    """

    def __init__(self) -> None:
        self.report: BrokerReport | None = None
        self._rows: dict[InstrumentKey, list[BrokerPosition]] = {}  # the report's positions
        self.strays: list[BrokerOrder] = []
        self.since_s = 0.0  # the broker's order and trade books begin here
        self._asked = 0
        self._stale_until: dict[InstrumentKey, int] = {}
        self._own: dict[InstrumentKey, int] = {}
        self._base: dict[InstrumentKey, int] = {}
        self._filled_s: dict[InstrumentKey, float] = {}
        self._foreign: dict[tuple[InstrumentKey, Side], int] = {}
        self._stray_filled: dict[str, int] = {}
        self._hand_filled: dict[str, int] = {}
        self._hands: dict[InstrumentKey, int] = {}
        self._hands_s: dict[InstrumentKey, float] = {}
        self._hands_all: dict[InstrumentKey, int] = {}  # of today, settled or not,
        self._hands_base: dict[InstrumentKey, int] = {}  # and how many of them the base knows of
        self._calm: dict[tuple[InstrumentKey, Product], int] = {}

    # ------------------------------------------------------------------------------- asking

    @property
    def asked(self) -> int:
        """The number of the newest request."""
        return self._asked

    def next_request(self) -> int:
        """Number a new request."""
        self._asked += 1
        return self._asked

    def touched(self, key: InstrumentKey) -> None:
        """Something was done or learnt: only reports asked for from now on count for this contract."""
        self._stale_until[key] = self._asked

    def fresh(self, key: InstrumentKey) -> bool:
        """True when the last report may be used to decide an order in this contract."""
        return self.report is not None and self.report.request > self._stale_until.get(key, 0)

    def start_day(self, since_s: float) -> None:
        """Forget the books: the broker's lists begin anew, and what was filled is in its positions."""
        self.report, self.since_s = None, since_s
        self._rows = {}
        self.strays = []
        for book in (self._own, self._base, self._filled_s, self._foreign, self._stray_filled):
            book.clear()
        for hands in (self._hand_filled, self._hands, self._hands_s, self._calm):
            hands.clear()
        self._hands_all.clear()
        self._hands_base.clear()

    def age_s(self, now_s: float) -> float:
        """How long ago the last report was begun."""
        return now_s - self.report.began_s if self.report else float("inf")

    # ------------------------------------------------------------------------------ learning

    def take(self, report: BrokerReport, known: Mapping[str, Order], now_s: float) -> None:
        """Keep a successful report; orders with a name of ours that no journal knows are counted too.

        Their fills count as ours from the second report on: what they had traded before the first one
        is in the positions that we begin with.
        """
        first, self.report = self.report is None, report
        self._rows = {}
        for listed in report.positions:
            self._rows.setdefault(listed.key, []).append(listed)
        self._foreign, self.strays = {}, []
        ours = {order.order_id for order in known.values() if order.order_id}
        for row in report.orders:
            if row.order_id in ours:  # also one whose name the broker has lost
                continue
            if not read_correlation_id(row.correlation_id):
                self._take_hand(row, now_s, first=first)
                continue
            before = self._stray_filled.get(row.order_id, row.filled if first else 0)
            self._stray_filled[row.order_id] = max(before, row.filled)
            if row.filled > before:
                self.filled(row.key, row.side, row.filled - before, now_s)
            if not row.status.final:
                at = (row.key, row.side)
                self._foreign[at] = self._foreign.get(at, 0) + row.quantity - row.filled
            if row.filled > before or not row.status.final:
                self.strays.append(row)
        self._calm_down(report)

    def _take_hand(self, row: BrokerOrder, now_s: float, *, first: bool) -> None:
        """Count what somebody else's order has traded, until the position list must know of it."""
        before = self._hand_filled.get(row.order_id, row.filled if first else 0)
        self._hand_filled[row.order_id] = max(before, row.filled)
        if row.filled > before:
            units = row.side.sign * (row.filled - before)
            for book in (self._hands, self._hands_all):
                book[row.key] = book.get(row.key, 0) + units
            self._hands_s[row.key] = now_s

    def _calm_down(self, report: BrokerReport) -> None:
        """Where nobody has traded for long, the list is the whole truth: count anew from there."""
        for row in report.positions:
            key = row.key
            if self.quiet(key) and report.began_s - self._hands_s.get(key, float("-inf")) >= SETTLE_S:
                self._hands.pop(key, None)
                self._calm[key, row.product] = row.net_quantity - self._own.get(key, 0)

    def filled(self, key: InstrumentKey, side: Side, quantity: int, at_s: float) -> None:
        """Book own fills."""
        self._own[key] = self._own.get(key, 0) + side.sign * quantity
        self._filled_s[key] = max(at_s, self._filled_s.get(key, at_s))
        self.touched(key)

    def resume(self, leg: LegPlan) -> None:
        """Take over the base of a leg that the journal remembers."""
        if leg.baseline_net is not None:
            self._base[leg.key] = leg.baseline_net

    # ----------------------------------------------------------------------------- answering

    def row(self, leg: LegPlan) -> BrokerPosition | None:
        """The broker's row for a leg; None = the broker does not list the contract.

        Until the leg has a baseline it is the product held most in the leg's direction, then that
        product for good: an order in another product would open a new position.
        """
        rows = self._rows.get(leg.key, [])
        if leg.baseline_net is not None:
            return next((p for p in rows if p.product is leg.product), None)
        return max(rows, key=lambda p: -leg.side.sign * p.net_quantity, default=None)

    def settle(self, leg: LegPlan, row: BrokerPosition) -> bool:
        """Give a leg the base from which own fills are counted; False = it is too soon to tell.

        Two exits may share a contract: the first read of the second may still show the position
        before the first one's fills. So a base that is there stays until the list has settled, and
        none is taken while it may lag.
        """
        if self.quiet(leg.key):
            self.rebase(leg, row)
        elif leg.key not in self._base:
            return False
        leg.baseline_net = self._base[leg.key]
        leg.product = row.product
        return True

    def quiet(self, key: InstrumentKey) -> bool:
        """True when our last fill in this contract is so long ago that the position list knows of it."""
        began_s = self.report.began_s if self.report else 0.0
        return began_s - self._filled_s.get(key, float("-inf")) >= SETTLE_S

    def traded(self, key: InstrumentKey) -> bool:
        """Whether a fill of ours in this contract is in today's books."""
        return key in self._own

    def elsewhere(self, leg: LegPlan) -> int:
        """Units of the leg's contract that are held in its direction, but as another product."""
        others = [p for p in self._rows.get(leg.key, ()) if p.product is not leg.product]
        return sum(max(-leg.side.sign * p.net_quantity, 0) for p in others)

    def rebase(self, leg: LegPlan, row: BrokerPosition) -> None:
        """Take the broker's net as the truth, after it was seen often enough to believe."""
        self._base[leg.key] = row.net_quantity - self._own.get(leg.key, 0)
        self._hands_base[leg.key] = self._hands_all.get(leg.key, 0) - self._hands.get(leg.key, 0)
        leg.baseline_net = self._base[leg.key]

    def expected(self, leg: LegPlan) -> int | None:
        """What the broker must show once it has digested our fills; None before the first read."""
        base = self._base.get(leg.key)
        return None if base is None else base + self._own.get(leg.key, 0)

    def explained(self, leg: LegPlan) -> int | None:
        """What our fills and other people's leave of what was held when nobody had traded for long.

        An order does not say of which product it is: one of another product is counted too, for the minute
        in which the list may lag. None when the list has not been calm since we look.
        """
        calm = self._calm.get((leg.key, leg.product))
        return None if calm is None else calm + self._own.get(leg.key, 0) + self._hands.get(leg.key, 0)

    def added(self, leg: LegPlan) -> int:
        """Units that other people's orders have opened of a leg since its base, the way round it is held."""
        since = self._hands_all.get(leg.key, 0) - self._hands_base.get(leg.key, 0)
        return max(-leg.side.sign * since, 0)

    def free(self, leg: LegPlan, net: int, live: Iterable[Order]) -> int:
        """Units of a leg that may be sent now: never more than is surely held and not yet asked for.

        ``live`` are all our live orders of every intent; the unknown ones count in full.
        """
        nets = (net, self.expected(leg), self.explained(leg))
        held = min(-leg.side.sign * each for each in nets if each is not None)
        return held - self.asked_for(leg, live)

    def left_traces(self, order: Order, report: BrokerReport) -> bool:
        """Whether a report without this order shows a trade or a position that may be its doing."""
        r = order.request
        listed = {row.order_id for row in report.orders}
        if any(f.key == r.key and f.side is r.side and f.order_id not in listed for f in report.fills):
            return True
        if r.key not in self._base:
            return False
        expected = self._base[r.key] + self._own.get(r.key, 0)
        rows = (p for p in report.positions if p.key == r.key and p.product is r.product)
        return any((row.net_quantity - expected) * r.side.sign > 0 for row in rows)

    def asked_for(self, leg: LegPlan, live: Iterable[Order]) -> int:
        """Units that live orders of ours, known to the journal or not, ask for on the leg's side."""
        asked = sum(o.rest for o in live if o.request.key == leg.key and o.request.side is leg.side)
        return asked + self._foreign.get((leg.key, leg.side), 0)
