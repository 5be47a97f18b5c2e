"""The ``strategy_exit_levels`` table: rows as owners write them in, `ExitLevel`s out.

One row per level of a rule. What the words mean is known to `engine.rules.levels`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from engine import trade_cells as cells
from engine.errors import BadInput
from engine.model import ExitLevel
from engine.rows import RowReader, csv_rows
from engine.rules.levels import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.rows import CsvRow

#: Columns a file must have; ``id``, ``level_name``, ``close_percentage`` and ``enabled`` may be left out.
REQUIRED_COLUMNS = ("strategy_id", "exit_type", "trigger_type", "trigger_value")
_ALIASES = {"value": "trigger_value", "close_percent": "close_percentage", "is_active": "enabled"}

#: What may stand beside a value, by trigger_type.
_UNITS = {"percentage": "%", "price": "₹"}
_NUMBER_TEXT = "a number, e.g. 50.00 (per cent, rupees, days or the Greek, as trigger_type says)"


def read_level(row: Mapping[str, object], row_id: int) -> ExitLevel:
    """Make one row ours; never fails: what is wrong with its cells stands in ``fault``."""
    read = RowReader({_ALIASES.get(column, column): cell for column, cell in row.items()}, "")
    close = None
    if read.word("close_percentage"):
        percent = partial(cells.signed, unit="%")
        close = read("close_percentage", percent, None, "a share in per cent, e.g. 25.00, or empty")
    trigger_type = read.word("trigger_type").lower()
    number = partial(cells.signed, unit=_UNITS.get(trigger_type, ""))
    level = ExitLevel(
        id=row_id,
        strategy_id=read("strategy_id", cells.positive, 0, "a whole number above 0"),
        exit_type=read.word("exit_type").lower(),
        level_name=read.word("level_name").lower() or "primary",
        trigger_type=trigger_type,
        value=read("trigger_value", number, Decimal(0), _NUMBER_TEXT),
        close_pct=close,
        enabled=read("enabled", cells.switch, True, "true or false"),
    )
    if not read.faults:
        return level
    return replace(level, fault="; ".join(fault.removeprefix(": ") for fault in read.faults))


def parse_csv(text: str) -> tuple[ExitLevel, ...]:
    """Every row of a CSV file with a header; ids are its ``id`` column or the rows' numbers.

    Raises:
        BadInput: with every fault of every row, one a line; then there are no rows at all.
    """
    rows = csv_rows(text, REQUIRED_COLUMNS, _ALIASES)
    faults = [row.fault for row in rows if row.fault]
    levels = tuple(read_level(row.cells, _id(row, faults)) for row in rows if not row.fault)
    numbers = [level.id for level in levels]
    faults += [
        f"id: read {n} {numbers.count(n)} times, expected each id once"
        for n in sorted({n for n in numbers if numbers.count(n) > 1})
    ]
    faults += [f"row {level.id}: {level.fault}" for level in levels if level.fault and not level.enabled]
    for strategy in dict.fromkeys(level.strategy_id for level in levels):
        ignored = settings_of([level for level in levels if level.strategy_id == strategy])[1]
        faults += [bad.why for bad in ignored]
    if faults:
        raise BadInput("\n".join(faults))
    return levels


def _id(row: CsvRow, faults: list[str]) -> int:
    """The row's own id, or its number in the file."""
    if "id" not in row.cells:
        return row.number
    read = RowReader(row.cells, row.where)
    found = read("id", cells.positive, row.number, "a whole number above 0")
    faults += read.faults
    return found
