"""The long run says what grew; how much that was is nobody's business here."""

from __future__ import annotations

import struct

import pytest

from engine.messages import BeatKind
from tests.bench.soak.house import Probe
from tests.bench.soak.page import page, slope_mb_a_min, verdicts
from tests.bench.soak.run import soak
from tests.bench.soak.sender import Contracts

ONE = {"segment": 2, "security_id": 40_001, "mid_paise": 10_000, "tick_paise": 5, "lunge_paise": 4_000}


def line(at_s, **more):
    """What the probe writes, quiet unless told otherwise."""
    return {
        "at_s": at_s, "rss_mb": 100.0, "blocks": 1, "tasks": 30, "threads": 9, "fds": 40, "ticks": 100_000,
        "beats": 20, "missed": {}, "pulse_gap_s": 0.5, "cpu_s": at_s / 2, "waited_s": 0.0, "conflated": 0,
        "p50_us": 50.0, "p99_us": 500.0, "max_us": 2_000.0,
    } | more  # fmt: skip


def found(lines):
    """A run of these lines, in which everything else went well."""
    return {
        "seconds": 300, "strategies": 6, "contracts": 12, "rate": 10_000, "lines": lines, "mirror": 12,
        "sent": {"rate": 10_000.0}, "world": {"messages": 9, "asked": 9, "calls": 90, "failed": 0},
    }  # fmt: skip


def told(lines, **more):
    """Each verdict by the first word of what it is about: passed, and what was found."""
    return {each.what.split()[0]: (each.passed, each.found) for each in verdicts(found(lines) | more)}


def test_what_grows_after_the_start_is_told_by_the_minute():
    """The start's own growth does not count; half a megabyte every ten seconds is three a minute."""
    lines = [line(at_s, rss_mb=500.0) for at_s in range(10, 130, 10)]
    lines += [line(at_s, rss_mb=100 + at_s / 20) for at_s in range(130, 310, 10)]
    assert slope_mb_a_min(lines) == pytest.approx(3.0)
    assert told(lines)["memory"] == (False, "+3.00 MB a minute")
    assert "FAIL" in page(found(lines))


def test_tasks_files_and_missed_beats_are_told():
    """Those of the first two minutes belong to the start."""
    lines = [line(at_s, missed={"pulse": 3}, tasks=99) for at_s in range(10, 130, 10)]
    lines += [line(at_s) for at_s in range(130, 250, 10)]
    assert all(passed for passed, _ in told(lines).values())
    assert "FAIL" not in page(found(lines))
    lines += [line(250, missed={"sync": 1}, tasks=50, fds=41)]
    lines += [line(260, missed={"pulse": 2}, waited_s=5.0)]
    said = told(lines)
    assert said["tasks"] == (False, "30 to 50")
    assert said["files"] == (True, "40 to 41")
    assert said["beats"][0] is False
    assert said["beats"][1].startswith("3, of these 1 ")


def test_beats_that_a_busy_machine_kept_are_not_judged():
    """A house that waits for a core all the time is late, and nobody knows by whose fault."""
    lines = [line(at_s, missed={"pulse": 1}, waited_s=at_s * 0.6) for at_s in range(10, 250, 10)]
    assert told(lines)["beats"][0] is None
    assert told([line(at_s, beats=0) for at_s in range(10, 250, 10)])["beats"][0] is False


def test_chat_store_mirror_and_prices_must_have_worked():
    """Switched on is not enough: no answers, a failed call, a missing price, half of what was sent."""
    lines = [line(at_s) for at_s in range(10, 250, 10)]
    world = {"messages": 3, "asked": 9, "calls": 90, "failed": 1}
    said = told(lines, world=world, mirror=11, rate=20_000, sent={"rate": 20_000.0})
    assert [said[name][0] for name in ("chat", "trade", "price", "prices")] == [False] * 4


def test_a_run_that_is_too_short_says_so():
    """One minute shows what a start takes, and nothing of growth."""
    lines = [line(at_s) for at_s in range(10, 250, 10)]
    assert told(lines, rate=20_000)["prices"][0] is None, "a sender that is slow says nothing of the house"
    said = told([line(10), line(20)], seconds=30)
    assert [said[name][0] for name in ("memory", "tasks", "files")] == [None] * 3
    assert "FAIL" not in page(found([line(10), line(20)]) | {"seconds": 30})


async def test_a_beat_that_comes_half_its_interval_late_was_missed():
    """A pulse is due every half second; the first of its kind is late for nothing."""
    probe = Probe(None, trace=False)
    for now_s in (10.0, 10.5, 11.2, 12.0):
        probe.beat(BeatKind.PULSE, now_s)
    probe.beat(BeatKind.SYNC, 100.0)
    probe.beat(BeatKind.SYNC, 131.0)
    seen = probe.line()
    assert (seen["missed"], seen["beats"], seen["pulse_gap_s"]) == ({"pulse": 1}, 6, pytest.approx(0.8))
    assert probe.line()["missed"] == {}


def test_the_sender_wanders_and_lunges():
    """Five prices two ticks around the usual one; after ten seconds one far above it, for three seconds."""
    stream = Contracts([ONE]).stream(1_000)
    prices = [struct.unpack_from("<f", next(stream), 8)[0] for _ in range(14_000)]
    far = [number for number, price in enumerate(prices, start=1) if price > 110]
    assert {round(price, 2) for price in prices} == {99.9, 99.95, 100.0, 100.05, 100.1, 140.0}
    assert far[0] >= 10_000
    assert far[-1] < 13_000


@pytest.mark.deep
@pytest.mark.timeout(240)
def test_a_short_soak_runs_with_everything_on():
    """All processes start, ticks and beats arrive, the phone is answered, and everything ends."""
    done = soak(35.0, strategies=12, rate=1_000)
    assert done["lines"]
    assert sum(each["ticks"] for each in done["lines"]) > 1_000
    assert sum(each["beats"] for each in done["lines"]) > 10
    assert done["world"]["messages"] > 0
    assert done["world"]["calls"] > 0
    assert done["mirror"] > 0
    assert done["sent"]["sent"] > 1_000
    assert page(done)
