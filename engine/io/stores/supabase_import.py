"""Rows of files into a Supabase project, for ``python -m engine import``: all of a file in one call, or none.

The database compares: it adds rows only to what the caller has seen of their legs. So a call whose answer was
lost, or that is carried out late, adds nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.errors import BadInput, Unreachable
from engine.io.stores.exit_levels import LevelReport
from engine.io.stores.imports import (
    ImportReport,
    before_parts,
    cells,
    contract,
    contradictions,
    same_by_contract,
)
from engine.io.stores.supabase_gate import Gate
from engine.model import ExitLevel, TradeRow
from engine.trades import parse_row, repeated

__all__ = ["SupabaseImport"]

#: The first call finds out what is there, the second adds to it; more only when somebody edits meanwhile.
_CALLS = 5
#: Account, strategy id, order id and moment: what the rows of one leg have in common.
_Name = tuple[str, int, str, float]


class SupabaseImport:
    """Takes rows into both tables.

    Args:
        gate: the way to the database.

    Raises:
        BadInput: rows are hidden from its key, so what is there already would be added again.
    """

    def __init__(self, gate: Gate) -> None:
        if not gate.sees_all:
            raise BadInput(
                "import into Supabase: read a publishable or anon key, from which row level security hides "
                "rows; expected SUPABASE_SECRET_KEY (Supabase dashboard > Project Settings > API Keys)"
            )
        self._gate = gate

    async def import_rows(self, rows: Iterable[TradeRow]) -> ImportReport:
        """Add rows, all or none; what is there already is judged as by the embedded store.

        Raises:
            BadInput: a row that is there already says something else about the leg, or cannot be understood.
            SourceError: no answer; whether they were added shows when they are imported again.
        """
        wanted = tuple(rows)
        there: Sequence[Mapping[str, Any]] = ()
        for _ in range(_CALLS):
            new = _Stored(there).new(wanted)
            report = ImportReport(
                tuple(row for n, row in enumerate(wanted) if n in new),
                tuple(row for n, row in enumerate(wanted) if n not in new),
            )
            if not new:
                return report
            answer = await self._gate.call(
                "import_trades",
                rows=[_told(row) | {"add": n in new} for n, row in enumerate(wanted)],
                seen=[[row["id"], row["version"]] for row in there],
            )
            if answer["added"] is not None:
                return report
            there = answer["there"]
        raise Unreachable("Supabase: these rows are being edited; nothing was added. Import the file again")

    async def import_levels(self, levels: Iterable[ExitLevel]) -> LevelReport:
        """Add rows of ``strategy_exit_levels`` or give known ones their new values, all or none.

        Raises SourceError: no answer; importing them again does no harm.
        """
        told = [
            {"strategy_id": level.strategy_id, "exit_type": level.exit_type, "level_name": level.level_name,
             "trigger_type": level.trigger_type, "trigger_value": f"{level.value:f}",
             "close_percentage": None if level.close_pct is None else f"{level.close_pct:f}",
             "enabled": level.enabled}
            for level in levels
        ]  # fmt: skip
        return LevelReport(**await self._gate.call("import_exit_levels", levels=told))


class _Stored:
    """What the database has of the legs of a file.

    Raises:
        BadInput: names every row of them that cannot be understood: it may be one of the file's.
    """

    def __init__(self, there: Iterable[Mapping[str, Any]]) -> None:
        self._named: defaultdict[_Name, list[TradeRow]] = defaultdict(list)
        self._parts: defaultdict[int, list[TradeRow]] = defaultdict(list)
        self._loose: defaultdict[_Name, list[TradeRow]] = defaultdict(list)  # parts that came by a file
        faults = []
        for found in there:
            try:
                row = parse_row(found, f"trades row {found['id']}")
            except BadInput as error:
                faults.append(str(error))
                continue
            self._named[_name(row)].append(row)
            if found["parent_id"] is not None:
                self._parts[found["parent_id"]].append(row)
                continue
            words = row.order_id.split("/")
            for end in range(1, len(words)):
                self._loose[_name(row, "/".join(words[:end]))].append(row)
        if faults:
            raise BadInput("\n".join(faults))

    def new(self, rows: Sequence[TradeRow]) -> set[int]:
        """The places of those rows that are not there.

        Raises:
            BadInput: one that is there says something else, or one comes twice.
        """
        faults = repeated(rows, contract)
        fresh: defaultdict[_Name, list[TradeRow]] = defaultdict(list)
        new = set()
        for n, row in enumerate(rows):
            stored = _twin(row, self._named[_name(row)])
            twin = _twin(row, fresh[_name(row)])
            if stored is not None:
                parts = (*self._parts[stored.id], *_twins(stored, self._loose[_name(stored)]))
                faults += contradictions(row, stored, before_parts(stored, parts))
            elif twin is None or twin.security_id == row.security_id:  # that is told by `repeated`
                new.add(n)
                fresh[_name(row)].append(row)
            else:
                faults += same_by_contract(twin, row)
        if faults:
            raise BadInput("\n".join(faults))
        return new


def _told(row: TradeRow) -> dict[str, object]:
    """A row's cells; what is nothing is left out, a file may have many rows."""
    return {column: cell for column, cell in cells(row).items() if cell is not None}


def _name(row: TradeRow, order_id: str | None = None) -> _Name:
    return row.account, row.strategy_id, row.order_id if order_id is None else order_id, row.timestamp_s


def _twin(row: TradeRow, others: Iterable[TradeRow]) -> TradeRow | None:
    return next(iter(_twins(row, others)), None)


def _twins(row: TradeRow, others: Iterable[TradeRow]) -> list[TradeRow]:
    """Those of the same contract: known by its security id, and where one of the two lacks it, by itself."""
    return [
        other
        for other in others
        if (
            row.security_id == other.security_id
            if row.security_id and other.security_id
            else (row.type, row.strike_price_paise, row.expiry_date)
            == (other.type, other.strike_price_paise, other.expiry_date)
        )
    ]
