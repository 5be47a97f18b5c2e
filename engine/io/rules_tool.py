"""``python -m engine rules``: which rules the positions of the store have, and where each comes from.

It needs no broker: the rows say what the contracts are. How many units a lot is and which share or
index they follow, the last good copy of the instrument master knows; else the dated table of lots, and
the known indices.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from math import gcd
from pathlib import Path
from typing import Any

from engine.errors import BadInput
from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan.instruments import kept_instruments
from engine.io.dhan.master import index_of
from engine.io.journal import LOCK_WAIT_S, journal_name
from engine.io.rules_file import RulesFile
from engine.io.storage import store_to_read
from engine.joins import fno_segment, joined
from engine.model import Instrument, InstrumentKind, Mode, Position, Right, Segment, TradeRow, instrument_key
from engine.rules.day_limits import DayLimits, limit_data, limit_lines
from engine.rules_page import RulesPage, page_data, page_text, rules_page
from engine.sessions import ist_date
from engine.settings import Settings
from engine.trades import InvalidPosition, positions, row_key

#: Stands in for a share that is not known here: the monitor knows it from the broker's list.
_SOME_SHARE = instrument_key(Segment.NSE_EQ, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """What the store's positions have of rules.

    Attributes:
        pages: of the positions that can be watched.
        bad: the positions that cannot.
        limits: the day limits of the accounts of the former, as far as there are any.
        idle_tables: the rules file's tables that fit no open position at all; none are told of one strategy.
    """

    pages: list[RulesPage]
    bad: list[InvalidPosition]
    limits: dict[str, DayLimits]
    idle_tables: list[str]


async def rules_of(settings: Settings, strategy_id: int | None) -> Found:
    """All positions, or one strategy's.

    Raises:
        BadInput: the store has no open row of that strategy, or rows that cannot be understood.
        ConfigError: the rules file or the sessions file has faults.
        Unreachable: the store cannot be read.
    """
    rulebook = RulesFile(settings.rules_file).load() if settings.rules_file else tables.rulebook()
    async with store_to_read(settings) as store:
        rows = [row for row in await store.open_rows() if strategy_id in {None, row.strategy_id}]
        if strategy_id is not None and not rows:
            raise BadInput(f"read strategy id {strategy_id}, of which the trade store has no open row")
        levels = await store.exit_levels()
    calendar = tables.calendar(settings.sessions_file)
    today = ist_date(SystemClock(settings.clock_start).now_s())
    known = kept_instruments(settings.data_dir / "instruments.csv", frozenset(row.symbol for row in rows))
    rows = [row if row.security_id else _numbered(row) for row in joined(rows, known)]
    contracts = {row_key(row): _contract(row, known.get(row_key(row)), today) for row in rows}
    guessed = {key: _guessed(contract, rows) for key, contract in contracts.items() if not contract.lot}
    good, bad = positions(rows, contracts | guessed, today, levels=levels)
    accounts = sorted({position.account for position in good})
    limits = {name: found for name in accounts if (found := rulebook.limits_for(name))}
    pages = [
        rules_page(
            position,
            rulebook,
            calendar,
            lot_known=all(leg.key not in guessed for leg in position.legs),
            underlying_known=any(leg.instrument.underlying != _SOME_SHARE for leg in position.legs),
        )
        for position in good
    ]
    both: list[Position | InvalidPosition] = [*good, *bad]
    idle = rulebook.idle_tables(
        (one.symbol for one in both),
        (one.strategy for one in both),
        (*(one.account for one in both), *(account.name for account in settings.accounts)),
    )
    return Found(pages, bad, limits, idle if strategy_id is None else [])


def rules_tool(settings: Settings, strategy_id: int | None) -> tuple[str, dict[str, Any]]:
    """The answer as text and as plain values.

    Raises:
        BadInput, ConfigError, Unreachable: as `rules_of`.
    """
    of = asyncio.run(rules_of(settings, strategy_id))
    lines = [f"{i.symbol} {i.strategy} · {i.id}\n! cannot be watched: {i.why}" for i in of.bad]
    lines += [
        "\n".join(
            [f"Account {name}, all its positions together", *(f"  {line}" for line in limit_lines(found))]
        )
        for name, found in of.limits.items()
    ]
    if of.idle_tables:
        lines.append("\n  ".join(["Tables of the rules file that fit no open position", *of.idle_tables]))
    found = kept_overrides(settings.data_dir, strategy_id)
    if found:
        told = (f"  {one['position']}  {one['rule']} = {one['setting']}, by {one['by']}" for one in found)
        kinds = " and ".join(dict.fromkeys(str(one["journal"]) for one in found))
        lines.append("\n".join([f"Set from the chat ({kinds}), not counted here; /rules has it", *told]))
    text = "\n\n\n".join([*map(page_text, of.pages), *lines]) or "The trade store has no open position."
    invalid = [{"account": i.account, "strategy_id": i.strategy_id, "why_invalid": i.why} for i in of.bad]
    return text, {
        "positions": [page_data(page) for page in of.pages],
        "invalid": invalid,
        "accounts": [{"account": name, **limit_data(found)} for name, found in of.limits.items()],
        "overrides": found,
        "idle_tables": of.idle_tables,
    }


def kept_overrides(data_dir: Path, strategy_id: int | None) -> list[dict[str, str]]:
    """What the journals here hold of overrides: a real and a paper monitor have each their own.

    Raises:
        BadInput: a journal cannot be read.
    """
    found = []
    for mode, kind in ((Mode.EXECUTE, "real"), (Mode.SIMULATE, "paper")):
        file = data_dir / journal_name(mode)
        if not file.exists():
            continue
        try:
            uri = f"{file.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_S)) as database:
                rows = database.execute(
                    "SELECT key, value FROM record WHERE kind = 'override' AND (? IS NULL OR key LIKE ?)",
                    (strategy_id, f"%/{strategy_id}"),
                ).fetchall()
        except sqlite3.Error as error:
            raise BadInput(f"{file}: cannot be read ({error})") from error
        found += [
            {"journal": kind, "position": key, **wish}
            for key, value in rows
            for wish in json.loads(value)["wishes"]
        ]
    return found


def _contract(row: TradeRow, known: Instrument | None, today: date) -> Instrument:
    """What the row itself says of its contract; the lot is 0 where nobody knows it."""
    lots = tables.lots()
    future = row.type == "FUT"
    strike = "" if row.strike_price_paise is None else f" {row.strike_price_paise / 100:g}"
    listed = None if row.expiry_date is None else lots.lot(row.symbol, row.expiry_date, today)
    return Instrument(
        fno_segment(row.symbol),
        row.security_id,
        InstrumentKind.FUTURE if future else InstrumentKind.OPTION,
        row.symbol,
        f"{row.symbol} {row.expiry_date:%d %b}{strike} {row.type}".upper(),
        lot=listed or 0 if known is None else known.lot,
        expiry=row.expiry_date,
        strike_paise=row.strike_price_paise,
        right=None if future else Right(row.type),
        index_option=row.symbol in lots.indices,
        underlying=(index_of(row.symbol) or _SOME_SHARE) if known is None else known.underlying,
    )


def _numbered(row: TradeRow) -> TradeRow:
    """A row whose contract nobody here knows by id gets one that no contract has: its rules are asked for."""
    return replace(row, security_id=(1 << 32) - row.id)


def _guessed(contract: Instrument, rows: Iterable[TradeRow]) -> Instrument:
    """The contract with the largest lot that divides whatever is held of its underlying and expiry."""
    held = [
        row.quantity for row in rows if (row.symbol, row.expiry_date) == (contract.symbol, contract.expiry)
    ]
    return replace(contract, lot=gcd(*held))
