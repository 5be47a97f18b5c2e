"""A month of exits: what they made, by rule and one by one, from the lines that each exit has left.

Amounts are paise. What is not known is told as unknown and is in no sum; the sums say how many lack.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from engine.exit_sums import of_days, sums_of
from engine.money import rupees, signed_rupees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.exit_sums import ExitLine, Share

__all__ = ["COLUMNS", "monthly_csv", "monthly_data", "monthly_text", "of_month"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
COLUMNS = (
    "ended_at", "decided_at", "account", "position", "title", "mode", "rule", "by", "state",
    "realised_before_charges_paise", "charges_paise", "realised_after_charges_paise", "slippage_rupees",
    "seconds_to_first_order", "seconds_to_verified_flat", "naked_s", "intent", "sequence",
)  # fmt: skip


def of_month(lines: Iterable[ExitLine], month: str) -> list[ExitLine]:
    """The newest lines of the exits that ended in a month (``2026-11``, Indian time), in their order."""
    first = date.fromisoformat(f"{month}-01")
    return of_days(lines, first, (first + timedelta(days=31)).replace(day=1))


def monthly_data(lines: Sequence[ExitLine], month: str) -> dict[str, Any]:
    """The sums of a month."""
    sums = sums_of(lines)
    return {
        "month": month,
        "exits": sums.exits,
        "days": sums.days,
        "states": dict(sums.states),
        "won": sums.won,
        "lost": sums.lost,
        "unknown": sums.unknown,
        "win_rate": sums.win_rate,
        "realised_before_charges_paise": sums.before_paise,
        "charges_paise": sums.charges_paise,
        "realised_after_charges_paise": sums.after_paise,
        "expectancy_paise": sums.expectancy_paise,
        "profit_factor": sums.profit_factor,
        "largest_drawdown_paise": sums.drawdown_paise,
        "slippage_paise": sums.slippage_paise,
        "median_seconds_to_flat": sums.flat_s,
        "longest_naked_s": sums.naked_s,
        "strategies": _shares(sums.strategies),
        "rules": _shares(sums.rules),
    }


def _shares(shares: Iterable[Share]) -> dict[str, dict[str, int | None]]:
    return {each.name: {"exits": each.exits, "realised_after_charges_paise": each.paise} for each in shares}


def monthly_text(lines: Sequence[ExitLine], month: str) -> str:
    """The report as Markdown."""
    sums = sums_of(lines)
    year, number = month.split("-")
    head = [f"# Exits of {_MONTHS[int(number) - 1]} {year}", ""]
    if not lines:
        return "\n".join([*head, "None has ended."])
    table = [
        ("exits", f"{sums.exits} ({', '.join(f'{n} {state}' for state, n in sums.states.items())})"),
        ("days on which they ended", str(sums.days)),
        ("won, lost", f"{sums.won}, {sums.lost}" + _lacking(sums.unknown)),
        ("win rate", "–" if sums.win_rate is None else f"{100 * sums.win_rate:.0f} %"),
        ("realised before charges", signed_rupees(sums.before_paise)),
        ("charges of the exits", rupees(sums.charges_paise)),
        ("realised after charges", signed_rupees(sums.after_paise)),
        ("expectancy of an exit", _signed(sums.expectancy_paise)),
        ("profit factor", "–" if sums.profit_factor is None else f"{sums.profit_factor:.2f}"),
        ("largest drawdown", rupees(sums.drawdown_paise)),
        ("slippage (positive = worse)", signed_rupees(sums.slippage_paise)),
        ("verdict to verified flat, median", "–" if sums.flat_s is None else f"{sums.flat_s:.0f} s"),
        ("longest without a hedge", f"{sums.naked_s:.1f} s"),
    ]
    parts = [*head, "| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in table)]
    parts += [*_share_table("strategy", sums.strategies), *_share_table("rule", sums.rules)]
    parts += [
        "",
        "## Each",
        "",
        "| ended | position | rule | by | state | realised after charges | slippage |",
    ]
    parts += ["|---|---|---|---|---|---:|---:|", *(_row(line) for line in lines)]
    return "\n".join(parts)


def monthly_csv(lines: Sequence[ExitLine]) -> str:
    """Each exit as a row of `COLUMNS`; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        seconds = line["seconds"]
        told = dict(line) | {
            "seconds_to_first_order": seconds["to_first_order"],
            "seconds_to_verified_flat": seconds["to_verified_flat"],
        }
        writer.writerow(["" if told[name] is None else _plain(told[name]) for name in COLUMNS])
    return text.getvalue()


def _row(line: ExitLine) -> str:
    after, slippage = line["realised_after_charges_paise"], line["slippage_rupees"]
    made = "unknown" if after is None else signed_rupees(after)
    worse = "unknown" if slippage is None else signed_rupees(round(100 * slippage))
    when = str(line["ended_at"])[:16].replace("T", " ")
    where = f"{line['position']} {line['title']}".replace("|", "/")
    by = str(line["by"]).replace("|", "/")
    return f"| {when} | {where} | {line['rule']} | {by} | {line['state']} | {made} | {worse} |"


def _plain(value: Any) -> Any:
    """No spreadsheet takes a person's or a position's name for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _share_table(name: str, shares: Iterable[Share]) -> list[str]:
    rows = (f"| {each.name.replace('|', '/')} | {each.exits} | {_signed(each.paise)} |" for each in shares)
    return ["", f"## By {name}", "", f"| {name} | exits | realised after charges |", "|---|---:|---:|", *rows]


def _signed(paise: int | None) -> str:
    return "unknown" if paise is None else signed_rupees(paise)


def _lacking(unknown: int) -> str:
    return f"; of {unknown} it is unknown, they are in no sum" if unknown else ""
