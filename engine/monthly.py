"""A month of exits: what they made, by strategy, symbol and rule, against their plan, and one by one.

All of it from the lines that exits have left. Amounts are paise. What is not known is told as not known and
is in no sum; the sums say how many lack.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from engine.exit_sums import of_days, sums_of
from engine.money import rupees, signed_rupees
from engine.versus import MEANINGS, tally, versus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.exit_sums import ExitLine, ExitSums, Share
    from engine.versus import Tally, Versus

__all__ = [
    "CLOSING_MIDS", "COLUMNS", "MonthChart", "month_chart", "monthly_csv", "monthly_data", "monthly_text",
    "of_month",
]  # fmt: skip

#: A line may bring the prices at the close of its day with it, by the contract's key (`engine.hindsight`).
CLOSING_MIDS = "closing_mids"

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_UNKNOWN = "not known"
COLUMNS = (
    "ended_at", "decided_at", "account", "position", "title", "mode", "rule", "by", "state",
    "realised_before_charges_paise", "charges_paise", "realised_after_charges_paise", "slippage_rupees",
    "seconds_to_first_order", "seconds_to_verified_flat", "naked_s", "level_paise", "against_level_paise",
    "held_to_close_paise", "saved_paise", "intent", "sequence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MonthChart:
    """A month of exits as a picture shows it.

    Attributes:
        first: its first day; with the day after its last.
        running: moments (epoch seconds) at which exits of a known result ended, and what all up to then come
            to after charges.
        saved: those exits beside holding on to the close.
    """

    first: date
    end: date
    running: tuple[tuple[float, int], ...]
    sums: ExitSums
    saved: Tally


def of_month(lines: Iterable[ExitLine], month: str) -> list[ExitLine]:
    """The newest lines of the exits that ended in a month (``2026-11``, Indian time), in their order."""
    return of_days(lines, *_dates(month))


def month_chart(lines: Sequence[ExitLine], month: str) -> MonthChart:
    """What is to be drawn of a month."""
    known = [line for line in lines if line["realised_after_charges_paise"] is not None]
    moments = [datetime.fromisoformat(line["ended_at"]).timestamp() for line in known]
    sums = accumulate(line["realised_after_charges_paise"] for line in known)
    saved = tally(_against(line).saved_paise for line in lines)
    return MonthChart(*_dates(month), tuple(zip(moments, sums, strict=True)), sums_of(lines), saved)


def _dates(month: str) -> tuple[date, date]:
    """Its first day, and the day after its last."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1)


def _against(line: ExitLine) -> Versus:
    return versus(line, line.get(CLOSING_MIDS, {}))


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
        "symbols": _shares(sums.symbols),
        "rules": _shares(sums.rules),
        "against_level": _tally_data(tally(_against(line).beyond_paise for line in lines)),
        "saved": _tally_data(tally(_against(line).saved_paise for line in lines)),
    }


def _tally_data(found: Tally) -> dict[str, int | None]:
    return {
        "better": found.better,
        "better_paise": found.better_paise,
        "worse": found.worse,
        "worse_paise": found.worse_paise,
        "together_paise": found.paise if found.known else None,
        "unknown": found.unknown,
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
    for name, shares in (("strategy", sums.strategies), ("symbol", sums.symbols), ("rule", sums.rules)):
        parts += _share_table(name, shares)
    parts += [*_plan_table(lines), "", "## Each", ""]
    parts.append(
        "| ended | position | rule | by | state | realised after charges | slippage | beyond its level "
        "| saved (missed: −) |"
    )
    parts += ["|---|---|---|---|---|---:|---:|---:|---:|", *(_row(line) for line in lines)]
    return "\n".join(parts)


def _plan_table(lines: Sequence[ExitLine]) -> list[str]:
    found = [_against(line) for line in lines]
    rows = {
        "the level of its rule": tally(each.beyond_paise for each in found),
        "holding on to the close: saved, missed": tally(each.saved_paise for each in found),
    }
    told = [
        f"| {name} | {_counted(each.better, each.better_paise)} | {_counted(each.worse, each.worse_paise)} "
        f"| {signed_rupees(each.paise) if each.known else _UNKNOWN} | {each.unknown} |"
        for name, each in rows.items()
    ]
    head = ["", "## Against the plan", "", "| against | better | worse | together | not known |"]
    return [*head, "|---|---:|---:|---:|---:|", *told, *(line for text in MEANINGS for line in ("", text))]


def _counted(number: int, paise: int) -> str:
    return f"{number}: {signed_rupees(paise)}" if number else "0"


def monthly_csv(lines: Sequence[ExitLine]) -> str:
    """Each exit as a row of `COLUMNS`; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        seconds = line["seconds"]
        against = _against(line)
        told = dict(line) | {
            "level_paise": against.level_paise,
            "against_level_paise": against.beyond_paise,
            "held_to_close_paise": against.held_paise,
            "saved_paise": against.saved_paise,
            "seconds_to_first_order": seconds["to_first_order"],
            "seconds_to_verified_flat": seconds["to_verified_flat"],
        }
        writer.writerow(["" if told[name] is None else _plain(told[name]) for name in COLUMNS])
    return text.getvalue()


def _row(line: ExitLine) -> str:
    after, slippage = line["realised_after_charges_paise"], line["slippage_rupees"]
    against = _against(line)
    worse = _signed(None if slippage is None else round(100 * slippage))
    when = str(line["ended_at"])[:16].replace("T", " ")
    where = f"{line['position']} {line['title']}".replace("|", "/")
    by = str(line["by"]).replace("|", "/")
    beyond, saved = _signed(against.beyond_paise), _signed(against.saved_paise)
    head = f"| {when} | {where} | {line['rule']} | {by} | {line['state']} | {_signed(after)} | {worse} "
    return f"{head}| {beyond} | {saved} |"


def _plain(value: Any) -> Any:
    """No spreadsheet takes a person's or a position's name for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _share_table(name: str, shares: Iterable[Share]) -> list[str]:
    rows = (f"| {each.name.replace('|', '/')} | {each.exits} | {_signed(each.paise)} |" for each in shares)
    return ["", f"## By {name}", "", f"| {name} | exits | realised after charges |", "|---|---:|---:|", *rows]


def _signed(paise: int | None) -> str:
    return _UNKNOWN if paise is None else signed_rupees(paise)


def _lacking(unknown: int) -> str:
    return f"; of {unknown} it is not known, they are in no sum" if unknown else ""
