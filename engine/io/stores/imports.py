"""What every store of trades judges alike when rows are imported: what is written, and what contradicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.model import TradeRow
from engine.sessions import IST
from engine.trades import repeated

# What a row says beyond its identity.
_SAID = (
    "action", "type", "strike_price_paise", "expiry_date", "quantity", "price_paise", "rule_set",
    "margin_paise",
)  # fmt: skip
# Columns a file may leave out: then it says nothing that the store could contradict.
_MAY_BE_LEFT_OUT = frozenset({"rule_set", "margin_paise"})


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of one import."""

    added: tuple[TradeRow, ...]
    already: tuple[TradeRow, ...]


def cells(row: TradeRow) -> dict[str, object]:
    """A row as it is written, by column; an open one has nothing in the columns of its end."""
    end = row.end
    return {
        "account": row.account,
        "strategy_id": row.strategy_id,
        "symbol": row.symbol,
        "strategy": row.strategy,
        "security_id": row.security_id,
        "action": str(row.action),
        "type": row.type,
        "strike_price": rupees(row.strike_price_paise),
        "expiry_date": day(row),
        "quantity": row.quantity,
        "price": rupees(row.price_paise),
        "order_id": row.order_id,
        "order_status": row.order_status,
        "timestamp": moment(row.timestamp_s),
        "rule_set": row.rule_set,
        "margin": rupees(row.margin_paise),
        "exit_price": None if end is None else rupees(end.price_paise),
        "closed_at": None if end is None or end.at_s is None else moment(end.at_s),
        "realised_pnl": None if end is None else rupees(end.realised_paise),
        "exit_charges": None if end is None else rupees(end.charges_paise),
        "exit_slippage": None if end is None else rupees(end.slippage_paise),
        "exit_line": None if end is None else end.line or None,
    }


def contract(row: TradeRow) -> object:
    """What a row's contract is known by within a file."""
    return row.security_id or (row.symbol, row.type, row.strike_price_paise, row.expiry_date)


def same_by_contract(one: TradeRow, other: TradeRow) -> list[str]:
    """The fault of a file that names a leg twice, once by its security id and once without."""
    return repeated((replace(one, security_id=0), replace(other, security_id=0)), contract)


def before_parts(row: TradeRow, parts: Iterable[TradeRow]) -> TradeRow:
    """The stored row as it was before these parts were taken off it."""
    for part in parts:
        margin = [each for each in (row.margin_paise, part.margin_paise) if each is not None]
        row = replace(
            row, quantity=row.quantity + part.quantity, margin_paise=sum(margin) if margin else None
        )
    return row


def contradictions(row: TradeRow, now: TradeRow, before: TradeRow) -> list[str]:
    """What the import says of a leg that the store knows otherwise; a file may be of before or of after.

    Args:
        row: of the file.
        now: the leg as it is stored.
        before: the same, before parts were taken off it.
    """
    differences = [_differences(row, stored) for stored in (now, before)]
    return [] if [] in differences else differences[-1]


def _differences(row: TradeRow, stored: TradeRow) -> list[str]:
    return [
        f"row {row.id}: order {row.order_id or '(no id)'} of strategy {row.strategy_id} is stored already "
        f"(trades row {stored.id}) with {name} {getattr(stored, name)}, read {getattr(row, name)}; "
        "correct the file, or edit the stored row"
        for name in _SAID
        if getattr(row, name) != getattr(stored, name)
        and not (name in _MAY_BE_LEFT_OUT and not getattr(row, name))
    ]


def day(row: TradeRow) -> str | None:
    """The expiry as it is written."""
    return None if row.expiry_date is None else row.expiry_date.isoformat()


def rupees(paise: int | None) -> str | None:
    """An amount as it is written, two decimals."""
    if paise is None:
        return None
    return f"{'-' * (paise < 0)}{abs(paise) // 100}.{abs(paise) % 100:02d}"


def moment(at_s: float) -> str:
    """A moment as it is written, in Indian time with its offset."""
    return datetime.fromtimestamp(at_s, IST).isoformat()
