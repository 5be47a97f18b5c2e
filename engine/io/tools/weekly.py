"""``health weekly``: what goes bad slowly, looked at once a week by a person."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

from engine.drill import drill_lines
from engine.errors import SourceError
from engine.io.clock import SystemClock
from engine.io.env import load_settings
from engine.io.hatch import ask
from engine.io.log_files import LOGS
from engine.io.maintenance import ARCHIVE, standing
from engine.io.toolbox import Tools, tool
from engine.io.tools.monitors import home
from engine.preflight import Check, Light, worst
from engine.sessions import ist
from engine.settings import Settings
from engine.vitals import reading_of, worst_light

__all__ = ["add_weekly"]

DAYS = 7

_WEEKLY = """\
What goes bad slowly, a line each, for the weekly look of a person. Nothing is changed.

  monitor      that one runs here, and that none of its figures is red
  disk         free space where DATA_DIR is
  last backup  how old it is; old backups: that each of them is still as it was made
  executions   the files of exits are as they were written, and lack no line of the journals
  log          warnings and errors of seven days, the most frequent first
  instruments  how old the copy of Dhan's list is; calendar: how far the table of sessions reaches
  drill        what an exit would need now, of each account with credentials

exit status:
  0  nothing is red
  1  something is red: its line says what, and what to do
  2  settings have faults

examples:
  python -m engine health weekly
  python -m engine health weekly --json | jq -r '.checks[] | select(.light != "green") | .text'
"""


def add_weekly(parts: Tools) -> None:
    """Add it to the parts of ``health``."""
    tool(parts, "weekly", "what goes bad slowly: backups, disk, logs, calendar, drill", _WEEKLY, _weekly)


def _weekly(args: argparse.Namespace) -> str:
    settings = load_settings(chat=False)
    now_s = SystemClock().now_s()
    checks = [
        _monitor(),
        *standing(settings, now_s),
        _executions(settings),
        _log(settings.trades_dir, now_s),
        *_drills(settings),
    ]
    light = worst(checks)
    args.status = int(light is Light.RED)
    if not args.json:
        return "\n".join(drill_lines(checks))
    told = [{"name": check.name, "light": check.light.name.lower(), "text": check.text} for check in checks]
    return json.dumps({"light": light.name.lower(), "checks": told}, indent=2, ensure_ascii=False)


def _monitor() -> Check:
    try:
        told = ask(home(), {"ask": "health"})
    except SourceError as error:
        return Check("monitor", Light.AMBER, f"{error}; nobody watches")
    found = [reading_of(each) for each in chain(told["shared"], *told["accounts"].values())]
    red = [f"{reading.name}: {reading.text}" for reading in found if reading.light is Light.RED]
    text = "; ".join(red) if red else f"runs, none of {len(found)} figures is red"
    return Check("monitor", worst_light(found), text)


def _executions(settings: Settings) -> Check:
    """Files of exits beside their journals, of all accounts."""
    from engine.io.positions import read_houses  # noqa: PLC0415 - where it is needed

    houses = [settings.of_account(account) for account in settings.accounts] or [settings]
    files = [checked for of in houses for house in read_houses(of, 1, ()) for checked in house.files]
    faults = [fault for checked in files for fault in checked.faults]
    if faults:
        return Check("executions", Light.RED, f"{faults[0]}: python -m engine positions --detailed")
    return Check(
        "executions", Light.GREEN, f"{_number(sum(checked.lines for checked in files), 'line')}, as written"
    )


def _log(root: Path, now_s: float) -> Check:
    """What warned, by the message's beginning; numbers in it differ from day to day."""
    since = ist(now_s - timedelta(days=DAYS).total_seconds()).isoformat()
    counts: Counter[str] = Counter()
    worst_words = Counter[str]()
    for line in _lines(root):
        try:
            told = json.loads(line)
            at, level, message = str(told["at"]), str(told["level"]), str(told["message"])
        except (ValueError, KeyError, TypeError):
            continue  # a line that a killed process has not finished
        if at >= since and level in {"WARNING", "ERROR", "CRITICAL"}:
            counts[level] += 1
            worst_words[message[:60]] += 1
    bad = counts["ERROR"] + counts["CRITICAL"]
    text = f"{_number(bad, 'error')}, {_number(counts['WARNING'], 'warning')} in {DAYS} days"
    if worst_words:
        message, times = worst_words.most_common(1)[0]
        text += f"; most often ({times}): {message}"
    return Check("log", Light.AMBER if bad else Light.GREEN, text)


def _number(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _lines(root: Path) -> Iterator[str]:
    """monitor.log has every warning of the others; what was turned over may be packed."""
    for logs in (root / LOGS, *root.glob(f"accounts/*/{LOGS}")):
        for file in sorted(logs.glob("monitor.log*")):
            with file.open(encoding="utf-8", errors="replace") as lines:
                yield from lines
        for file in sorted((logs / ARCHIVE).glob("monitor-*.gz")):
            with gzip.open(file, "rt", encoding="utf-8", errors="replace") as lines:
                yield from lines


def _drills(settings: Settings) -> list[Check]:
    """One line for each account, with what is red of it."""
    if settings.sandbox:
        return [Check("drill", Light.GREEN, "no credentials are set: nothing to look at")]
    enabled = [account for account in settings.accounts if account.enabled]
    # the whole way to Dhan: no other tool has to wait until it is imported
    from engine.io.drill import run_drill  # noqa: PLC0415

    found = []
    for of in [settings.of_account(account) for account in enabled] or [settings]:
        checks = asyncio.run(run_drill(of))
        bad = [f"{check.name}: {check.text}" for check in checks if check.light is worst(checks)]
        light = worst(checks)
        text = f"{len(checks)} things are ready" if light is Light.GREEN else "; ".join(bad)
        found.append(Check(f"drill {of.account}" if enabled else "drill", light, text))
    return found
