"""What is said of an offer, and what is read after /group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import BadInput
from engine.model import Mode
from engine.money import rupees, signed_rupees
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.grouping import Proposal, ProposedLeg

__all__ = ["USAGE", "Edit", "card_lines", "read_edit", "title"]

USAGE = (
    "/group  shows what waits for an answer\n"
    "/group split 1 3 4  makes legs 3 and 4 of offer 1 one of their own\n"
    "/group merge 1 2  makes offers 1 and 2 one\n"
    "/group name 1 Iron Condor  names it; rules go by that name\n"
    "/group again  offers again what was left out"
)
_NAME_COLUMNS = 40


class Edit(NamedTuple):
    """What is to become of which offers; ``verb`` empty = show them."""

    verb: str = ""
    numbers: tuple[int, ...] = ()
    legs: tuple[int, ...] = ()
    name: str = ""


def read_edit(text: str, offers: Collection[int]) -> Edit:
    """Read what follows /group.

    Raises:
        BadInput: it is none of what can be done, or names an offer that is not open.
    """
    verb, *rest = text.split() or [""]
    verb = verb.casefold()
    if verb in {"", "again"} and not rest:
        return Edit(verb)
    if verb == "merge":
        return Edit(verb, _offers(rest, offers))
    if verb == "split" and len(rest) > 1:
        return Edit(verb, _offers(rest[:1], offers), _numbers(rest[1:]))
    if verb == "name" and len(rest) > 1:
        name = " ".join(rest[1:])
        if len(name) > _NAME_COLUMNS or not name.isprintable():
            raise BadInput(f"a name has up to {_NAME_COLUMNS} printable characters")
        return Edit(verb, _offers(rest[:1], offers), name=name)
    raise BadInput(f"read “{text[:_NAME_COLUMNS]}” after /group")


def _offers(words: list[str], offers: Collection[int]) -> tuple[int, ...]:
    numbers = _numbers(words)
    missing = sorted(set(numbers) - set(offers))
    if missing or not numbers:
        known = f"; open are {', '.join(map(str, sorted(offers)))}" if offers else "; none is open"
        raise BadInput(f"no offer {', '.join(map(str, missing)) or 'was named'}{known}")
    return numbers


def _numbers(words: list[str]) -> tuple[int, ...]:
    """Whole numbers between blanks or commas, each once."""
    parts = [part for part in re.split(r"[\s,]+", " ".join(words)) if part]
    wrong = [part for part in parts if not re.fullmatch(r"[0-9]{1,6}", part)]
    if wrong:
        raise BadInput(f"read “{wrong[0][:_NAME_COLUMNS]}”, expected a number")
    return tuple(dict.fromkeys(map(int, parts)))


def title(number: int, proposal: Proposal) -> str:
    """How an offer is called."""
    return f"{number} · {proposal.symbol} {proposal.name}"


def card_lines(number: int, proposal: Proposal, mode: Mode | None) -> tuple[str, ...]:
    """The legs, what they brought, when; with a mode also what yes would mean, and how to change it."""
    lines = [f"{at}. {_leg(leg)}" for at, leg in enumerate(proposal.legs, start=1)]
    entries = [leg.entry_paise for leg in proposal.legs]
    if None not in entries and all(leg.instrument.right for leg in proposal.legs):
        premium = -sum(leg.units * (leg.entry_paise or 0) for leg in proposal.legs)
        lines.append(f"Net premium {signed_rupees(premium)}")
    moments = [leg.entered_s for leg in proposal.legs]
    told = [moment for moment in moments if moment is not None]
    lines.append(
        f"Entered today at {ist(min(told)):%H:%M}"
        if len(told) == len(moments)
        else "Dhan does not tell when it was entered: rules count its age from now."
    )
    lines += [f"Leg {at} is not whole lots" for at, leg in enumerate(proposal.legs, 1) if _odd(leg)]
    if mode is None:
        return tuple(lines)
    means = f"No row of the trade store names it. Accept, and its rules act from then on (mode {mode})."
    how = f"/group split {number} 2 · /group merge {number} … · /group name {number} …"
    return (*lines, "", means, f"Grouped wrongly? {how}")


def _leg(leg: ProposedLeg) -> str:
    price = "entry unknown" if leg.entry_paise is None else f"at {rupees(leg.entry_paise)}"
    return f"{leg.instrument.display}  {leg.units:+d}  {price}"


def _odd(leg: ProposedLeg) -> bool:
    return leg.units % leg.instrument.lot != 0
