"""A day that the real house has recorded, replayed under its own rules and under others."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import time

import pytest

from engine.__main__ import main
from engine.errors import BadInput
from engine.io import reruns
from engine.io.packing import pack
from engine.io.recorded import find_day
from engine.io.reruns import RerunRequest, run_recorded
from engine.replay.difference_report import difference_text
from engine.sessions import at
from tests.engine.makers import condors
from tests.support.clock import VirtualClock
from tests.support.paper_house import DAY, ENTRY, PaperHouse

#: The condor's stop of 5,000 rupees, and one of 2,000.
STOP = '[default]\nstop_loss_rupees = 5000\nstop_loss = "off"\nprofit_target = "off"\n'
TIGHT = STOP.replace("5000", "2000")
LOOSE = STOP.replace("5000", "9000")


def told(home, rules=None, **more):
    """The day's replay; ``rules`` are those that are tried."""
    path = None
    if rules is not None:
        path = home / "what-if.toml"
        path.write_text(rules)
    return run_recorded(RerunRequest(day(home), path, **more))


def day(home):
    return find_day(home / "recorded" / f"{DAY}-paper")


def only(result):
    (position,) = result["positions"]
    return position


async def falls(house, *, after=120):
    """The short call rises in steps until the condor has lost some 6,000, then goes on a little."""
    await house.quote(*ENTRY)
    await house.passes(after)
    for call in (50, 70, 90, 110, 130, 135, 140):
        await house.quote(20, 45, call, 18 + (call - 40) / 10, volume=call * 1_000)
        await house.passes(7)
    await house.passes(30)
    await house.quote(20, 45, 140, 28)


@pytest.fixture
async def stopped(tmp_path):
    """A day on which the stop of 5,000 was met."""
    house = PaperHouse(tmp_path, rules=STOP)
    async with house.living():
        await falls(house)
        await house.closes()
    return tmp_path


async def test_the_same_rules_decide_the_same_and_differ_by_nothing(stopped):
    """Recorded by the real runner, journal and paper broker: the same exit at the same moment, 0 rupees."""
    position = only(told(stopped))
    (real,), (again,) = position["happened"]["exits"], position["same_rules"]["exits"]
    assert real["rule"] == "stop_loss_rupees"
    assert again == real
    assert position["happened"]["status"] == "closed"
    assert position["happened"]["net"] < -5_000
    assert position["difference"] == position["replay_error"] == 0.0
    assert position["fiction"] == []


async def test_a_packed_day_tells_the_same_as_its_spool(stopped):
    """Byte for byte; and the spool is gone."""
    before = json.dumps(told(stopped, TIGHT))
    counts = pack(day(stopped))
    assert counts["ticks"] == 4 * 9
    assert {path.suffix for path in day(stopped).path.iterdir()} == {".parquet"}
    assert json.dumps(told(stopped, TIGHT)) == before


async def test_a_tighter_stop_would_have_saved_what_the_market_fell_further(stopped):
    """What happened stays what it was; the difference is that of the two."""
    position = only(told(stopped, TIGHT))
    (tried,) = position["with_rules"]["exits"]
    assert tried["at"] < position["happened"]["exits"][0]["at"]
    assert position["replay_error"] == 0.0
    assert position["difference"] == round(position["with_rules"]["net"] - position["happened"]["net"], 2)
    assert position["difference"] > 2_000


async def test_a_looser_stop_would_still_hold_it_at_the_last_prices(stopped):
    """Nothing exits: what is left counts at the marks of the close, entry charges only."""
    position = only(told(stopped, LOOSE))
    assert position["with_rules"]["exits"] == []
    assert position["replay"]["status"] == "open"
    assert position["replay"]["final_pnl_gross"] == (18 - 28) * -65 - (140 - 40) * 65


