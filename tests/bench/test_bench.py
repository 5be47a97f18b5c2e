"""The bench runs, and measures what it says it measures; how fast that was is nobody's business here."""

from __future__ import annotations

import json
import re

import pytest

from engine.io.dhan import http
from engine.wire import decode
from tests.bench import cpu
from tests.bench.__main__ import bench
from tests.bench.callbacks import Turns
from tests.bench.check import check
from tests.bench.dispatch import dispatch
from tests.bench.flood import flood, seconds
from tests.bench.latency import Pace, latency
from tests.bench.looks import looks
from tests.bench.market import HOLDERS, Move, age_ns, packet, scene, sent_of, stamp, walk
from tests.bench.measure import percentile, repeat
from tests.bench.order_venue import WAYS
from tests.bench.orders import calls
from tests.bench.orders_beside import beside_ticks, waiting
from tests.bench.part import Size
from tests.bench.parts import PARTS, chosen
from tests.bench.recording import recording
from tests.bench.scale import numbers
from tests.bench.scale import one as started
from tests.bench.sharing import VARIANTS, sharing
from tests.bench.side import VARIANTS as BESIDE
from tests.bench.side import side
from tests.bench.touched import crowded, touched

PACE = Pace(positions=24, packets=400, rate=5_000, lunge_every=20)


def test_the_quick_way_judges_like_the_plain_way():
    """A wild market makes both say the same, and both an alert and an exit are among it."""
    said = check(1_200)
    assert said["loss_alert"] > 0
    assert said["profit_target"] > 0


def test_every_contract_of_the_market_is_held_by_three():
    """The bench says that a tick touches three positions: so it does, and each tick moves its contract."""
    market = scene(48)
    held = [(row.security_id, row.strategy_id) for row in market.rows]
    ids = [market.contracts[key].instrument.security_id for key in market.held]
    assert ids
    assert all(sum(security_id == one for security_id, _ in held) == HOLDERS for one in ids)
    last = {key: contract.usual_paise for key, contract in market.contracts.items()}
    for move in walk(market, market.held, 500, lunge_every=50):
        assert move.mid_paise != last[move.key]
        last[move.key] = move.mid_paise


def test_both_parsers_read_the_price_that_was_packed():
    """What is compared is the same work: ours and dhanhq's see one price in one packet."""
    market = scene(10)
    frame = packet(Move(market.held[0], 12_345))
    assert decode(frame, market.grid)[0].ltp_paise == 12_345
    assert cpu.dhanhq_parse()(frame)["LTP"] == "123.45"


def test_a_stamp_goes_through_the_decoder():
    """Moment and number of a packet arrive with its tick; the moment may pass 2**32."""
    market = scene(10)
    frame = bytearray(packet(Move(market.held[0], 12_345)))
    stamp(frame, 7, 2**32 - 1_000)
    (tick,) = decode(bytes(frame), market.grid)
    assert (tick.oi, tick.volume, tick.bid_paise < 12_345) == (7, sent_of(frame), True)
    assert age_ns(tick.volume, 2**32 + 500) == 1_500


def test_the_latency_part_sees_every_packet_and_every_alert():
    """Floor and house read all packets of the other process; the sender says how it kept its pace."""
    found = latency(PACE, rounds=1)
    for one in found.good:
        assert set(one) == {
            f"{w} {s}" for w in ("floor", "house", "alert") for s in ("p50", "p99", "max")
        } | {
            "rate",
            "late",
            "decided",
        }
        assert all(0 < one[f"{who} p50"] <= one[f"{who} max"] for who in ("floor", "house", "alert"))


def test_the_dispatch_part_times_whole_exits():
    """Two condors lose one after the other: each has four orders and is flat after the last of them."""
    found = dispatch(2, rounds=1)
    for one in found.good:
        assert 0 < one["accepted p50"] <= one["accepted p99"] < one["flat p99"]
        assert one["first p50"] <= one["accepted p50"] < one["flat p50"]
        assert 0 < one["journal p50"] < one["left p50"] < one["taken p50"] < one["accepted p99"]


