"""What a book says of each row of the trade store: the exit's costs and result, shared out by units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.intents import IntentState
from engine.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["RowFigures", "row_figures"]


class RowFigures(NamedTuple):
    """What one exit made of one row, or of the part that it took off it.

    Attributes:
        exit: the exit's id, which names the closed part.
        line: the exit's id, a stroke and the number of the line in the file of executions.
        whole: the row is closed; else a part was taken off it.
        realised_paise: before charges; None = unknown, like the others.
    """

    row_id: int
    exit: str
    line: str
    whole: bool
    realised_paise: int | None
    charges_paise: int | None
    slippage_paise: int | None


def row_figures(line: Mapping[str, Any]) -> Iterator[RowFigures]:
    """The figures of each row that an exit which ended flat has traded; of another exit no row is closed."""
    if not IntentState(line["state"]).flat:
        return
    for leg in line["legs"]:
        total = sum(row["units"] for row in leg["rows"].values())
        done = 0
        for name, row in leg["rows"].items():
            before, done = done, done + row["units"]
            if not row["units"]:
                continue
            yield RowFigures(
                int(name),
                line["intent"],
                f"{line['intent']}/{line['sequence']}",
                line["part"] is None or not row["left"],
                _realised_paise(leg, row, before, done, total),
                _share(leg["charges_paise"], before, done, total),
                _share(leg["slippage_paise"], before, done, total),
            )


def _share(amount: int | None, before: int, done: int, total: int) -> int | None:
    """The share of units ``before`` to ``done``; all shares together are the whole amount."""
    return None if amount is None else amount * done // total - amount * before // total


def _realised_paise(
    leg: Mapping[str, Any], row: Mapping[str, Any], before: int, done: int, total: int
) -> int | None:
    """Against the row's own entry price; unknown where rows of the contract face each other."""
    against = any(not other["units"] for other in leg["rows"].values())
    if leg["realised_paise"] is None or leg["closed_by_others"] or against or leg["filled"] != total:
        return None
    turnover = _share(leg["turnover_paise"], before, done, total)
    assert turnover is not None  # noqa: S101 - a result is known only where the turnover is
    gone: int = turnover - row["entry_paise"] * row["units"]
    return -Side(leg["side"]).sign * gone
