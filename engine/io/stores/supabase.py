"""The trade store in a Supabase project: `engine.io.ports.TradeStore` over its REST API.

Reads are of a mirror that asks for what has changed; writes are the database's own functions, each one
transaction that compares before it writes. What somebody else was faster in is told and left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from postgrest import CountMethod

from engine.book_rows import RowFigures
from engine.effects import Alert, CloseTrades, RowPart
from engine.errors import BadInput, Unreachable
from engine.exit_levels import read_level
from engine.io.ports import Clock
from engine.io.stores.mirror import Mirror, Table, counted
from engine.io.stores.supabase_gate import Gate
from engine.io.stores.supabase_words import Conflicts
from engine.last import Last
from engine.model import ExitLevel, TradeRow
from engine.trade_cells import CLOSED_STATUSES
from engine.trades import StoredRow, account_word, is_open, parse_row, sound_rows

# A status nobody knows, or none, counts as open: reading the row complains instead of losing a leg.
_STILL_OPEN = f"order_status.is.null,order_status.not.in.({','.join(sorted(CLOSED_STATUSES))})"
_TRADES = Table(
    "trades",
    "id,account,strategy_id,symbol,strategy,security_id,action,type,strike_price::text,expiry_date,quantity,"
    "price::text,order_id,order_status,timestamp,exchange_segment,rule_set,margin::text,version,updated_at",
    _STILL_OPEN,
)
_LEVELS = "strategy_exit_levels"
#: Columns of levels that are numbers, by each of their names.
_NUMBERS = ("trigger_value", "value", "close_percentage", "close_percent")
#: So often everything is read, whatever the mirror believes.
FULL_EVERY_S = 600.0
_ASKED_AT_ONCE = 100


class SupabaseStore:
    """The trade store in Supabase.

    Args:
        gate: the way there.
        account: whose lease it is that writes go under.
        fence: the lease's, at this moment; None = none is held.
        tell: alerts the owner.
        clock: the monitor's.
    """

    def __init__(
        self,
        gate: Gate,
        account: str,
        fence: Callable[[], int | None],
        tell: Callable[[Alert], None],
        clock: Clock,
    ) -> None:
        """Ask nothing yet."""
        self._gate = gate
        self._account = account
        self._fence = fence
        self._clock = clock
        self._conflicts = Conflicts(tell)
        self._trades: Mirror[TradeRow | BadInput] = Mirror(gate, _TRADES, _row, clock.now_s, self._agree)
        # the same answer as long as nothing has changed: a thousand positions are not compared for it
        self._stored, self._sound = Last(self._open), Last(sound_rows)
        self._levels: Mirror[ExitLevel] | None = None
        self._full_s = float("-inf")
        self._full = False
        self._wanted = self._serving = 0
        self._word = 0

    def want_all(self) -> None:
        """Changes may have been missed: the next look reads everything."""
        self._wanted += 1

    async def open_rows(self) -> Sequence[TradeRow]:
        """Every open row, in the order of their ids.

        An answer without rows is believed when another question says the same.

        Raises:
            SourceError: no answer, or one that must not be believed.
            BadInput: names every row that cannot be understood.
        """
        return self._sound(await self.stored_rows())

    async def stored_rows(self) -> Sequence[StoredRow]:
        """Every open row, or what is wrong with it. Raises SourceError."""
        self._serving, now_s = self._wanted, self._clock.now_s()
        self._full = self._serving > 0 or not 0 <= now_s - self._full_s < FULL_EVERY_S
        await self._trades.look(full=self._full)
        if self._full:
            self._full_s = now_s
        return self._stored(self._trades.version)

    def _open(self, _version: int) -> tuple[StoredRow, ...]:
        """The open rows of the mirror as it is in this version."""
        return tuple(
            StoredRow(row_id, account_word(self._trades.cells(row_id)["account"]), row)
            for row_id, row in self._trades.rows.items()
            if isinstance(row, BadInput) or is_open(row)
        )

    async def exit_levels(self) -> Sequence[ExitLevel]:
        """Every row of ``strategy_exit_levels``; what is wrong with one stands in it. Raises SourceError."""
        if self._levels is None:
            first = await self._gate.ask(
                lambda client: client.table(_LEVELS).select("*", count=CountMethod.exact).limit(1)
            )
            if counted(first):
                self._levels = Mirror(self._gate, _levels_of(first.data[0]), _level, self._clock.now_s)
        if self._levels is not None:
            await self._levels.look(full=self._full)
        self._wanted -= self._serving  # who wants it meanwhile is served by the next look
        self._serving = 0
        return () if self._levels is None else tuple(self._levels.rows.values())

    async def close_rows(self, job: CloseTrades) -> None:
        """Mark rows as closed at their exit prices, those that hold what they held.

        Raises:
            SourceError: no answer, or the lease is not ours; whether it was written will show.
        """
        for account, ids in self._by_account(job.exits).items():
            rows = [
                {"id": row, "quantity": self._units(job, row), "version": None,
                 "exit_price": _rupees(job.exits[row])}
                for row in ids
            ]  # fmt: skip
            answer = await self._gate.call(
                "close_trades", account=account, fence=self._fence_of(account), exit_id=job.name,
                closed_at=_moment(job.closed_at_s), rows=rows,
            )  # fmt: skip
            self._conflicts.take(answer, job.name, whole=True)

    async def reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        """Take parts off rows that have so many units still; each part becomes a closed row of its own.

        Raises:
            SourceError: as `close_rows`.
        """
        by_id = {part.row_id: part for part in parts}
        for account, ids in self._by_account(by_id).items():
            wanted = [
                {"id": row, "before": by_id[row].before, "after": by_id[row].after, "version": None,
                 "exit_price": _rupees(by_id[row].exit_paise)}
                for row in ids
            ]  # fmt: skip
            answer = await self._gate.call(
                "reduce_trades", account=account, fence=self._fence_of(account), exit_id=name,
                closed_at=_moment(closed_at_s), parts=wanted,
            )  # fmt: skip
            self._conflicts.take(answer, name, whole=False)

    async def note_exits(self, figures: Sequence[RowFigures]) -> Sequence[RowFigures]:
        """Write what exits cost and made to their rows; those whose row is not there (yet) come back.

        Raises:
            SourceError: as `close_rows`.
        """
        if not figures:
            return ()
        told = [
            {"n": n, "row_id": each.row_id, "exit_id": each.exit, "line": each.line, "whole": each.whole,
             "realised_pnl": _rupees(each.realised_paise), "exit_charges": _rupees(each.charges_paise),
             "exit_slippage": _rupees(each.slippage_paise)}
            for n, each in enumerate(figures)
        ]  # fmt: skip
        missing = await self._gate.call(
            "note_exits", account=self._account, fence=self._fence_of(self._account), figures=told
        )
        return tuple(figures[n] for n in missing)

    async def record_exit(self, intent: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]) -> None:
        """Write one exit and its orders as they stand; repeated words change nothing.

        Words are counted by the clock: one that was given up and arrives late is below those that came after
        it. After a clock that was turned back the database's own count is gone on from.

        Raises:
            SourceError: as `close_rows`.
        """
        self._word = max(self._word, int(self._clock.now_s() * 1e6))
        while True:
            self._word += 1
            answer = await self._gate.call(
                "record_exit", account=self._account, fence=self._fence_of(self._account),
                intent=dict(intent) | {"word": self._word}, orders=orders,
            )  # fmt: skip
            kept = answer.get("word") or 0  # a function of an older migration does not count
            if kept <= self._word:
                return
            self._word = kept

    async def close(self) -> None:
        """Let go of the connections."""
        await self._gate.close()

    async def _agree(self, known: Sequence[int]) -> None:
        """Whether it is true that no row is open: another question must say so."""
        ids = known[:_ASKED_AT_ONCE]
        if ids:
            answer = await self._gate.ask(
                lambda client: client.table("trades").select("id,order_status").in_("id", ids)
            )
            if any(str(row["order_status"]).strip().upper() not in CLOSED_STATUSES for row in answer.data):
                raise Unreachable("Supabase shows no open rows, and then that some are open")
            if answer.data:
                return
        if not self._gate.sees_all:
            answer = await self._gate.ask(lambda client: client.table("trades").select("id").limit(1))
            if not answer.data:
                raise Unreachable(
                    "Supabase shows no rows at all to this key: row level security hides them. "
                    "Set SUPABASE_SECRET_KEY"
                )

    def _by_account(self, ids: Mapping[int, Any]) -> dict[str, list[int]]:
        grouped: dict[str, list[int]] = {}
        for row_id in sorted(ids):
            known = self._trades.rows.get(row_id)
            account = known.account if isinstance(known, TradeRow) else self._account
            grouped.setdefault(account, []).append(row_id)
        return grouped

    def _fence_of(self, account: str) -> int | None:
        """Rows of an account that nobody holds a lease for are written without one."""
        return self._fence() if account == self._account else None

    def _units(self, job: CloseTrades, row_id: int) -> int | None:
        """What the row must hold; a journal of an older version does not say, then what it held last."""
        known = self._trades.rows.get(row_id)
        return job.units.get(row_id, known.quantity if isinstance(known, TradeRow) else None)


def _row(cells: Mapping[str, Any]) -> TradeRow | BadInput:
    try:
        return parse_row(cells, f"trades row {cells['id']}")
    except BadInput as error:
        return error


def _level(cells: Mapping[str, Any]) -> ExitLevel:
    return read_level(cells, cells["id"])


def _levels_of(row: Mapping[str, Any]) -> Table:
    """The columns of this table have different names in different houses; numbers come as text."""
    columns = [f"{name}::text" if name in _NUMBERS else name for name in row]
    return Table(_LEVELS, ",".join(columns), "")


def _rupees(paise: int | None) -> str | None:
    if paise is None:
        return None
    return f"{'-' * (paise < 0)}{abs(paise) // 100}.{abs(paise) % 100:02d}"


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