async def test_a_position_that_nobody_exits_differs_by_nothing(tmp_path):
    """Both stand at the same last marks."""
    house = PaperHouse(tmp_path, rules=STOP)
    async with house.living():
        await house.quote(*ENTRY)
        await house.passes(60)
        await house.quote(21, 44, 43, 18)
        await house.passes(60)
    position = only(told(tmp_path))
    assert position["happened"]["status"] == "open"
    assert position["happened"]["net"] is not None
    assert position["difference"] == 0.0


async def test_rules_that_changed_during_the_day_change_again_unless_others_are_tried(tmp_path):
    """It began with a stop of 9,000 and ended by one of 5,000."""
    house = PaperHouse(tmp_path, rules=LOOSE)
    async with house.living():
        await house.quote(*ENTRY)
        await house.passes(5)
        house.recorder.flush()
        await house.take_rules(STOP)
        await falls(house)
    position = only(told(tmp_path))
    assert len(position["happened"]["exits"]) == 1
    assert position["same_rules"]["exits"] == position["happened"]["exits"]
    assert position["difference"] == 0.0
    assert only(told(tmp_path, LOOSE))["with_rules"]["exits"] == []


async def test_an_exit_of_a_part_counts_with_what_is_left_of_it(tmp_path):
    """Two of four are closed at a quarter of the profit; the rest stands at the last prices, in both."""
    rules = STOP + "profit_scaling = [{at = 0.25, close = 0.5}]\n"
    house = PaperHouse(tmp_path, condors(4), rules=rules)
    async with house.living():
        await house.quote(*ENTRY)
        await house.passes(20)
        for call in (38, 32, 26, 25, 25, 25):
            await house.quote(20, 45, call, 18)
            await house.passes(7)
        await house.closes()
    position = only(told(tmp_path))
    assert position["happened"]["status"] == position["replay"]["status"] == "partially_closed"
    assert [each["rule"] for each in position["happened"]["exits"]] == ["profit_scaling"]
    assert position["difference"] == 0.0
    held = only(told(tmp_path, STOP))
    assert held["with_rules"]["exits"] == []
    assert held["difference"] > 0, "charges of the exit, and its spread"


async def test_a_fill_beyond_what_was_shown_and_traded_is_fiction(tmp_path):
    """A hundred lots where each quote shows ten: paper takes the same ten again and again."""
    house = PaperHouse(tmp_path, condors(100), rules=STOP.replace("5000", "500000"))
    async with house.living():
        await house.quote(*ENTRY, size=650)
        await house.passes(60)
        for _ in range(30):
            await house.quote(20, 45, 140, 28, size=650)
            await house.passes(3)
        await house.closes()
    position = only(told(tmp_path))
    assert position["happened"]["status"] == "closed"
    assert any("where the book showed" in text for text in position["fiction"])
    assert told(tmp_path)["together"]["fiction"] == position["difference"]


async def test_a_fill_on_an_old_quote_is_fiction(tmp_path):
    """At the clock's stroke the last quote is seven seconds old."""
    rules = STOP + 'exit_at = "15:23"\n'
    house = PaperHouse(tmp_path, rules=rules)
    async with house.living():
        await house.quote(*ENTRY)
        await house.until("15:22:53")
        await house.quote(*ENTRY)
        await house.until("15:23:10")
        await house.quote(*ENTRY)
        await house.passes(30)
    position = only(told(tmp_path))
    assert position["happened"]["exits"][0]["rule"] == "exit_at"
    assert any("on a quote that was" in text for text in position["fiction"])


async def test_what_a_person_asked_for_is_asked_for_again_unless_rules_were_faster(tmp_path):
    """With the same rules the same exit at that moment, and the page says whose it was."""
    house = PaperHouse(tmp_path, rules=STOP)
    async with house.living():
        await house.quote(*ENTRY)
        await house.passes(60)
        await house.ask_exit()
        await house.passes(5)
        await house.quote(*ENTRY)
        await house.passes(30)
    position = only(told(tmp_path))
    (real,), (again,) = position["happened"]["exits"], position["same_rules"]["exits"]
    assert real["rule"] == again["rule"] == "forced"
    assert real["at"][:19] == again["at"][:19]
    assert position["difference"] == 0.0
    assert "Asha asked for this exit" in position["notes"][0]


