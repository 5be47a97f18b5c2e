"""The pictures and tables of docs/rules.md are what the replay of the recorded days says today."""

from __future__ import annotations

import re
from functools import cache
from xml.etree import ElementTree as ET

import pytest

from engine.rules.day_limits import DAY_RULES
from engine.rules.registry import rules
from tests.engine.replay.every_rule import needs_days, replayed
from tests.pictures.drawing import Drawing
from tests.pictures.page import FOLDER, PAGE, written
from tests.pictures.picks import PICKS
from tests.pictures.watching import scenes

SVG = "{http://www.w3.org/2000/svg}"
#: All pictures together, bytes: a page that is read on a phone.
SMALL = 700_000
STALE = "run `make pictures`, look at what changed, and commit it"


#: One worker replays the days for all of these tests.
@cache
def by_name():
    """Every scene by the name of its picture."""
    return {scene.pick.name: scene for scene in scenes()}


def told(svg):
    """Everything a picture says: the numbers it was drawn from, and all of its words."""
    root = ET.fromstring(svg)  # noqa: S314 - drawn by ourselves
    named = [root.find(f"{SVG}{name}") for name in ("title", "desc", "metadata")]
    return [each.text for each in (*named, *root.iter(f"{SVG}text"))]


def test_every_rule_has_its_row_and_its_picture():
    """No rule is left out, no picture is left over, and all of them together are small."""
    assert {pick.rule for pick in PICKS} == set(rules()) | DAY_RULES
    files = {path.stem: path for path in FOLDER.iterdir()}
    assert set(files) == {pick.name for pick in PICKS}
    assert sum(path.stat().st_size for path in files.values()) < SMALL
    shown = re.findall(rf'src="{FOLDER.name}/(\w+)\.svg"', PAGE.read_text(encoding="utf-8"))
    assert shown == [pick.name for pick in PICKS]


@needs_days
@pytest.mark.parametrize("name", [pick.name for pick in PICKS])
def test_a_picture_says_what_the_replay_says(name, tmp_path):
    """Drawn anew it has the numbers and words of the committed one, and its rule ends a position flat."""
    scene = by_name()[name]
    assert {event["rule"] for event in scene.verdicts} == {scene.pick.rule}
    assert all(position["status"] == "closed" for position in scene.positions)
    drawn = tmp_path / f"{name}.svg"
    drawn.write_text(Drawing(scene).svg(), encoding="utf-8")
    committed = FOLDER / drawn.name
    assert told(drawn.read_text(encoding="utf-8")) == told(committed.read_text(encoding="utf-8")), STALE


@needs_days
def test_the_tables_say_what_the_replay_says():
    """Every amount, time and threshold of the page, to the paisa and the second."""
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, list(by_name().values())) == page, STALE


@needs_days
def test_looking_on_changes_nothing():
    """What is drawn became of the positions of a day as it does when nobody looks."""
    day = "2019-05-20"
    seen = [scene for scene in by_name().values() if scene.pick.day == day]
    assert len(seen) == 2
    for scene in seen:
        assert scene.positions == [replayed(day)[number] for number in scene.pick.numbers]
