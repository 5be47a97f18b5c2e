"""The pictures of docs/performance.md are those of the numbers kept beside them."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.bench.plot import FOLDER, KEPT, draw, pictures

SVG = "{http://www.w3.org/2000/svg}"
LOAD = {
    "1000 rate": 1000.0, "1000 floor p50": 30.0, "1000 floor p99": 90.0, "1000 house p50": 60.0,
    "1000 house p99": 400.0, "5000 rate": 4990.0, "5000 floor p50": 22.0, "5000 floor p99": 60.0,
    "5000 house p50": 65.0, "5000 house p99": 500.0,
}  # fmt: skip
COST = {"10 few": 0.02, "10 all": 0.03, "1000 few": 0.02, "1000 all": 0.04, "ticks": 10_000.0}


def run(**parts):
    """What a run's JSON has of these parts."""
    return {"parts": {name.replace("_", "-"): {"median": found} for name, found in parts.items()}}


def told(svg):
    """Everything a picture says: the numbers it was drawn from, and all of its words."""
    root = ET.fromstring(svg)  # noqa: S314 - drawn by ourselves
    named = [root.find(f"{SVG}{name}") for name in ("title", "desc", "metadata")]
    return [each.text for each in (*named, *root.iter(f"{SVG}text"))]


def test_a_picture_tells_its_numbers_also_to_those_who_do_not_see_it(tmp_path):
    """Lines are named at their ends; the description has every number."""
    kept, *drawn = draw(run(load_curve=LOAD, cost_curve=COST), tmp_path)
    assert json.loads(kept.read_text()) == {"load-curve": LOAD, "cost-curve": COST}
    load, cost = (told(each.read_text()) for each in drawn)
    assert {"house p50", "house p99", "floor p50", "floor p99", "ticks a second"} <= set(load)
    assert "65.0 µs at 4,990" in load[1]
    assert {"ticks all over them", "ticks on 8 contracts", "open positions"} <= set(cost)
    assert "ticks all over them: 3.0 µs at 10, 4.0 µs at 1,000" in cost[1]


def test_what_a_run_did_not_measure_stays_as_it_was(tmp_path):
    """A new curve of one kind leaves the other's numbers and picture."""
    draw(run(load_curve=LOAD, cost_curve=COST), tmp_path)
    before = (tmp_path / "load.svg").read_text()
    draw(run(cost_curve=COST | {"10 few": 0.05}), tmp_path)
    assert (tmp_path / "load.svg").read_text() == before
    assert "ticks on 8 contracts: 5.0 µs at 10" in told((tmp_path / "cost.svg").read_text())[1]


def test_a_run_without_a_curve_is_told_how_to_get_one(tmp_path):
    """Nothing is written."""
    with pytest.raises(ValueError, match="--part load-curve"):
        draw(run(decoding={}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_committed_pictures_are_those_of_the_committed_numbers():
    """Drawn anew they say the same, and the page shows both."""
    drawn = pictures(json.loads(KEPT.read_text(encoding="utf-8")))
    for name, svg in drawn.items():
        assert told((FOLDER / f"{name}.svg").read_text(encoding="utf-8")) == told(svg)
    text = (FOLDER.parent / "performance.md").read_text(encoding="utf-8")
    assert set(re.findall(r'src="performance/(\w+)\.svg"', text)) == set(drawn) == {"load", "cost"}
