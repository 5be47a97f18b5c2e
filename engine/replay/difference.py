"""A recorded day beside its replays: what happened, what the same rules do in a replay, what others do. Pure.

Plain values for JSON, amounts in rupees, times in India. The replay has a broker of its own, so that even the
same rules seldom end at the same paisa: that part of a difference is told beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model import position_id
from engine.replay.happened import Happened, mark_paise
from engine.replay.result import entry_charges
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.charges import ChargeTable
    from engine.model import PositionId
    from engine.replay.happened import Day
    from engine.replay.liquidity import Liquidity
    from engine.replay.rerun import Rerun
    from engine.replay.story import Life

__all__ = ["Played", "difference_of"]


class Played(NamedTuple):
    """One replay of the day: the run, what it was held against, and its result (`engine.replay.result`)."""

    run: Rerun
    liquidity: Liquidity
    result: Mapping[str, Any]


def difference_of(
    day: Day, same: Played, others: Played | None, rules: str | None, table: ChargeTable, torn_bytes: int
) -> dict[str, Any]:
    """Everything that is told of a day.

    ``same`` is the day under its own rules, ``others`` under those that are tried (None = none are), and
    ``rules`` where these come from.
    """
    tried = others or same
    positions = [_position(day, same, tried, row, table) for row in tried.result["positions"]]
    return {
        "day": tried.result["day"],
        "recorded_mode": day.mode,
        "rules": rules,
        "ticks": tried.result["ticks"],
        "wall_s": None,
        "record": {
            "account": day.account,
            "starts": [_time(at_us / 1e6) for at_us in day.began_us],
            "lost": day.lost,
            "torn_bytes": torn_bytes,
            "people": [{"at": _time(at_us / 1e6), **data} for at_us, data in day.people],
        },
        "positions": positions,
        "together": _together(positions),
    }


def _position(
    day: Day, same: Played, tried: Played, row: Mapping[str, Any], table: ChargeTable
) -> dict[str, Any]:
    name = _name(row)
    happened = day.exits.get(name, Happened())
    ours, life = same.run.story.lives.get(name), tried.run.story.lives.get(name)
    real = _real(happened, same.run, ours, table)
    model = _row(same.result, name)
    net, usual = row["final_pnl_net"], None if model is None else model["final_pnl_net"]
    return {
        "account": row["account"],
        "strategy_id": row["strategy_id"],
        "symbol": row["symbol"],
        "strategy": row["strategy"],
        "happened": real,
        "same_rules": {"net": usual, "exits": [] if ours is None else _exits(ours)},
        "with_rules": {"net": net, "exits": [] if life is None else _exits(life)},
        "difference": _less(net, real["net"]),
        "replay_error": _less(usual, real["net"]),
        "fiction": [] if life is None else _fiction(tried, life),
        "notes": _notes(happened, tried.run.gone.get(name)),
        "replay": row,
    }


def _real(happened: Happened, run: Rerun, life: Life | None, table: ChargeTable) -> dict[str, Any]:
    """What it came to; a position that nobody has exited stands at the replay's own last marks."""
    exits = [
        {"at": _time(i.created_s), "rule": i.verdict.rule, "reason": i.verdict.reason, "by": i.by}
        for i in happened.intents
    ]
    if life is None:
        return {"status": "unknown", "gross": None, "charges": None, "net": None, "exits": exits}
    if not happened.orders and not life.intents:
        gross = life.final_paise
    else:
        marks = {key: mark_paise(tick) for key, (_, tick) in run.last.items()}
        gross = happened.gross_paise(life.position, marks)
    charges = entry_charges(life, table) + happened.charges_paise(table)
    status = "closed" if happened.ended else "partially_closed" if happened.orders else "open"
    return {
        "status": status,
        "gross": _rupees(gross),
        "charges": _rupees(charges),
        "net": None if gross is None else _rupees(gross - charges),
        "exits": exits,
    }


def _exits(life: Life) -> list[dict[str, Any]]:
    return [
        {"at": _time(i.created_s), "rule": i.verdict.rule, "reason": i.verdict.reason, "by": i.by}
        for i in life.intents
    ]


def _fiction(played: Played, life: Life) -> list[str]:
    """Fills that the recorded market could not have given."""
    names = {leg.key: leg.instrument.display for leg in life.position.legs}
    doubts = played.liquidity.doubts(order.order_id for order in life.orders)
    return [f"{names.get(key, key)}: {doubt}" for key, doubt in doubts]


def _notes(happened: Happened, gone_s: float | None) -> list[str]:
    """What of a difference is not the rules'."""
    told = [
        f"{ist(i.created_s):%H:%M:%S} {i.by or 'somebody'} asked for this exit; the replay does the same then"
        for i in happened.intents
        if i.verdict.rule == "forced"
    ]
    outside = [i for i in happened.intents if any(i.outside(n) for n in range(len(i.legs)))]
    if outside:
        told.append("others have traded a part of it, at prices that nobody here knows")
    if gone_s is not None:
        told.append(
            f"its rows were taken away at {ist(gone_s):%H:%M:%S}; it stands at the marks of that moment"
        )
    return told


def _together(positions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums of what is known on both sides."""
    known = [p for p in positions if p["difference"] is not None]
    fiction = [p for p in known if p["fiction"]]
    return {
        "happened": _sum(p["happened"]["net"] for p in known),
        "with_rules": _sum(p["with_rules"]["net"] for p in known),
        "difference": _sum(p["difference"] for p in known),
        "replay_error": _sum(p["replay_error"] or 0.0 for p in known),
        "fiction": _sum(p["difference"] for p in fiction),
        "unknown": len(positions) - len(known),
    }


def _row(result: Mapping[str, Any], name: PositionId) -> Mapping[str, Any] | None:
    return next((row for row in result["positions"] if _name(row) == name), None)


def _name(row: Mapping[str, Any]) -> PositionId:
    return position_id(row["account"], row["strategy_id"])


def _sum(amounts: Iterable[float]) -> float:
    return round(sum(amounts), 2)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, 2)


def _rupees(paise: int | None) -> float | None:
    return None if paise is None else paise / 100


def _time(at_s: float) -> str:
    return ist(at_s).isoformat(timespec="milliseconds")