async def test_rows_that_somebody_took_away_are_gone_in_the_replay_too(tmp_path):
    """It stands at the marks of that moment, and says so."""
    house = PaperHouse(tmp_path, rules=STOP)
    async with house.living():
        await house.quote(*ENTRY)
        await house.passes(60)
        other = house.shelf.rows.copy()
        house.shelf.rows = [row for row in other if row.id != 1]
        await house.passes(60)
        house.shelf.rows = []
        await house.passes(120)
        await house.quote(*ENTRY)
    position = only(told(tmp_path))
    assert "rows were taken away at 15:2" in position["notes"][0]


async def test_a_restart_in_the_middle_of_the_day_is_one_day(tmp_path):
    """Two lives, one after the other; the replay goes on through both, and the page says so."""
    first = PaperHouse(tmp_path, rules=STOP)
    async with first.living():
        await first.quote(*ENTRY)
        await first.passes(60)
    second = PaperHouse(tmp_path, rules=STOP, clock=VirtualClock(at(DAY, time(15, 24, 0, 300_000))))
    async with second.living():
        await falls(second)
    result = told(tmp_path)
    assert len(result["record"]["starts"]) == 2
    position = only(result)
    assert position["happened"]["exits"][0]["rule"] == "stop_loss_rupees"
    assert position["same_rules"]["exits"] == position["happened"]["exits"]
    assert position["difference"] == 0.0
    assert "started 2 times: 15:20:00, 15:24:00" in difference_text(result)


async def test_the_tool_prints_a_page_or_json_the_same_twice(stopped, monkeypatch, capsys):
    """The directory may be named as it lies below DATA_DIR."""
    (stopped / "what-if.toml").write_text(TIGHT)
    monkeypatch.chdir(stopped)
    monkeypatch.setenv("DATA_DIR", str(stopped))
    day_path = f"recorded/{DAY}-paper"
    assert main(["replay", day_path, "--rules", "what-if.toml"]) == 0
    page = capsys.readouterr().out
    assert "as recorded in simulate, and under what-if.toml" in page
    assert "Together −₹" in page
    assert main(["replay", day_path, "--rules", "what-if.toml", "--json"]) == 0
    first = capsys.readouterr().out
    assert main(["replay", day_path, "--rules", "what-if.toml", "--json"]) == 0
    assert capsys.readouterr().out == first
    assert json.loads(first)["together"]["difference"] == only(told(stopped, TIGHT))["difference"]


async def test_whoever_waits_is_told_how_far_it_is(stopped, monkeypatch):
    """In seconds of the day, never backwards, to its end or nearly."""
    monkeypatch.setattr(reruns, "TOLD_EVERY", 10)
    steps, totals = [], []

    @contextmanager
    def bar(_what, total):
        totals.append(total)
        yield steps.append

    run_recorded(RerunRequest(day(stopped)), bar)
    assert len(steps) > 10
    assert min(steps) >= 0
    assert 0.9 * totals[0] < sum(steps) <= totals[0]


def test_what_is_no_recorded_day_is_refused_with_what_is_expected(tmp_path, capsys):
    """An empty directory; a file of snapshots without trades; two days at once."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["replay", str(empty)]) == 2
    assert "holds no recorded day; expected a directory such as" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "day.csv")]) == 2
    assert "expected --trades" in capsys.readouterr().err
    assert main(["replay", str(empty), str(empty)]) == 2
    assert "expected one" in capsys.readouterr().err
    (empty / "091500.spool").write_bytes(b"something else")
    with pytest.raises(BadInput, match="is no recorded day"):
        run_recorded(RerunRequest(find_day(empty)))
