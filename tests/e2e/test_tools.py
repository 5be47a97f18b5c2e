"""Every tool of ``python -m engine`` as a process of its own, beside one monitor in one sandbox.

The tools are those that the command line has: one that is not in `CALLS` fails.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import pytest

from engine.errors import SourceError
from engine.io.hatch import ask
from tests.engine.replay.days import DAY, TRADE_COLUMNS, Day, _write, trade
from tests.support.commands import ROOT
from tests.support.redis_server import _binary
from tests.support.tools import tools

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

START = datetime.fromisoformat("2026-11-18T10:15:00+05:30")
#: No rule does anything, so that what happens is what a tool has asked for.
CALM = """\
[default]
profit_target = "off"
stop_loss = "off"
stop_credit_multiple = "off"
time_exit_dte = "off"
"""
WAIT_S = 60.0
ANY = frozenset({0, 1})


class Call(NamedTuple):
    """How a tool is called, what of its answer tells that it did what it is for, and its status.

    ``text``: the same words without ``--json`` are tried too, where doing it twice makes sense.
    """

    words: str
    telling: str
    status: frozenset[int] = frozenset({0})
    text: bool = True
    fresh: bool = False


@dataclass
class World:
    """A sandbox, its settings, a Redis, and the place where the monitor is at home."""

    home: Path
    environ: dict[str, str]
    began_s: float = field(default_factory=time.monotonic)

    def now(self) -> str:
        """The sandbox's clock."""
        return (START + timedelta(seconds=time.monotonic() - self.began_s)).isoformat()

    def start(
        self, *words: str, module: str = "engine", stdout: int = subprocess.PIPE, **more: str
    ) -> subprocess.Popen[str]:
        """A process of this world; its outputs are pipes."""
        return subprocess.Popen(  # noqa: S603 - the tests' own words
            [sys.executable, "-m", module, *words], cwd=self.home, env=self.env(**more), text=True,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
        )  # fmt: skip

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a process here."""
        return {**clean(), **self.environ, "CLOCK_START": self.now(), **more}

    def run(self, *words: str, **more: str) -> tuple[int, str, str]:
        """A tool, to its end: status and both outputs."""
        with self.start(*words, **more) as process:
            out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err


def clean() -> dict[str, str]:
    """This process's environment without settings of ours."""
    ours = ("DHAN_", "TELEGRAM_", "SUPABASE_", "REDIS_", "ALERT_", "DATA_DIR", "RULES_FILE", "CLOCK_START")
    words = {name: word for name, word in os.environ.items() if not name.startswith(ours)}
    return words | {"PYTHONPATH": str(ROOT)}


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Killed at the end, if it has not ended by itself."""
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """One sandbox and one monitor without a chat, for all tests of this module."""
    home = tmp_path_factory.mktemp("tools")
    made = World(home, {})
    (home / "rules.toml").write_text(CALM)
    with ExitStack() as held:
        redis = [_binary(), "--port", "0", "--unixsocket", str(home / "redis.sock"), "--save", ""]
        server = subprocess.Popen(redis, text=True, stdout=subprocess.DEVNULL)  # noqa: S603 - as above
        held.enter_context(ended(server))
        trades = home / "trades.csv"
        outside = made.start("--calm", "--phone-port", "0", "--trades", str(trades), module="sandbox",
                             CLOCK_START="")  # fmt: skip
        held.enter_context(ended(outside))
        assert outside.stdout
        for line in iter(outside.stdout.readline, ""):
            if line.startswith("# phone page"):
                break
            name, _, word = line.partition("=")
            made.environ[name] = "".join(shlex.split(word))
        made.began_s = time.monotonic()
        made.environ |= {"DATA_DIR": str(home / "data"), "RULES_FILE": str(home / "rules.toml"),
                         "REDIS_URL": f"unix://{home / 'redis.sock'}"}  # fmt: skip
        assert made.run("import", str(trades))[0] == 0
        day = Day().quote("09:16:00", "25000CE", 100, 101).quote("09:17:00", "25000CE", 90, 91)
        day.write(home / f"{DAY}.csv")
        _write(home / "one.csv", TRADE_COLUMNS, [trade(1, "SELL", "25000CE", 75, "100")])
        monitor = held.enter_context(ended(made.start("run", "--execute", "--interval", "600")))
        until(lambda: priced(home / "data"), monitor)
        yield made


def priced(place: Path) -> bool:
    """Whether the monitor there answers, and its rules may act."""
    with suppress(SourceError):
        told = ask(place, {"ask": "health"})
        lights = {each["name"]: each for each in told["accounts"]["default"]}
        looks = ask(place, {"ask": "exit", "strategy_id": 3359})["accounts"][0]["positions"]
        return lights["mode"]["text"] == "as chosen" and any(p["pnl_paise"] is not None for p in looks)
    return False


def until(condition, process: subprocess.Popen[str]) -> None:
    """Wait until this is so; a process that has ended ends the waiting."""
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise AssertionError(f"it has ended: {process.communicate()}")


#: By its words. ``{home}`` is the world's directory. A fresh one has a DATA_DIR of its own.
CALLS: Mapping[str, Call] = {
    "run": Call("--once", "Iron Condor", text=False, fresh=True),
    "health": Call("", "price update", ANY),
    "health weekly": Call("", "last backup", ANY, text=False),
    "positions": Call("--detailed", "3359"),
    "rules": Call("", "3359"),
    "why": Call("--strategy-id 3359", "3359"),
    "replay": Call(f"{{home}}/{DAY}.csv --trades {{home}}/one.csv", "NIFTY"),
    "drill": Call("", "kill switch", ANY, text=False),
    "check broker": Call("", "kill switch", ANY, text=False),
    "check feed": Call("--seconds 1.5", "NIFTY"),
    "check telegram": Call("--send", "delivered", text=False),
    "check realtime": Call("", "SUPABASE_URL and SUPABASE_SECRET_KEY are not set", frozenset({2})),
    "check redis": Call("", "written, read and removed"),
    "quote": Call("--security-id 13 --segment IDX_I", "ltp_paise", text=False),
    "cache": Call("", "mirror"),
    "instruments": Call("NIFTY --type CE --limit 3", "NSE_FNO"),
    "import": Call("{home}/trades.csv", "added", text=False, fresh=True),
    "export": Call("", "strategy_id"),
    "backup": Call("", "prahari-", text=False),
    "restore": Call("{home}/data/backups/none", "no backup of Prahari", frozenset({2})),
    "maintenance daily": Call("", "calendar", ANY, text=False),
    "report monthly": Call("--month 2026-11", "2026-11", text=False),
    "exit": Call("--strategy-id 3359 --yes", "flat", text=False),
    "resume": Call("--yes", "mode", text=False),
    "stop": Call("", "ended", text=False),
}
#: What ends something comes after what needs it.
LAST = ("exit", "resume", "stop")
ORDER = [*(name for name in tools() if name not in LAST), *LAST]


@pytest.mark.parametrize("name", ORDER, ids=lambda name: f"on tools: {name}")
def test_a_tool_does_what_it_is_for(world, name, tmp_path):
    """Its status, a telling word, JSON that can be read, and no colour in a pipe."""
    call = CALLS[name]
    words = shlex.split(f"{name} {call.words.format(home=world.home)}")
    more = fresh(world, tmp_path, name) if call.fresh else {}
    if name == "stop":
        let_an_exit_run(world)
    for flags in ([], ["--json"]) if call.text else (["--json"],):
        status, out, err = world.run(*words, *flags, **more)
        assert status in call.status, err
        said = out if status < 2 else err
        assert call.telling in said
        assert "\x1b" not in out + err
        assert "Traceback" not in err
        if flags and status < 2:
            assert_same_light(json.loads(out), status)
    if name == "stop":  # graceful: it has waited until nothing that was sent may trade any more
        assert json.loads(out)["quiet"]
        assert set(orders(world, 3361)) <= {"CANCELLED", "TRADED"}


def let_an_exit_run(world: World) -> None:
    """One whose first order works for some seconds, because the exchange is slow."""
    slow = Request(  # noqa: S310 - the sandbox's own address
        f"{world.environ['DHAN_AUTH_URL']}/sandbox/exchange", data=b'{"latency_s": 6}'
    )
    with urlopen(slow, timeout=WAIT_S) as answer:  # noqa: S310 - as above
        assert answer.status == 200
    status, out, _ = world.run("exit", "--strategy-id", "3361", "--yes", "--wait", "0", "--json")
    assert (status, json.loads(out)["state"]) == (0, "working")
    told = {"exits": 1, "live_orders": 0}
    while told["exits"] and not told["live_orders"]:  # each look waits for the monitor's answer
        (told,) = ask(world.home / "data", {"ask": "stop"})["accounts"]


def orders(world: World, strategy_id: int) -> list[str]:
    """How the orders in a position's contracts stand at the exchange."""
    rows = csv.DictReader((world.home / "trades.csv").read_text().splitlines())
    ids = {row["security_id"] for row in rows if row["strategy_id"] == str(strategy_id)}
    state = f"{world.environ['DHAN_AUTH_URL']}/sandbox/state"
    with urlopen(state, timeout=WAIT_S) as answer:  # noqa: S310 - as above
        (account,) = json.load(answer)["accounts"].values()
    return [order["orderStatus"] for order in account["orders"] if order["securityId"] in ids]


