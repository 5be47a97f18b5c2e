"""``stop_underlying = {below = 24500, above = 25500}``: out when the underlying trades beyond."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.model import Verdict
from engine.money import rupees
from engine.rules.base import Kind, Limits, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.reading import amount, table
from engine.rules.verdicts import market_stop

_NAME = "stop_underlying"
_EXPECTED = "a table of prices of the underlying, e.g. {below = 24500, above = 25500}, or one of the two"
#: A price must come back by the thousandth part of its limit before the rule may fire anew.
_CLEAR = 1000


class Band(NamedTuple):
    """Where the underlying may trade, both ends included, paise; None = no end."""

    below_paise: int | None
    above_paise: int | None


def _read(value: Any) -> Band:
    raw = table(value, ("below", "above"), _EXPECTED)
    below, above = (
        None if raw.get(key) is None else amount(raw[key], 1, _EXPECTED) for key in ("below", "above")
    )
    if (below is None and above is None) or (below is not None and above is not None and below >= above):
        raise ValueError(_EXPECTED)
    return Band(below, above)


def arm(band: Band, situation: Situation) -> Limits | Refusal:
    """Beyond means a paisa beyond."""
    if all(leg.instrument.underlying is None for leg in situation.position.legs):
        return Refusal("the contracts' underlying is not known, so its price cannot be followed")
    below, above = band
    words = " or ".join(
        [
            *([] if below is None else [f"below {rupees(below)}"]),
            *([] if above is None else [f"above {rupees(above)}"]),
        ]
    )
    return Limits(
        None if below is None else below - 1,
        None if above is None else above + 1,
        min(paise for paise in band if paise is not None) // _CLEAR,
        f"{situation.position.symbol} {words}",
        words,
    )


def measure(snapshot: Snapshot, params: Limits) -> int | None:  # noqa: ARG001 - every rule measures alike
    """The underlying's believable price."""
    return snapshot.underlying_paise


def judge(snapshot: Snapshot, params: Limits) -> Verdict | None:
    """Met beyond the band, as long as the legs can be priced."""
    spot = snapshot.underlying_paise
    if spot is None or snapshot.guarded_paise is None or not params.met(spot):
        return None
    return market_stop(_NAME, snapshot, f"the underlying is at {rupees(spot)}; out {params.text}")


RULE = Rule(_NAME, Kind.LOSS, Rank.STOP, _read, arm, judge, measure=measure)
