"""Every reason for a refusal, wherever it shows, on every leg of an iron condor."""

from __future__ import annotations

import pytest

from engine.intents import IntentState
from engine.plan import plan_exit
from engine.pricing import Touch
from engine.refusals import Remedy, remedy
from tests.engine.makers import condors
from tests.engine.test_refusals import REASONS
from tests.support.broker import START_S, Fill, World
from tests.support.refusing import RefusingBroker, Stage

#: While the leg cannot be traded at all; and until when a refused change leaves its order unfilled.
TROUBLE_S = 20.0
FILLED_AFTER_S = 45.0
TOUCH = Touch(1005, 1015, 1010)


class Reluctant(RefusingBroker):
    """Takes every leg but one; that one's orders rest for a while where only changes are refused."""

    slow = 0

    def admit(self, request, now_s: float) -> str:
        rests = request.key == self.slow and self.stage is Stage.MODIFY and now_s < START_S + FILLED_AFTER_S
        self.fills_as = Fill.NEVER if rests else self.fills_as
        try:
            return super().admit(request, now_s)
        finally:
            self.fills_as = Fill.AT_ONCE

    def pass_time(self, now_s: float) -> None:
        super().pass_time(now_s)
        for order_id, order in self.orders.items() if now_s >= START_S + FILLED_AFTER_S else ():
            if not order.status.final:
                self.trade(order_id, order.quantity - order.filled, now_s)


def wrong(what: Remedy, request, now_s: float) -> bool:
    """Whether an order has the fault that a reason of this kind is about."""
    match what:
        case Remedy.RETICK:
            return request.limit_paise % 10 != 0
        case Remedy.RESLICE:
            return request.quantity > 65
        case Remedy.REPRICE:
            return (request.limit_paise - TOUCH.ltp_paise) * request.side.sign > 0
        case Remedy.STOP_LEG:
            return True
        case _:
            return now_s < START_S + TROUBLE_S


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize(("code", "words"), [reason[:2] for reason in REASONS], ids=str)
def test_a_refusal_ends_flat_or_stuck_and_told_and_no_short_loses_its_hedge(code, words, stage, index):
    """What can be mended is mended; else that leg stops, the rest of its rank is done, hedges stay.

    `World` looks at every fill: none crosses zero, and no long goes while a short is open.
    """
    what = remedy("" if stage is Stage.BOOK else code, words)
    broker = Reluctant(stage=stage)
    world = World(condors(2), broker)
    start = dict(broker.net)
    world.touches = dict.fromkeys(start, TOUCH)
    key = broker.slow = plan_exit(world.position)[index].key
    refused = []

    def refuses(request, now_s):
        if request.key != key or not wrong(what, request, now_s):
            return None
        refused.append(request)
        return code, words

    broker.refuses = refuses
    world.exit()
    end = world.run(300.0)
    assert len(broker.asked) < 80
    assert refused
    if what is not Remedy.STOP_LEG or stage is Stage.MODIFY:
        assert (end, world.flat) == (IntentState.FLAT, True), world.intent.note
        assert ("A leg of an exit is stuck" in world.titles()) == (what is Remedy.STOP_LEG)
        return
    assert end is IntentState.STUCK
    assert "Exit is stuck: look at the broker now" in world.titles()
    assert sum(order.key == key for order in broker.placed) == 1
    left = {plan.key for plan in world.intent.legs if plan.rank > world.intent.legs[index].rank} | {key}
    assert broker.net == {each: net if each in left else 0 for each, net in start.items()}
