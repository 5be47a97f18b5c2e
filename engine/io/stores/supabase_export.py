"""The rows of a Supabase project as they stand, for ``python -m engine export``; nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.io.stores.mirror import Mirror, Table
from engine.io.stores.supabase_gate import Gate
from engine.trade_cells import CLOSED_STATUSES

__all__ = ["SupabaseExport"]

# Amounts as text: JSON's numbers are not exact.
_COLUMNS = (
    "id,account,strategy_id,symbol,strategy,security_id,action,type,strike_price::text,expiry_date,quantity,"
    "price::text,order_id,order_status,timestamp,rule_set,margin::text,exit_price::text,closed_at,"
    "realised_pnl::text,exit_charges::text,exit_slippage::text,exit_line,updated_at"
)
_CLOSED = ",".join(sorted(CLOSED_STATUSES))
#: Names that an owner's older table of levels may have instead.
_OLD_NAMES = {"trigger_value": "value", "close_percentage": "close_percent"}


class SupabaseExport:
    """Gives out the cells of both tables, in the order of their ids, page by page."""

    def __init__(self, gate: Gate, now_s: Callable[[], float]) -> None:
        """Ask nothing yet."""
        self._gate, self._now_s = gate, now_s

    async def export_rows(self, *, closed: bool) -> Sequence[Mapping[str, object]]:
        """Every open row, or every closed one, its cells by column.

        A status nobody knows, or none, counts as open. Raises SourceError.
        """
        still_open = f"order_status.is.null,order_status.not.in.({_CLOSED})"
        only = f"order_status.in.({_CLOSED})" if closed else still_open
        return await self._rows(Table("trades", _COLUMNS, only))

    async def export_levels(self) -> Sequence[Mapping[str, object]]:
        """Every row of ``strategy_exit_levels``, its cells by our names. Raises SourceError."""
        rows = await self._rows(Table("strategy_exit_levels", "*", ""))
        return [row | {new: row[old] for new, old in _OLD_NAMES.items() if new not in row} for row in rows]

    async def _rows(self, table: Table) -> list[dict[str, Any]]:
        mirror: Mirror[dict[str, Any]] = Mirror(self._gate, table, dict, self._now_s)
        await mirror.look(full=True)
        return list(mirror.rows.values())
