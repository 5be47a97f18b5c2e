"""Orders with a name of ours that no journal knows: told, cancelled, and waited for in their contract."""

from __future__ import annotations

from engine.broker_nouns import OrderRequest, OrderStatus, Product
from engine.effects import Alert, CancelOrder
from engine.messages import Accepted, Beat, BeatKind
from engine.model import Mode, Side, Urgency
from tests.engine.test_monitor import ENTRY, PROFIT
from tests.support.rig import Rig

NAME = "P-default-260203007-1-0-0"
TITLE = "An order of ours is in the book that no journal knows"


class Watched(Rig):
    """A rig that keeps every cancel it sends."""

    def __init__(self, mode):
        self.cancels: list[CancelOrder] = []
        self.deaf = False  # a cancel is taken, and without effect
        super().__init__(mode)

    def ask_the_world(self, effect):
        if isinstance(effect, CancelOrder):
            self.cancels.append(effect)
            if self.deaf:
                return []
        return super().ask_the_world(effect)


def with_stranger(mode=Mode.EXECUTE, name=NAME):
    """A rig whose first short has a resting order of an earlier life, which asks for a price out of reach."""
    rig = Watched(mode)
    rig.wait(1, *ENTRY)
    leg = next(leg for leg in rig.legs if leg.quantity < 0)
    said = rig.exchange.place(OrderRequest(name, leg.key, Side.BUY, 65, 5, Product.MARGIN))
    assert isinstance(said, Accepted)
    rig.journal.clear()
    rig.start()
    return rig


def told(rig):
    """What was told of strangers."""
    return [a for a in rig.of(Alert) if a.title == TITLE]


def status(rig):
    """How the stranger stands in the book."""
    return next(row.status for row in rig.exchange.orders() if row.correlation_id == NAME)


def test_a_stranger_is_told_high_and_cancelled_without_any_exit():
    """The journal was lost: its order would trade behind our back."""
    rig = with_stranger()
    assert status(rig) is OrderStatus.CANCELLED
    assert [a.urgency for a in told(rig)] == [Urgency.HIGH]
    assert f"({NAME})" in told(rig)[0].text
    assert "It is cancelled" in told(rig)[0].text
    rig.wait(30, *ENTRY)
    assert len(rig.cancels) == len(told(rig)) == 1


def test_nothing_else_is_sent_in_its_contract_before_it_is_gone():
    """Its cancel is lost twice: the exit waits for that leg, the order of ours comes after it."""
    rig = with_stranger()
    rig.deaf = True
    leg = next(leg for leg in rig.legs if leg.quantity < 0)
    other_side = OrderRequest("P-default-26020309z-1-0-0", leg.key, Side.SELL, 65, 100_000, Product.MARGIN)
    rig.exchange.place(other_side)
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(20, *PROFIT)
    assert leg.key not in {order.key for order in rig.placed}
    assert len(rig.cancels) > 2
    rig.deaf = False
    rig.wait(60, *PROFIT)
    assert rig.flat


def test_a_monitor_that_may_send_nothing_only_tells():
    """Alert-only: nothing is cancelled, and the alert says why."""
    rig = with_stranger(Mode.ALERT_ONLY)
    rig.wait(30, *ENTRY)
    assert status(rig) is OrderStatus.PENDING
    assert not rig.cancels
    assert "It is left alone for now: alert-only mode" in told(rig)[0].text


def test_after_stop_a_stranger_is_cancelled_all_the_same():
    """/stop wants no order of ours in the market; this is one."""
    rig = with_stranger()
    leg = next(leg for leg in rig.legs if leg.quantity < 0)
    rig.monitor.helm.halted = True
    other = "P-default-260203009-1-0-0"
    rig.exchange.place(OrderRequest(other, leg.key, Side.BUY, 65, 5, Product.MARGIN))
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(10, *ENTRY)
    assert not [row for row in rig.exchange.orders() if not row.status.final]


def test_orders_of_another_account_and_of_a_hand_are_left_alone():
    """A name of ours with another account's tag, or no name of ours: not ours to cancel, and no alarm."""
    for name in ("P-family-260203007-1-0-0", "my own order"):
        rig = with_stranger(name=name)
        rig.wait(30, *ENTRY)
        assert not rig.cancels
        assert not told(rig)
