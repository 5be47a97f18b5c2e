"""A month of exits: what they made, by rule and one by one, from the lines that each exit has left.

Amounts are paise. What is not known is told as unknown and is in no sum; the sums say how many lack.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from engine.money import rupees, signed_rupees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["COLUMNS", "Line", "monthly_csv", "monthly_data", "monthly_text", "of_month"]

#: What an exit has left (`engine.books`).
Line = Mapping[str, Any]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
COLUMNS = (
    "ended_at", "decided_at", "account", "position", "title", "mode", "rule", "by", "state",
    "realised_before_charges_paise", "charges_paise", "realised_after_charges_paise", "slippage_rupees",
    "seconds_to_first_order", "seconds_to_verified_flat", "naked_s", "intent", "sequence",
)  # fmt: skip


def of_month(lines: Iterable[Line], month: str) -> list[Line]:
    """The newest lines of the exits that ended in a month (``2026-11``, Indian time), in their order."""
    newest = {line["intent"]: line for line in sorted(lines, key=lambda line: int(line["sequence"]))}
    ended = [line for line in newest.values() if str(line["ended_at"]).startswith(month)]
    return sorted(ended, key=lambda line: str(line["ended_at"]))


def monthly_data(lines: Sequence[Line], month: str) -> dict[str, Any]:
    """The sums of a month."""
    flat_s = [s for line in lines if (s := line["seconds"]["to_verified_flat"]) is not None]
    after = [line["realised_after_charges_paise"] for line in lines]
    known = [paise for paise in after if paise is not None]
    slips = [slip for line in lines if (slip := line["slippage_rupees"]) is not None]
    states: dict[str, int] = defaultdict(int)
    rules: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        states[line["state"]] += 1
        rules[line["rule"]].append(line)
    return {
        "month": month,
        "exits": len(lines),
        "states": dict(states),
        "won": sum(paise > 0 for paise in known),
        "lost": sum(paise < 0 for paise in known),
        "unknown": len(after) - len(known),
        "realised_before_charges_paise": _total(lines, "realised_before_charges_paise"),
        "charges_paise": _total(lines, "charges_paise"),
        "realised_after_charges_paise": sum(known),
        "slippage_paise": sum(round(100 * slip) for slip in slips),
        "median_seconds_to_flat": median(flat_s) if flat_s else None,
        "longest_naked_s": max((line["naked_s"] for line in lines), default=0.0),
        "rules": {
            rule: {
                "exits": len(of),
                "realised_after_charges_paise": _total(of, "realised_after_charges_paise"),
            }
            for rule, of in sorted(rules.items())
        },
    }


def _of_rule(lines: Sequence[Line]) -> dict[str, int]:
    name = "realised_after_charges_paise"
    return {"exits": len(lines), name: _total(lines, name)}


def monthly_text(lines: Sequence[Line], month: str) -> str:
    """The report as Markdown."""
    data = monthly_data(lines, month)
    year, number = month.split("-")
    head = [f"# Exits of {_MONTHS[int(number) - 1]} {year}", ""]
    if not lines:
        return "\n".join([*head, "None has ended."])
    flat_s = data["median_seconds_to_flat"]
    table = [
        ("exits", f"{data['exits']} ({', '.join(f'{n} {state}' for state, n in data['states'].items())})"),
        ("won, lost", f"{data['won']}, {data['lost']}" + _lacking(data["unknown"])),
        ("realised before charges", signed_rupees(data["realised_before_charges_paise"])),
        ("charges of the exits", rupees(data["charges_paise"])),
        ("realised after charges", signed_rupees(data["realised_after_charges_paise"])),
        ("slippage (positive = worse)", signed_rupees(data["slippage_paise"])),
        ("verdict to verified flat, median", "–" if flat_s is None else f"{flat_s:.0f} s"),
        ("longest without a hedge", f"{data['longest_naked_s']:.1f} s"),
    ]
    parts = [*head, "| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in table)]
    parts += ["", "## By rule", "", "| rule | exits | realised after charges |", "|---|---:|---:|"]
    parts += [
        f"| {rule} | {of['exits']} | {signed_rupees(of['realised_after_charges_paise'])} |"
        for rule, of in data["rules"].items()
    ]
    parts += [
        "",
        "## Each",
        "",
        "| ended | position | rule | by | state | realised after charges | slippage |",
    ]
    parts += ["|---|---|---|---|---|---:|---:|", *(_row(line) for line in lines)]
    return "\n".join(parts)


def monthly_csv(lines: Sequence[Line]) -> str:
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


def _row(line: Line) -> str:
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


def _total(lines: Iterable[Line], name: str) -> int:
    return sum(line[name] for line in lines if line[name] is not None)


def _lacking(unknown: int) -> str:
    return f"; of {unknown} it is unknown, they are in no sum" if unknown else ""
