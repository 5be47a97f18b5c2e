"""What is said of a scene: the position, the moments, the amounts."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from engine.money import rupees, signed_rupees
from engine.sessions import ist, ist_date
from tests.engine.replay.every_rule import RULES, strategies
from tests.pictures.watching import seconds

if TYPE_CHECKING:
    from tests.pictures.picks import Pick
    from tests.pictures.watching import Scene


@cache
def _written() -> dict[str, Any]:
    return tomllib.loads(RULES.read_text(encoding="utf-8"))


def setting(pick: Pick) -> str:
    """The rule as the example's file writes it."""
    row = strategies(pick.day)[pick.numbers[0]][0]
    name = ("account", row["account"]) if pick.of_account else ("strategy", row["strategy"])
    return f"{pick.rule} = {_toml(_written()[name[0]][name[1]][pick.rule])}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def paise(amount: float) -> int:
    """An amount of the replay's result, which is in rupees."""
    return round(amount * 100)


def exact(unit: str, value: float) -> str:
    """A threshold: rupees, a delta, or a share of 1."""
    if unit == "price":
        return rupees(paise(value))
    return {"delta": f"{value:g}", "share": f"{value * 100:g} %"}.get(unit) or signed_rupees(paise(value))


def seen(scene: Scene) -> str:
    """What a rule that does not go by P&L saw when it fired."""
    value = scene.measured
    if scene.pick.unit == "price":
        return rupees(round(value))
    return f"{value:.2f}" if scene.pick.unit == "delta" else f"{value * 100:.1f} %"


def fires(scene: Scene) -> str:
    """When the rule fired, at what, and what it had waited for."""
    events = scene.verdicts
    event = events[-1]
    pnl = signed_rupees(paise(event["pnl"]))
    moments = [moment(scene, seconds(event)) for event in events]
    if len(events) > 1:
        return f"levels at {', '.join(moments)}"
    told = f"{moments[0]} fires"
    if scene.pick.unit != "pnl":
        return f"{told} at {seen(scene)}, P&L {pnl}"
    if event["threshold"] is None:
        return f"{told}, P&L {pnl}"
    sign = "≥" if event["threshold"] > 0 and event["pnl"] >= event["threshold"] else "≤"
    return f"{told}, P&L {pnl} {sign} {signed_rupees(paise(event['threshold']))}"


def ends(scene: Scene) -> str:
    """When nothing was left, and what all of it came to."""
    return f"{moment(scene, seconds(scene.flat))} verified flat, P&L {signed_rupees(scene.final_paise)}"


def kind(position: dict[str, Any]) -> str:
    """E.g. ``NIFTY Iron Condor``."""
    return f"{position['symbol']} {position['strategy'].split(',')[0]}"


def units(pick: Pick, number: int) -> str:
    """The sizes of its legs, e.g. ``75`` or ``75 and 150``."""
    return " and ".join(sorted({row["quantity"] for row in strategies(pick.day)[number]}, key=int))


def legs(pick: Pick, number: int) -> str:
    """E.g. ``−75 × 24,500 PE, +75 × 24,300 PE``; the expiry too where there are two."""
    rows = strategies(pick.day)[number]
    expiries = {row["expiry_date"] for row in rows}
    told = []
    for row in rows:
        sign = "+" if row["action"] == "BUY" else "−"
        strike = rupees(int(row["strike_price"]) * 100)[1:-3]
        of = f" of {day(row['expiry_date'])}" if len(expiries) > 1 else ""
        told.append(f"{sign}{row['quantity']} × {strike} {row['type']}{of}")
    return ", ".join(told)


def expiry(pick: Pick, number: int) -> str:
    """Of all legs, e.g. ``2 Sep 2025``; empty where there are two."""
    expiries = {row["expiry_date"] for row in strategies(pick.day)[number]}
    return day(*expiries) if len(expiries) == 1 else ""


def day(iso: str) -> str:
    """``2025-09-02`` as ``2 Sep``."""
    return f"{(d := date.fromisoformat(iso)).day} {d:%b}"


def subtitle(scene: Scene) -> str:
    """Position and day, under the title."""
    pick = scene.pick
    if pick.of_account:
        row = strategies(pick.day)[pick.numbers[0]][0]
        who = f"account “{row['account']}”: {' and '.join(kind(p).split(' ', 1)[1] for p in scene.positions)}"
    else:
        who = f"{kind(scene.positions[0])}, {units(pick, pick.numbers[0])} units"
    return f"{who} · {when(scene)}"


def when(scene: Scene) -> str:
    """The day, or the first and last."""
    first = ist(scene.points[0].at_s)
    last = ist(seconds(scene.flat))
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y}"
    return f"{first.day}–{last.day} {last:%b %Y}"


def moment(scene: Scene, at_s: float) -> str:
    """The time in India, with the day where there are several."""
    local = ist(at_s)
    many = ist_date(scene.points[0].at_s) != ist_date(seconds(scene.flat))
    return f"{local.day} {local:%b, %H:%M:%S}" if many else f"{local:%H:%M:%S}"
