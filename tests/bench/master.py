"""Reading an instrument master, in a process of its own, whose peak of memory then is this alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.io.dhan.instruments import kept_instruments
from tests.bench.measure import Rounds, repeat

_HEAD = (
    "EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,"
    "DISPLAY_NAME,INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,"
    "EXPIRY_FLAG,BRACKET_FLAG,COVER_FLAG,ASM_GSM_FLAG,ASM_GSM_CATEGORY,BUY_SELL_INDICATOR,"
    "BUY_CO_MIN_MARGIN_PER,BUY_CO_SL_RANGE_MAX_PERC,BUY_CO_SL_RANGE_MIN_PERC,BUY_BO_MIN_MARGIN_PER,"
    "BUY_BO_PROFIT_RANGE_MAX_PERC,BUY_BO_PROFIT_RANGE_MIN_PERC,MTF_LEVERAGE,SM_UPPER_LIMIT,SM_LOWER_LIMIT,"
    "SM_FREEZE_QTY"
)
#: As many underlyings as have options; a fifth of the rows is the first one's.
_SYMBOLS = ("NIFTY", *(f"SHARE{number}" for number in range(210)))


def master(rows: int, rounds: int) -> Rounds:
    """Read a made-up detailed master for one underlying and for all; seconds, MB at the peak, contracts."""
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "instruments.csv"
        file.write_text(_text(rows), encoding="utf-8")

        def one_round() -> dict[str, float]:
            return {
                f"{name}/{what}": number
                for name, count in (("one", 1), ("all", len(_SYMBOLS)))
                for what, number in _child(file, count).items()
            }

        return repeat(one_round, rounds)


def _text(rows: int) -> str:
    lines = [_HEAD]
    for number in range(rows):
        symbol = _SYMBOLS[number % len(_SYMBOLS)] if number % 5 else _SYMBOLS[0]
        lines.append(
            f"NSE,D,{100_000 + number},NA,OPTSTK,26000,{symbol},{symbol}-Nov2026-{20_000 + number}-CE,"
            f"{symbol} NOV {20_000 + number} CALL,OP,NA,65,2026-11-{number % 28 + 1:02d},"
            f"{20_000 + number}.00000,CE,5,M,N,N,N,NA,A,0,0,0,0,0,0,0,500.5,0.05,1800"
        )
    return "\n".join(lines) + "\n"


def _child(file: Path, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.master", str(file), str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _read(file: Path, count: int) -> dict[str, float]:
    began_s = time.process_time()
    found = kept_instruments(file, frozenset(_SYMBOLS[:count]))
    cost_s = time.process_time() - began_s
    return {"s": cost_s, "mb": _peak_mb(), "contracts": len(found)}


def _peak_mb() -> float:
    """The most memory that this process has had (Linux; 0 elsewhere).

    What `resource.getrusage` tells of a child is at least what its parent had when it was made.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    print(json.dumps(_read(Path(sys.argv[1]), int(sys.argv[2]))))
