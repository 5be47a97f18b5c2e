"""Figures for Prometheus on loopback: told on a thread of the library's, read from what the loop left there.

The counting is ours (`engine.measures`: an integer each, nothing on a tick that takes a lock); the text that
Prometheus reads, with its types and escapes, is the library's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily as Count
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Spread
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from engine.errors import ConfigError
from engine.io.plant import HouseFigures, Plant
from engine.io.wiring import Pace
from engine.measures import Histogram

__all__ = ["Figures", "told"]

_log = logging.getLogger(__name__)

#: Gauges of a house: name, what it is, and the attribute of its `Health`.
_HEALTH = (
    ("prahari_feed_age_seconds", "Since the last price of any instrument", "data_age_s"),
    ("prahari_trade_age_seconds", "Since the newest trade that a price tells of", "trade_age_s"),
    ("prahari_cache_hit_ratio", "Share of price lookups that found one", "hit_ratio"),
    ("prahari_positions", "Positions watched", "positions"),
    ("prahari_exits", "Exits that run", "exits"),
    ("prahari_live_orders", "Orders that may still trade", "live_orders"),
    ("prahari_subscribed_instruments", "Instruments that prices are asked for", "subscribed"),
    ("prahari_prices", "Instruments with a price", "prices"),
    ("prahari_in_session", "1 = prices are expected now", "in_session"),
    ("prahari_token_left_seconds", "How long the access token lives on", "token_left_s"),
    ("prahari_redis_lag_seconds", "How old shared prices are", "cache_lag_s"),
)
_OF = ("account",)


class Figures(Collector):
    """All families, made anew for each question."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def collect(self) -> Iterator[Metric]:
        """Every figure of the last look."""
        houses, chat = self._plant.houses, self._plant.chat
        up = Gauge("prahari_up", "1 = the account's house lives", labels=_OF)
        degraded = Gauge("prahari_degraded", "1 = rules only tell", labels=_OF)
        for house in houses:
            up.add_metric([house.account], float(house.health is not None))
            if house.health is not None:
                degraded.add_metric([house.account], float(bool(house.health.degraded)))
        yield from (up, degraded)
        yield from _health(houses)
        yield from _paces([(house, house.pace) for house in houses if house.pace is not None])
        lag = Spread("prahari_loop_lag_seconds", "How late the event loop was")
        _add(lag, [], self._plant.lag)
        alerts = Spread("prahari_alert_latency_seconds", "From a HIGH alert until Telegram had it")
        _add(alerts, [], chat.alert_latency)
        waiting = Gauge("prahari_chat_waiting", "Messages that wait for Telegram", labels=("rank",))
        waiting.add_metric(["high"], chat.waiting_high)
        waiting.add_metric(["other"], chat.waiting - chat.waiting_high)
        yield from (lag, alerts, waiting)


def _health(houses: Sequence[HouseFigures]) -> Iterator[Metric]:
    for name, text, attribute in _HEALTH:
        family = Gauge(name, text, labels=_OF)
        for house in houses:
            value = getattr(house.health, attribute, None)
            if value is not None:
                family.add_metric([house.account], float(value))
        yield family


def _paces(houses: Sequence[tuple[HouseFigures, Pace]]) -> Iterator[Metric]:
    """What the runners count."""
    yield from _spreads(houses)
    outcomes = Count("prahari_order_outcomes", "Answers to commands", labels=("account", "verb", "kind"))
    ended = Count("prahari_exits_ended", "Exits by how they ended", labels=("account", "state"))
    failed = Count("prahari_failed_reads", "Readings without an answer", labels=("account", "source"))
    conflated = Count("prahari_ticks_conflated", "Ticks of which a later one was taken", labels=_OF)
    rounds = Count("prahari_exit_loop_rounds", "How often the exit loop went round", labels=_OF)
    suspects = Count("prahari_suspect_prices", "Prices that could not be true", labels=_OF)
    queues = Gauge("prahari_queue_depth", "What waits", labels=("account", "queue"))
    gap = Gauge("prahari_sync_gap_seconds", "Between two readings of the trade store", labels=_OF)
    for house, pace in houses:
        account, counted = house.account, pace.measures
        for words, number in dict(counted.outcomes).items():
            outcomes.add_metric([account, *words], number)
        for state, number in dict(counted.ended).items():
            ended.add_metric([account, state], number)
        for source, number in dict(counted.failed_reads).items():
            failed.add_metric([account, source], number)
        for queue, depth in pace.waiting.items():
            queues.add_metric([account, queue], depth)
        conflated.add_metric([account], pace.conflated)
        rounds.add_metric([account], counted.rounds)
        suspects.add_metric([account], house.health.suspects if house.health else 0)
        if counted.sync_gap_s is not None:
            gap.add_metric([account], counted.sync_gap_s)
    yield from (outcomes, ended, failed, conflated, rounds, suspects, queues, gap)


def _spreads(houses: Sequence[tuple[HouseFigures, Pace]]) -> Iterator[Metric]:
    """How long things take."""
    decision = Spread(
        "prahari_tick_to_decision_seconds", "From a tick's arrival to its judgement", labels=_OF
    )
    evaluation = Spread("prahari_evaluation_seconds", "Judging one batch of ticks", labels=_OF)
    flat = Spread("prahari_time_to_flat_seconds", "From an exit's verdict to verified flat", labels=_OF)
    trip = Spread("prahari_order_round_trip_seconds", "From a command to its answer", labels=(*_OF, "verb"))
    for house, pace in houses:
        _add(decision, [house.account], pace.measures.tick_to_decision)
        _add(evaluation, [house.account], pace.measures.evaluation)
        _add(flat, [house.account], pace.measures.time_to_flat)
        for verb, histogram in pace.measures.round_trip.items():
            _add(trip, [house.account, verb.value], histogram)
    yield from (decision, evaluation, flat, trip)


def _add(family: Spread, labels: list[str], histogram: Histogram) -> None:
    """Cumulate, as Prometheus wants it; the counts are copied first, because the loop goes on counting."""
    counts, seen, buckets = list(histogram.counts), 0, []
    for bound_s, count in zip((*map(str, histogram.bounds_s), "+Inf"), counts, strict=True):
        seen += count
        buckets.append((bound_s, seen))
    family.add_metric(labels, buckets=buckets, sum_value=histogram.sum_s)


@contextmanager
def told(plant: Plant, port: int) -> Iterator[None]:
    """Tell them on 127.0.0.1 at this port until the end.

    Raises:
        ConfigError: the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(Figures(plant))
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise ConfigError(
            [f"METRICS_PORT: read {port}, which cannot be opened on 127.0.0.1 ({error.strerror})."]
        ) from error
    _log.info("figures for Prometheus on 127.0.0.1:%d", port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