def fresh(world: World, place: Path, name: str) -> dict[str, str]:
    """A DATA_DIR of its own; with rows where the tool wants some."""
    more = {"DATA_DIR": str(place / "data"), "REDIS_URL": ""}
    if name == "run":
        assert world.run("import", str(world.home / "trades.csv"), **more)[0] == 0
    return more


def assert_same_light(told: object, status: int) -> None:
    """A tool with lights has status 1 when one of them is red."""
    if isinstance(told, dict) and "light" in told:
        assert status == int(told["light"] == "red")


@pytest.mark.parametrize(
    ("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["on tools: 1", "on tools: 2"]
)
def test_a_terminal_gets_colour_unless_its_owner_wants_none(world, more, coloured):
    """The same tool behind a pseudo-terminal."""
    terminal, end = os.openpty()
    with world.start("maintenance", "daily", TERM="xterm-256color", stdout=end, **more) as process:
        os.close(end)
        said = b""
        with suppress(OSError):  # EIO: nobody writes there any more
            while piece := os.read(terminal, 65_536):
                said += piece
    os.close(terminal)
    assert b"calendar" in said
    assert (b"\x1b[32m" in said) is coloured
    assert process.returncode in ANY


OLD_WAYS = (ROOT / "README.md").read_text().partition("## Coming from")[2].partition("\n## ")[0]
ROWS = list(dict.fromkeys(re.findall(r"`B ([^`]+)`", OLD_WAYS)))


@pytest.mark.parametrize("words", ROWS, ids=lambda words: f"on tools: {words}")
def test_each_old_way_of_starting_starts(world, words, tmp_path):
    """As the README writes it, for a second."""
    more = fresh(world, tmp_path, "run")
    flags = [*shlex.split(words), "--duration", "1"]  # of two the last one counts
    with world.start(*flags, module="bot", **more) as process:
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    mode = next((word[2:] for word in flags if word in {"--alert-only", "--execute"}), "simulate")
    begins = "Prahari on its sandbox" if "--sandbox" in flags else f"Prahari, mode {mode}, account"
    assert begins in out
