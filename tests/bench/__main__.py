"""``python -m tests.bench``: measure in one run what is asked for, and print it."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import report
from tests.bench.check import check
from tests.bench.part import Size
from tests.bench.parts import PARTS, chosen
from tests.bench.plot import draw
from tests.bench.soak.page import page, verdicts
from tests.bench.soak.run import soak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.part import Part

#: Moves of the market on which the quick way is held against the plain one.
_CHECKED, _CHECKED_QUICK = 6_000, 2_000


def bench(parts: Sequence[tuple[int, Part]], size: Size) -> dict[str, Any]:
    """Run the parts one after the other, each printed as soon as it is done.

    Returns:
        What was found, for the JSON: the machine, and each part's numbers by its name.
    """
    found: dict[str, Any] = {"machine": report.machine(), "size": str(size), "parts": {}}
    print(
        f"{found['machine']}\n\n"
        "Each number is the median of the rounds (smallest – largest); the variants of a part take turns "
        "within a round.\n"
    )
    for number, part in parts:
        gc.collect()
        began_s = time.monotonic()
        result = part.run(size)
        print(f"{number}. {result.table}", flush=True)
        took_s = round(time.monotonic() - began_s, 1)
        found["parts"][part.name] = {"number": number, "took_s": took_s, **result.numbers()}
    return found


def main() -> None:
    """Read the command line, run, and say how long that took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, a few seconds: shapes, not numbers"
    )
    parser.add_argument("--all", action="store_true", help="every part there is; it takes a while")
    parser.add_argument("--part", action="append", default=[], metavar="NAME", help=_names())
    parser.add_argument(
        "--peers", action="store_const", const=["peers"], default=[],
        help="beside nautilus_trader and freqtrade, which are fetched into environments below .venv",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's numbers there too")
    parser.add_argument(
        "--soak", type=float, metavar="SECONDS", help="a long run alone: what grows, what is missed?"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw docs/performance/*.svg from its JSON")
    asked = parser.parse_args()
    try:
        parts = chosen(asked.part + asked.peers, everything=asked.all)
    except ValueError as error:
        parser.error(str(error))
    if asked.plot:
        for written in draw(json.loads(asked.plot.read_text(encoding="utf-8"))):
            print(written)
        return
    if asked.soak:
        sys.exit(_soak(asked.soak, asked.json))
    began_s = time.monotonic()
    moves = _CHECKED_QUICK if asked.quick else _CHECKED
    print(
        "Before any speed: judging only what left its band said the same as judging everything, "
        f"{sum(check(moves).values())} verdicts in {moves:,} ticks.\n"
    )
    found = bench(parts, Size.QUICK if asked.quick else Size.FULL)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"All of this took {time.monotonic() - began_s:.0f} s.")


def _soak(seconds: float, file: Path | None) -> int:
    """The long run, alone; 1 = something of it failed."""
    print(report.machine() + "\n", flush=True)
    found = soak(seconds)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page(found))
    return int(any(each.passed is False for each in verdicts(found)))


def _names() -> str:
    """The parts, a star at those that run by themselves."""
    names = ", ".join(part.name + ("*" if part.default else "") for part in PARTS)
    return f"only this part, may be said again; without it those with a star run: {names}"


if __name__ == "__main__":
    main()
