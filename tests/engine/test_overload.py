"""Prices that come faster than they can be looked at: told once, with its end, and shown in between."""

from __future__ import annotations

from bot.status import status_pages
from engine.effects import Alert
from engine.health_page import health_now
from engine.messages import Behind, Tick, Ticks
from engine.model import Mode, Urgency
from engine.preflight import Light
from engine.recoveries import ends
from tests.support.rig import Rig

SLOW = Behind(late=True, slow=True, overtaken=0, limit_s=0.2, span_s=30.0)
FLOODED = Behind(late=True, slow=True, overtaken=12_345, limit_s=0.2, span_s=30.0)
CALM = Behind(late=False, slow=False, overtaken=0, limit_s=0.2, span_s=30.0)


def heard(rig, *looks):
    """Titles of what is told while these come."""
    rig.said.clear()
    for look in looks:
        rig.tell(look)
    return [alert.title for alert in rig.of(Alert)]


def test_a_house_that_falls_behind_is_told_once_and_once_when_it_keeps_up():
    """One calm look in between is no end."""
    rig = Rig(Mode.EXECUTE)
    assert heard(rig, CALM, CALM) == []
    assert heard(rig, SLOW, CALM, FLOODED, SLOW) == ["The house falls behind"]
    [alert] = rig.of(Alert)
    assert alert.urgency is Urgency.MEDIUM
    assert alert.text.startswith(
        "More than one decision of a hundred came later than 200 ms after its price, in the last 30 s."
    )
    assert heard(rig, CALM, CALM, CALM) == ["The house keeps up again"]
    assert ends(rig.of(Alert)[0].topic, alert.topic)


def test_it_is_shown_while_it_lasts():
    """In /status and in /health, with how many prices nobody has seen."""
    rig = Rig(Mode.EXECUTE)
    rig.tell(Ticks([Tick(rig.legs[0].key, 2_000, bid_paise=1_995, ask_paise=2_005)]))
    rig.tell(FLOODED)
    words = "12,345 prices were overtaken by newer ones before anybody saw them, in the last 30 s."
    [trouble] = rig.view.troubles
    assert trouble.endswith(words)
    assert "12,345 prices" in status_pages(rig.view)[0].html
    [feed] = [check for check in health_now(rig.monitor, rig.now_s) if check.name == "feed"]
    assert (feed.light, words in feed.text) == (Light.AMBER, True)
    for _ in range(2):
        rig.tell(CALM)
    assert rig.view.troubles == ()
