"""What only looks on at the monitor cannot keep it from its work."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

from engine.io.app import Options, _tell, run_house
from engine.io.hatch import NAME
from engine.model import Mode
from engine.settings import Settings
from tests.support.clock import VirtualClock
from tests.support.ear import Ear


async def test_a_taken_port_and_a_hatch_that_cannot_be_made_are_told_and_the_monitor_goes_on(
    tmp_path, caplog
):
    """METRICS_PORT is somebody else's, a directory lies where the control socket should: both CRITICAL."""
    own = {"DHAN_CLIENT_ID": "1000000001", "DHAN_ACCESS_TOKEN": "canary", "TELEGRAM_CHAT_ID": "4242"}
    own |= {"TELEGRAM_BOT_TOKEN": "7000000001:worth-nothing-and-never-used-by-anybody"}
    own |= {"TELEGRAM_USER_IDS": "4242", "DATA_DIR": str(tmp_path)}
    urls = dict.fromkeys(("DHAN_API_URL", "DHAN_INSTRUMENTS_URL"), "http://127.0.0.1:9")
    urls |= dict.fromkeys(("DHAN_FEED_URL", "DHAN_ORDER_UPDATE_URL"), "ws://127.0.0.1:9")
    (tmp_path / NAME).mkdir()
    shown, views = [], []
    with socket.create_server(("127.0.0.1", 0)) as others:
        settings = Settings.parse(own | urls | {"METRICS_PORT": str(others.getsockname()[1])})
        options = Options(Mode.ALERT_ONLY, table_every_s=0.05, duration_s=0.3)
        await run_house(settings, options, lambda _: Ear(shown.append), views.append, lambda _secret: None)
    critical = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
    assert len(critical) == 2
    assert any("the host's tools cannot ask this monitor" in text for text in critical)
    assert any("no figures for Prometheus" in text and "METRICS_PORT" in text for text in critical)
    assert views  # it lived until its time was over


async def test_the_loop_goes_on_while_a_table_is_written():
    """A table of a thousand positions takes a fifth of a second: it is no work of the loop's thread."""
    clock, written, loop = VirtualClock(), asyncio.Event(), asyncio.get_running_loop()
    threads = []

    async def views():
        return {}

    def show(_views):
        threads.append(threading.get_ident())
        loop.call_soon_threadsafe(written.set)

    telling = asyncio.create_task(_tell(views, show, 2.0, clock))
    await clock.advance(2.0)
    await written.wait()
    telling.cancel()
    assert threads != [threading.get_ident()]
