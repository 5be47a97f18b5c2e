"""The process as a whole: a late loop, a loop that stands, and what Prometheus is told."""

from __future__ import annotations

import json
import logging
import re
import socket
import urllib.request
from dataclasses import replace
from threading import Event, Thread, get_ident

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.errors import ConfigError
from engine.io.metrics import told
from engine.io.plant import LATE_S, MINUTE_S, STANDS_S, Plant
from engine.io.wiring import Pace
from engine.measures import ChatMeasures, Measures
from engine.messages import Accepted, CommandOutcome, TradesLoaded, Verb
from tests.engine.test_health import WELL
from tests.support.commands import ROOT

LATE = "the loop was 350 ms late: something held it"
LIVES = replace(WELL, token_left_s=3_600.0)


class Line:
    """The line to a house that lives or is down."""

    def __init__(self, account, *, up=True):
        self.account, self.up, self.measures = account, up, Measures()
        self.rounds = 3

    def health(self):
        return LIVES if self.up else None

    def pace(self):
        return Pace(self.measures, {"messages": 2, "ticks": 7}, 5) if self.up else None


class Chat:
    """A chat with two messages to go."""

    def __init__(self):
        self.counted = ChatMeasures(waiting=2, waiting_high=1)

    def measures(self):
        return self.counted


@pytest.fixture
def now():
    """A clock that a test sets: its only item is the moment."""
    return [100.0]


@pytest.fixture
def plant(now):
    """Of one house that lives and one that is down."""
    made = Plant([Line("default"), Line("huf", up=False)], Chat(), lambda: True, lambda: now[0])
    made.look()
    return made


def test_price_lookups_are_those_of_the_last_minutes(plant):
    """Not the first minute's, not those before the window, and a new life begins anew."""
    line = plant._lines[0]
    seen = []
    for asked, found in (
        (100, 0),
        (200, 100),
        (300, 150),
        *((300 + n, 150 + n) for n in range(1, 12)),
        (5, 5),
    ):
        line.health = lambda asked=asked, found=found: replace(LIVES, asked=asked, found=found)
        plant.look()
        seen.append(plant._of(plant.houses[0]).lookups)
        plant.minute()
    assert seen[:3] == [None, None, (100, 50)]
    assert seen[-4:] == [(109, 59), (10, 10), (10, 10), None]


def test_a_late_loop_is_counted_and_told_once_a_minute(plant, now, caplog):
    """Each lag is in the histogram; the log has one line for a bad minute."""
    now[0] += MINUTE_S
    for _ in range(3):
        plant.turned(LATE_S + 0.1)
        now[0] += 1
    assert plant.lag.count == 3
    assert [record.getMessage() for record in caplog.records] == [
        "the loop was 350 ms late: something held it"
    ]
    now[0] += MINUTE_S
    plant.turned(LATE_S + 0.1)
    assert len(caplog.records) == 2


def test_a_loop_that_stands_is_told_with_the_line_it_stands_in(plant, now, caplog):
    """By a thread, because the loop cannot; once, and its line is in the text."""
    done, stuck = Event(), Event()

    def stands_here():
        stuck.wait(20)

    class Ends(logging.Handler):
        def emit(self, _record):
            done.set()

    caplog.set_level(logging.CRITICAL)
    main = Thread(target=stands_here)
    main.start()
    now[0] += STANDS_S + 1
    watch = Thread(target=plant._watch, args=(main.ident or get_ident(), done))
    watch.start()
    logger = logging.getLogger("engine.io.plant")
    logger.addHandler(ends := Ends())
    assert done.wait(15)
    logger.removeHandler(ends)
    stuck.set()
    main.join()
    watch.join()
    (record,) = caplog.records
    assert "stood still for 5 s" in record.getMessage()
    assert "stands_here" in record.getMessage()


def test_what_health_shows_is_of_each_account(plant):
    """One that is down says so, the other has its lines."""
    found = plant.vitals()
    assert [reading.text for reading in found["huf"]] == ["down, being built again"]
    assert {"exit loop", "price update", "order", "hit ratio"} <= {
        reading.name for reading in found["default"]
    }


# ---------------------------------------------------------------------------------- Prometheus


def port():
    """One that is free."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def exposition(plant):
    """What Prometheus reads over loopback, by its own parser: samples by name."""
    number = port()
    with told(plant, number):
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        with pytest.raises(ConfigError, match="METRICS_PORT"), told(plant, number):
            pass
    samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def full(plant):
    """The samples of a house in which everything has happened once."""
    measures = plant._lines[0].measures
    measures.judged(1.0, 1.01, 1.02)
    measures.heard(CommandOutcome(Verb.PLACE, "x", Accepted("7")), 1.0)
    measures.heard(TradesLoaded(()), 1.0)
    measures.heard(TradesLoaded(()), 31.0)
    measures.heard(TradesLoaded(None), 31.0)
    measures.ended["flat"] += 1
    plant.turned(0.004)
    return exposition(plant)


def test_prometheus_reads_figures_of_every_house(plant):
    """Histograms cumulate, counters count, and a house that is down is told by prahari_up alone."""
    samples = full(plant)
    assert samples["prahari_up"] == [({"account": "default"}, 1.0), ({"account": "huf"}, 0.0)]
    assert samples["prahari_positions"] == [({"account": "default"}, 1.0)]
    assert samples["prahari_order_outcomes_total"] == [
        ({"account": "default", "verb": "place", "kind": "accepted"}, 1.0)
    ]
    buckets = {labels["le"]: value for labels, value in samples["prahari_tick_to_decision_seconds_bucket"]}
    assert (buckets["0.01"], buckets["0.02"], buckets["0.05"], buckets["+Inf"]) == (0.0, 1.0, 1.0, 1.0) or (
        buckets["0.02"], buckets["0.05"]
    ) == (0.0, 1.0)  # fmt: skip
    assert samples["prahari_tick_to_decision_seconds_sum"][0][1] == pytest.approx(0.02)
    assert samples["prahari_queue_depth"][1] == ({"account": "default", "queue": "ticks"}, 7.0)
    assert samples["prahari_chat_waiting"] == [({"rank": "high"}, 1.0), ({"rank": "other"}, 1.0)]


def test_every_figure_of_the_dashboard_is_one_that_is_told(plant):
    """A panel with a misspelt name is an empty panel that nobody misses until it is needed."""
    board = json.loads((ROOT / "deploy" / "grafana" / "prahari.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    names = set(re.findall(r"prahari_\w+", " ".join(expressions)))
    assert names
    assert names <= set(full(plant))


def test_the_dashboard_shows_every_figure_that_has_a_limit(plant):
    """And each of its panels says in which unit."""
    board = json.loads((ROOT / "deploy" / "grafana" / "prahari.json").read_text())
    text = json.dumps(board)
    for name in (
        "tick_to_decision",
        "evaluation",
        "order_round_trip",
        "cache_hit_ratio",
        "loop_lag",
        "sync_gap",
    ):
        assert f"{name}" in text
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in board["panels"])
