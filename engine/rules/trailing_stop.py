"""``trailing_stop = true``: out when the profit has given back a share of its highest value.

``{activate = 0.25, give_back = 0.30, floor = 0.0}``: fractions of the profit basis, of the peak, and
of the basis again. ``activate_rupees`` and ``give_back_rupees`` may stand in their places; with one
of them every amount counts realised P&L, without any the open legs are judged alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf
from typing import Any

from engine.model import Verdict
from engine.money import signed_rupees
from engine.rules.base import Kind, Rank, Ratchet, Refusal, Rule, Situation, Snapshot
from engine.rules.basis import profit_basis
from engine.rules.reading import amount, number, percent, table
from engine.rules.verdicts import ratchet_exit

_NAME = "trailing_stop"
_ACTIVATE, _GIVE_BACK, _FLOOR = Fraction(1, 4), Fraction(3, 10), Fraction(0)
_EXPECTED = (
    "true, or a table such as {activate = 0.25, give_back = 0.30, floor = 0.0} with activate_rupees or "
    "give_back_rupees in place of a fraction"
)
_KEYS = ("activate", "activate_rupees", "give_back", "give_back_rupees", "floor")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the owner wrote; of each pair the amount in paise counts where there is one."""

    activate: Fraction = _ACTIVATE
    give_back: Fraction = _GIVE_BACK
    floor: Fraction = _FLOOR
    activate_paise: int | None = None
    give_back_paise: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail(Ratchet):
    """The peak less what may be given back: a share of it, or an amount in paise."""

    give_back: Fraction
    give_back_paise: int | None
    arms_text: str

    def level(self, peak_paise: int) -> int:
        """The highest P&L that has given back enough, in whole paise."""
        if self.give_back_paise is not None:
            return peak_paise - self.give_back_paise
        return floor(peak_paise * (1 - self.give_back))

    def follows(self, other: Trail) -> bool:
        """Whether it gives back no more of any peak, which is never negative; a share and rupees differ."""
        ours, theirs = self.give_back_paise, other.give_back_paise
        if ours is None or theirs is None:
            return ours is theirs and self.give_back <= other.give_back
        return ours <= theirs

    @property
    def text(self) -> str:
        """Where it follows, or from where on it will."""
        less = percent(self.give_back)
        if self.give_back_paise is not None:
            less = signed_rupees(self.give_back_paise)[1:]
        if self.peak_paise is None:
            return f"{less} below the peak, once P&L has reached {self.arms_text}"
        return f"{less} below the peak {signed_rupees(self.peak_paise)}"


def _end(floor_paise: int | None) -> float:
    """A floor that is not there lies below all others."""
    return -inf if floor_paise is None else floor_paise


def _read(value: Any) -> Setting:
    if value is True:
        return Setting()
    raw = table(value, _KEYS, _EXPECTED)
    if {"activate", "activate_rupees"} <= raw.keys() or {"give_back", "give_back_rupees"} <= raw.keys():
        raise ValueError(f"{_EXPECTED}, but not both a fraction and rupees")
    activate, give_back = raw.get("activate_rupees"), raw.get("give_back_rupees")
    setting = Setting(
        _fraction(raw, "activate", _ACTIVATE, 0, 10),
        _fraction(raw, "give_back", _GIVE_BACK, Fraction(1, 1000), 1),
        _fraction(raw, "floor", _FLOOR, -10, 10),
        None if activate is None else amount(activate, 1, "activate_rupees as rupees from 1 on"),
        None if give_back is None else amount(give_back, 1, "give_back_rupees as rupees from 1 on"),
    )
    if setting.activate_paise is None and setting.floor >= setting.activate > 0:
        raise ValueError("a floor below activate, as nothing can trail under its own floor")
    if setting.give_back == 1 and setting.give_back_paise is None and setting.floor >= 0:
        raise ValueError("a give_back below 1, as what is left of the peak would lie under the floor")
    return setting


def _fraction(raw: dict[str, Any], key: str, default: Fraction, low: Fraction | int, high: int) -> Fraction:
    if key not in raw:
        return default
    bounds = f"{float(low):g} and {high}"
    return number(raw[key], Fraction(low), Fraction(high), f"{key} as a fraction between {bounds}")


def arm(setting: Setting, situation: Situation) -> Trail | Refusal:
    """Amounts need no basis unless a fraction of it is left."""
    whole = setting.activate_paise is not None or setting.give_back_paise is not None
    arms, arms_text = setting.activate_paise, ""
    floor_paise = 0
    if arms is None or setting.floor:
        basis = profit_basis(situation.payoff)
        if isinstance(basis, Refusal):
            return basis
        floor_paise = floor(setting.floor * basis.amount_paise)
        if arms is None:
            arms = ceil(setting.activate * basis.amount_paise)
            arms_text = f" ({basis.share(setting.activate)})"
    if setting.floor and floor_paise >= arms:
        return Refusal(
            f"its floor {signed_rupees(floor_paise)} is not below {signed_rupees(arms)}, from where on it "
            "trails; use a floor below activate_rupees"
        )
    return Trail(
        arms_paise=arms,
        with_realised=whole,
        floor_paise=floor_paise,
        give_back=setting.give_back,
        give_back_paise=setting.give_back_paise,
        arms_text=signed_rupees(arms) + arms_text,
    )


def judge(snapshot: Snapshot, params: Trail) -> Verdict | None:
    """Met from the trailing level down to the floor, on believable marks only."""
    return ratchet_exit(_NAME, snapshot, params)


RULE = Rule(_NAME, Kind.PROFIT, Rank.TRAILING, _read, arm, judge)
