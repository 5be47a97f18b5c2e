"""A thousand strategies of three legs in a PostgreSQL: how soon they are watched, and what a sync costs.

Database, Supabase's server and exchange are another process (`tests.bench.crowd`), the house is the whole
real one, in a process of its own (`tests.bench.crowd_house`); only its chat is deaf.
"""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.measure import Rounds, repeat

_ROOT = Path(__file__).parents[2]


def scale(strategies: int, rounds: int, syncs: int, settle_s: int) -> Rounds:
    """Part 9: so many starts of a house, each watched through so many syncs.

    Returns:
        For each round ``first_s``, ``waited_s``, ``cpu_s``, ``start_longest_ms``, ``sync_ms``,
        ``longest_ms``, ``view_ms``, ``look_longest_ms``, ``gc_ms`` and ``rss_mb``.
    """
    return repeat(lambda: numbers(one(strategies, syncs, settle_s)), rounds)


def numbers(found: dict[str, Any]) -> dict[str, float]:
    """What the table shows of one start."""
    longest_ms = max(each["longest_ms"] for each in found["syncs"])
    names = ("first_s", "waited_s", "cpu_s", "sync_ms", "view_ms", "gc_ms", "rss_mb")
    return {name: found[name] for name in names} | {
        "longest_ms": longest_ms, "start_longest_ms": found["start"]["longest_ms"],
        "look_longest_ms": max(max(pieces) for pieces in found["looks"].values()),
    }  # fmt: skip


def one(strategies: int, syncs: int, settle_s: int) -> dict[str, Any]:
    """One start, everything that was found.

    Raises:
        AssertionError: one of the two processes failed.
    """
    for rooms in ("engine", "tests/bench", "tests/support"):
        compileall.compile_dir(_ROOT / rooms, quiet=1)  # every start but the first finds it so
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as place:
        crowd = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tests.bench.crowd", f"{place}/house", str(strategies)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, text=True,
        )  # fmt: skip
        try:
            line = crowd.stdout.readline() if crowd.stdout else ""
            if not line:
                raise AssertionError("the crowd has ended")
            house = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "tests.bench.crowd_house", str(strategies), str(syncs), str(settle_s),
                 str(time.monotonic_ns())],
                input=json.dumps(json.loads(line)["env"]), stdout=subprocess.PIPE, cwd=_ROOT, text=True,
                check=False,
            )  # fmt: skip
        finally:
            crowd.communicate()  # its standard input ends, and so does it
    if house.returncode:
        raise AssertionError("the house has failed")
    found: dict[str, Any] = json.loads(house.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(one(*map(int, sys.argv[1:])), indent=1))