def test_the_order_part_times_every_way_to_the_venue():
    """Each order is at the venue after it was sent and before its answer, whoever sends it."""
    for one in calls(3, rounds=1).good:
        for way in WAYS:
            assert 0 < one[f"{way} sent p50"] < one[f"{way} back p50"]
            assert one[f"{way} four p50"] > 0
            assert one[f"{way} cpu"] > 0


@pytest.fixture
def hasty(monkeypatch):
    """An order that nobody answers is given up sooner."""
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.6)


def test_the_waiting_part_looks_for_as_long_as_an_order_waits(hasty):
    """A tenth of a second, and until an order that nobody answers is given up."""
    for one in waiting(rounds=1).good:
        assert 0.1 < one["0.1 s"] < one["60 s"]
        assert all(one[f"{name} p50"] <= one[f"{name} max"] for name in ("none", "0.1", "60"))


def test_the_part_beside_ticks_sees_every_packet_and_sends_orders():
    """With and without orders all packets are read; orders leave only where they are meant to."""
    for one in beside_ticks(PACE, rounds=1).good:
        assert one["none orders"] == 0
        assert min(one["direct orders"], one["dhanhq orders"]) > 0


def test_the_sharing_part_sees_every_packet_with_each_kind_of_redis():
    """All four variants read all packets; what a mirror that works costs is a number above that of none."""
    found = sharing(PACE, rounds=1)
    for one in found.good:
        assert set(one) == {f"{w} {s}" for w in VARIANTS for s in ("p50", "p99", "max", "cpu")}
        assert all(0 < one[f"{who} p50"] <= one[f"{who} max"] for who in VARIANTS)


@pytest.fixture(scope="module")
def crowd():
    """A house of six strategies, started once and watched through one sync."""
    return started(6, 1, 0)


def test_the_scale_part_values_all_its_strategies(crowd):
    """Every callback of the loop is timed, and no more than the process has used."""
    found = numbers(crowd)
    assert 0 < found["start_longest_ms"] <= crowd["start"]["ms"] <= 1_000 * found["cpu_s"]
    assert found["cpu_s"] > 0
    assert 0 <= found["waited_s"] < found["first_s"]
    assert 0 < found["rss_mb"] <= crowd["peak_mb"]


def test_the_scale_part_names_what_held_the_loop(crowd):
    """What took longest while the house started is told with the name of its task."""
    longest = [(took_ms, name) for took_ms, name in crowd["start"]["long"] if took_ms > 5]
    assert longest
    assert all(name for _, name in longest)


@pytest.mark.parametrize("name", [part.name for _, part in chosen([], everything=True)])
def test_each_part_prints_its_table_and_gives_its_numbers(name, capsys, hasty):
    """In tiny size: each checks its own work, says what was expected, and puts all rounds into the JSON."""
    [(number, part)] = chosen([name], everything=False)
    found = bench([(number, part)], Size.TINY)
    page = capsys.readouterr().out
    assert re.findall(r"^(\d+)\. ", page, re.MULTILINE) == [str(number)]
    assert "expected" in page
    told = json.loads(json.dumps(found))["parts"][name]
    assert (told["number"], set(told["median"])) == (number, set(told["rounds"][0]))


def test_parts_are_chosen_by_name_or_all_or_by_default():
    """Names are taken in the order they are asked for; one that does not exist is told with those that do."""
    assert [part.name for _, part in chosen(["judging", "decoding", "judging"], everything=False)] == [
        "judging",
        "decoding",
    ]
    assert [part for _, part in chosen([], everything=True)] == [part for part in PARTS if not part.fetches]
    assert [part for _, part in chosen([], everything=False)] == [part for part in PARTS if part.default]
    with pytest.raises(ValueError, match="'speed'; there are decoding, whole-way"):
        chosen(["speed"], everything=False)


def test_the_recording_part_finds_every_tick_in_the_spool():
    """The part fails by itself when one is missing; three costs, of which the thread's is beside the way."""
    for one in recording(24, 400, rounds=1).good:
        assert set(one) == {"without", "with", "thread", "bytes"}
        assert 0 < one["bytes"] < 100


