"""The page of /why, from what a whole monitor has seen."""

from __future__ import annotations

from bot.layout import MESSAGE_LIMIT, plain
from bot.why_view import MOMENTS, why_page
from engine.io.whys import Found
from engine.model import Mode
from engine.why import Sighting
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)
WORSE = (18, 40, 85, 20)
RULES = "[default]\nstop_loss_rupees = 2500"


def seen_by(rig):
    """What the journal would hold of the only position."""
    looks = [(each.passing, Sighting.from_json(each.data)) for each in rig.seen]
    kept = tuple(look for passing, look in looks if not passing)
    return Found(rig.seen[-1].position, "", kept, looks[-1][1])


def test_the_story_says_what_was_met_and_what_became_of_it():
    """Times, names as people say them, the guard or gate, and how far each rule is now."""
    rig = Rig(Mode.ALERT_ONLY, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(5, *WORSE)
    page = why_page(seen_by(rig), rig.view)
    assert page.html.startswith("<b>Why</b> · 3359 NIFTY Iron Condor\n\n<b>Tue 03 Feb</b>\n<code>")
    assert "Stop loss rupees met at −₹2,730.00 (threshold −₹2,500.00), waiting 2 s" in page.html
    assert "Stop loss rupees says close now: P&amp;L −₹2,600.00 is at or below the stop" in page.html
    assert "→ told you. Alert-only: nothing was sent" in page.html
    assert "• <b>Stop loss rupees</b>: fired at −₹2,500.00" in page.html
    assert "stop_loss" not in page.html
    assert [button.data for row in page.keyboard for button in row] == ["r:3359"]


def test_a_quiet_position_says_that_nothing_was_near():
    """And still how far each rule is."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(60, *ENTRY)
    text = why_page(seen_by(rig), rig.view).html
    assert "Nothing came near a threshold." in text
    assert "• <b>Stop loss</b>: −₹4,972.50 (50 % of the maximum loss ₹9,945.00); ₹4,972.50 away" in text


def test_a_long_story_is_cut_to_its_newest_moments():
    """A phone shows the last few; each message fits."""
    rig = Rig(Mode.ALERT_ONLY, rules=RULES)
    for _ in range(20):
        rig.wait(4, *WORSE)
        rig.wait(4, *ENTRY)
    text = why_page(seen_by(rig), rig.view).html
    assert text.count("<code>") == MOMENTS
    assert len(plain(text)) <= MESSAGE_LIMIT


def test_a_position_that_is_gone_is_still_told():
    """By its id alone, when nobody knows its name any more."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(31, *ENTRY)
    found = seen_by(rig)
    gone = Found("default/99", "", found.kept, found.latest)
    assert why_page(gone, rig.view).html.startswith("<b>Why</b> · 99\n")
