"""How far decisions are behind prices, told to the machine while it is too far."""

from __future__ import annotations

import pytest

from engine.io.inbox import CONFLATE_ABOVE, Inbox
from engine.io.pressure import LIMIT_S, SPAN_S, Pressure
from engine.measures import Measures
from engine.messages import Behind, Tick
from engine.model import InstrumentKey
from engine.overload import CALM_LOOKS


@pytest.fixture
def said():
    return []


@pytest.fixture
def house(said):
    measures, inbox = Measures(), Inbox()
    return measures, inbox, Pressure(measures, inbox, said.append, lambda: 0.0)


def decide(measures, *took_s):
    for each in took_s:
        measures.judged(0.0, 0.0, each)


def test_a_house_that_keeps_up_says_nothing(house, said):
    """One late decision of two hundred is none, nor is one of two."""
    measures, _, pressure = house
    decide(measures, *[0.001] * 199, 1.0)
    pressure.look()
    decide(measures, 0.001, 1.0)
    pressure.look()
    assert said == []


def test_decisions_that_come_late_are_told_until_they_do_not(house, said):
    """Every look while it lasts, and the good ones after it; what lies before the last look is history."""
    measures, _, pressure = house
    decide(measures, *[0.001] * 100, *[0.5] * 5)
    pressure.look()
    decide(measures, *[0.001] * 100)
    pressure.look()
    late = Behind(late=True, slow=True, overtaken=0, limit_s=LIMIT_S, span_s=SPAN_S)
    assert said == [late, Behind(late=False, slow=False, overtaken=0, limit_s=LIMIT_S, span_s=SPAN_S)]


def test_good_news_is_told_until_it_is_believed_and_no_longer(house, said):
    """The machine believes the second good look; from then on there is nothing to tell."""
    measures, _, pressure = house
    decide(measures, *[0.5] * 5)
    for _ in range(9):
        pressure.look()
    assert [each.late for each in said] == [True, *[False] * CALM_LOOKS]


def test_prices_that_were_overtaken_are_told_however_quick_the_rest_was(house, said):
    """They were never looked at, so that no decision was late."""
    measures, inbox, pressure = house
    inbox.post_ticks([Tick(InstrumentKey(n % 3), n) for n in range(CONFLATE_ABOVE + 1)])
    decide(measures, *[0.001] * 100)
    pressure.look()
    assert [(each.late, each.slow, each.overtaken) for each in said] == [(True, False, CONFLATE_ABOVE - 2)]


async def test_a_loop_that_is_late_itself_is_told(said, monkeypatch):
    """Nothing has arrived that a decision could be late for: the loop's own turns count."""
    now_s = [0.0]

    async def sleep(seconds):
        now_s[0] += seconds + 0.5
        if said:
            raise KeyboardInterrupt

    monkeypatch.setattr("engine.io.pressure.asyncio.sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        await Pressure(Measures(), Inbox(), said.append, lambda: now_s[0]).run()
    assert [(each.late, each.slow) for each in said] == [(True, True)]