def test_every_look_of_the_crowd_is_timed_piece_by_piece(crowd):
    """What people ask for is done as named, and a picture of all positions is never one piece."""
    looks_timed = crowd["looks"]
    assert set(looks_timed) == set(looks())
    assert all(pieces and min(pieces) >= 0 for pieces in looks_timed.values())
    assert len(looks_timed["view"]) > 1


def test_the_flood_sees_every_packet_and_measures_both_ends():
    """Floor and house read the same number; of the house also the first and the last second."""
    pace = Pace(positions=24, packets=1_000, rate=20_000, lunge_every=100)
    found = flood(pace, rounds=1)
    for one in found.good:
        assert all(0 < one[f"{who} p50"] <= one[f"{who} max"] for who in ("floor", "house"))
        assert 0 < one["decided"] <= 1
        assert all(one[name] > 0 for name in ("floor cpu", "house cpu", "first p99", "last p99", "rate"))


def test_the_first_and_the_last_second_are_told_apart():
    """Of three seconds in which ages grow, the last is older; of less than one both are the same."""
    ages_ns = [number * 1_000 for number in range(300)]
    assert seconds(ages_ns, 3.0) == {"first p99": 98.0, "last p99": 298.0}
    assert seconds(ages_ns[:50], 0.5) == {"first p99": 49.0, "last p99": 49.0}


def test_in_a_crowded_market_a_tick_touches_as_many_times_more():
    """Copies of the same condors: as many positions as asked for, each contract held so many times three."""
    market = crowded(scene(24), 3)
    held = [(row.security_id, row.strategy_id) for row in market.rows]
    assert {strategy for _, strategy in held} == set(range(1, 73))
    ids = [market.contracts[key].instrument.security_id for key in market.held]
    assert all(sum(security_id == one for security_id, _ in held) == 3 * HOLDERS for one in ids)
    found = touched(48, 2, 400, 1)
    assert all(set(one) == {"one", "all", "each"} and one["one"] > 0 < one["all"] for one in found.good)


def test_the_side_part_sees_every_packet_beside_each_kind_of_work():
    """Chat and store, working or not: all packets are read, and what all of it cost is a number."""
    found = side(PACE, rounds=1)
    for one in found.good:
        assert set(one) == {f"{w} {s}" for w in BESIDE for s in ("p50", "p99", "max", "cpu", "held")}
        assert all(0 < one[f"{who} p50"] <= one[f"{who} max"] for who in BESIDE)


@pytest.mark.parametrize(
    ("turns_ms", "share", "wait_ms"),
    [
        ([4.0, 4.0], 0.99, 3.5),  # two stretches of half a millisecond are one hundredth of 100 ms
        ([9.0, 1.0, 1.0], 0.99, 8.0),
        ([3.0, 2.0, 1.0], 0.97, 1.0),  # 2 ms of the first and 1 ms of the second
        ([0.5], 0.99, 0.0),
        ([], 0.5, 0.0),
    ],
)
def test_what_comes_at_any_moment_waits_for_the_turn_that_is_under_way(turns_ms, share, wait_ms):
    """Of 100 ms the given share waits no longer than that, the rest does."""
    turns = Turns()
    turns.ms = turns_ms
    assert turns.wait_ms(share, 0.1) == pytest.approx(wait_ms)
    assert sum(max(ms - wait_ms, 0.0) for ms in turns_ms) <= (1 - share) * 100 + 1e-9


@pytest.mark.parametrize(("void_share", "rounds", "void"), [(1.0, 2, False), (-1.0, 4, True)])
def test_disturbed_rounds_are_run_again_but_not_for_ever(void_share, rounds, void):
    """Good rounds are enough; when none is good, twice as many are run, and the result says so."""
    found = repeat(lambda: {"cost": 2.0, "other": 1.0}, 2, void_share)
    assert (len(found.good), len(found.shares), found.void) == (rounds, rounds, void)
    assert found.ratios("cost", "other") == [2.0] * rounds


def test_percentiles_are_numbers_that_occurred():
    """The median of five is the third; the 99th of a hundred is the last but one."""
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7], 0.99) == 7
