"""``instruments``: Dhan's list, searched: what a contract's security id is, and its lot, tick and freeze."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.errors import BadInput
from engine.io.env import SANDBOX_DIR, load_settings
from engine.io.terminal import bar
from engine.io.toolbox import Tools, count, tool
from engine.model import Instrument, InstrumentKind
from engine.settings import Settings

__all__ = ["add_instruments"]

COPY = "instruments.csv"
#: A contract's words beside what we call it.
_KINDS = ("CE", "PE", "FUT", "INDEX", "EQUITY")

_INSTRUMENTS = """\
Searches Dhan's list of instruments: the security id of a contract, its lot, tick and freeze quantity. It
reads the copy that the monitor keeps in DATA_DIR, and says of which day that is; where there is none, and
with --download, it fetches the list from Dhan (some 30 MB, no credentials needed). The monitor's copy is
never touched: it alone writes it, each morning.

exit status:
  0  found
  1  the list has nothing like that
  2  no list: none is kept, and it cannot be fetched

examples:
  python -m engine instruments NIFTY --expiry 2026-11-24 --strike 25300
  python -m engine instruments RELIANCE --type FUT
  python -m engine instruments NIFTY BANKNIFTY --type INDEX
  python -m engine instruments NIFTY --strike 25300 --type CE --json | jq '.instruments[].security_id'
"""


def add_instruments(tools: Tools) -> None:
    """Add it to the command line."""
    made = tool(tools, "instruments", "search Dhan's list: security ids, lots, ticks, freeze quantities",
                _INSTRUMENTS, _instruments)  # fmt: skip
    made.add_argument("symbols", nargs="+", metavar="SYMBOL", help="underlyings, e.g. NIFTY")
    made.add_argument("--expiry", type=_day, metavar="YYYY-MM-DD", help="of this day only")
    made.add_argument("--strike", type=float, metavar="RUPEES", help="of this strike only")
    made.add_argument("--type", type=str.upper, choices=_KINDS, help="of this kind only")
    made.add_argument("--limit", type=count, default=40, metavar="K", help="so many lines (40); JSON has all")
    made.add_argument("--download", action="store_true", help="fetch the list anew")


def _day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"read {word!r}, expected a day such as 2026-11-24") from None


def _instruments(args: argparse.Namespace) -> str:
    symbols = frozenset(symbol.upper() for symbol in args.symbols)
    source, known = _list(load_settings(chat=False), symbols, download=args.download)
    found = sorted(
        (each for each in known if _fits(each, args)),
        key=lambda each: (each.symbol, each.expiry or date.min, each.strike_paise or 0, each.display),
    )
    args.status = int(not found)
    if args.json:
        return json.dumps({"source": source, "instruments": [_data(each) for each in found]}, indent=2)
    if not found:
        there = sorted({str(each.expiry) for each in known if each.expiry})
        what = (
            f"it has expiries {', '.join(there[:6])}"
            if there
            else f"it knows no {', '.join(sorted(symbols))}"
        )
        return f"{source}: nothing like that; {what}"
    from tabulate import tabulate  # noqa: PLC0415 - the table alone needs it

    rows = [_row(each) for each in found[: args.limit]]
    more = len(found) - len(rows)
    table = tabulate(rows, ("id", "segment", "name", "expiry", "lot", "tick", "freeze"), tablefmt="simple",
                     disable_numparse=True, colalign=("right",) + ("left",) * 3 + ("right",) * 3)  # fmt: skip
    return "\n".join(
        [source, "", table, *([f"and {more} more (--limit, --expiry, --strike)"] if more else [])]
    )


def _list(settings: Settings, symbols: frozenset[str], *, download: bool) -> tuple[str, Iterable[Instrument]]:
    """(where from, the instruments of these underlyings).

    Raises:
        Unreachable: it cannot be fetched.
    """
    # by who needs it: the way to Dhan takes a while to import
    from engine.io.dhan.instruments import kept_instruments, load_instruments  # noqa: PLC0415

    for kept in (settings.data_dir / COPY, settings.data_dir / SANDBOX_DIR / COPY):
        if kept.is_file() and not download:
            day = datetime.fromtimestamp(kept.stat().st_mtime, UTC).date()
            return f"copy of {day} in {kept.parent}", kept_instruments(kept, symbols).values()
    if settings.sandbox and not download:
        raise BadInput("no copy is kept in DATA_DIR yet; --download fetches Dhan's list (some 30 MB)")
    with TemporaryDirectory() as place:
        url = settings.dhan_instruments_url
        found = asyncio.run(load_instruments(url, Path(place) / COPY, symbols, bar))
    return f"fetched now from {url}", found.values()


def _fits(each: Instrument, args: argparse.Namespace) -> bool:
    kind = (
        each.right.value if each.right else "FUT" if each.kind is InstrumentKind.FUTURE else each.kind.upper()
    )
    strike = None if args.strike is None else round(args.strike * 100)
    return (
        args.type in {None, kind}
        and args.expiry in {None, each.expiry}
        and strike in {None, each.strike_paise}
    )


def _row(each: Instrument) -> tuple[str, ...]:
    return (
        str(each.security_id), each.segment.value, each.display, str(each.expiry or ""), str(each.lot),
        f"{each.tick_paise / 100:.2f}", f"{each.freeze_quantity:,}" if each.freeze_quantity else "",
    )  # fmt: skip


def _data(each: Instrument) -> dict[str, Any]:
    return {
        "security_id": each.security_id, "segment": each.segment.value, "kind": each.kind.value,
        "symbol": each.symbol, "name": each.display, "expiry": each.expiry and each.expiry.isoformat(),
        "strike_paise": each.strike_paise, "right": each.right and each.right.value, "lot": each.lot,
        "tick_paise": each.tick_paise, "freeze_quantity": each.freeze_quantity,
    }  # fmt: skip
