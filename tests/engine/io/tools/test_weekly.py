"""``health weekly``: what goes bad slowly."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta

import pytest

from engine.__main__ import main
from engine.io.answers import answers
from engine.io.backups import BACKUPS
from engine.io.clock import SystemClock
from engine.io.hatch import open_hatch
from engine.io.log_files import LOGS
from engine.io.maintenance import ARCHIVE
from engine.io.plant import Plant
from engine.sessions import ist
from tests.engine.io.test_plant import Chat
from tests.engine.io.tools.test_asking_a_monitor import House


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A DATA_DIR that a monitor has used, without credentials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    main(["export"])  # makes nothing; the store is made by its first import
    (tmp_path / LOGS / ARCHIVE).mkdir(parents=True)
    return tmp_path


async def looked(capsys):
    """(status, {name: (light, text)})."""
    capsys.readouterr()
    status = await asyncio.to_thread(main, ["health", "weekly", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    return status, {each["name"]: (each["light"], each["text"]) for each in checks}


def line(level, message, days_ago=0.0):
    """One of the log's, so long ago."""
    at = ist(SystemClock().now_s() - timedelta(days=days_ago).total_seconds())
    return json.dumps({"at": at.isoformat(), "level": level, "message": message}) + "\n"


async def test_a_host_on_which_nothing_runs_is_no_failure_and_says_what_is_missing(place, capsys):
    """Amber: no monitor, no backup; nothing is red."""
    status, lines = await looked(capsys)
    assert status == 0
    assert lines["monitor"][0] == "amber"
    assert lines["monitor"][1].endswith("nobody watches")
    assert lines["last backup"] == ("amber", "none yet: python -m engine backup")
    assert lines["drill"] == ("green", "no credentials are set: nothing to look at")


async def test_the_figures_of_the_running_monitor_are_in_it(place, capsys):
    """One that is red is named; the week is red then."""
    lines_of = [House("default")]
    async with open_hatch(place, answers(lines_of, Plant(lines_of, Chat(), lambda: True), lambda: None)):
        status, lines = await looked(capsys)
        assert (status, lines["monitor"]) == (1, ("red", "sync: the trade store was never read"))
        lines_of[0].measures.synced_s = asyncio.get_running_loop().time()
        status, lines = await looked(capsys)
        assert (status, lines["monitor"][0]) == (0, "green")


async def test_a_weeks_warnings_are_counted_wherever_they_lie(place, capsys):
    """In the file of today, in one that was turned over, in one that is packed; not those of last month."""
    logs = place / LOGS
    (logs / "monitor.log").write_text(line("WARNING", "feed: cut") + line("INFO", "well") + '{"at": "half')
    (logs / "monitor.log.1").write_text(line("ERROR", "order refused", 2))
    with gzip.open(logs / ARCHIVE / "monitor-20261101-1.log.gz", "wt") as packed:
        packed.write(line("WARNING", "feed: cut", 6) + line("ERROR", "long ago", 30))
    _, lines = await looked(capsys)
    assert lines["log"] == ("amber", "1 error, 2 warnings in 7 days; most often (2): feed: cut")


async def test_a_backup_that_has_rotted_is_red(place, capsys):
    """Told while a younger one may still be good."""
    bad = place / BACKUPS / "prahari-20261101-183000"
    bad.mkdir(parents=True)
    (bad / "manifest.json").write_text("{}")
    status, lines = await looked(capsys)
    assert status == 1
    assert lines["old backups"][0] == "red"
    assert "prahari-20261101-183000" in lines["old backups"][1]
