"""What a running monitor answers to the host's own tools."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from engine.errors import BadInput
from engine.exit_page import ExitsNow, exits_now
from engine.io.hatch import Answers
from engine.io.plant import Plant
from engine.io.wiring import Lent, Line
from engine.messages import Actor, Command, Wish
from engine.picture import held_now, outline
from engine.view import PositionState, PositionView
from engine.vitals import reading_told

__all__ = ["HOST", "answers"]

#: Who speaks by the command line of the host.
HOST = Actor(0, 0, "the host")
#: Nothing is left to exit of a position in one of these, or nobody can say what it is.
_NO_EXIT = frozenset({PositionState.FLAT, PositionState.INVALID})


def answers(lines: Sequence[Line], plant: Plant, end: Callable[[], None]) -> Answers:
    """By the question's name; ``end`` asks this process to close in good order."""
    return {
        "health": partial(_health, plant),
        "stop": partial(_stop, lines, end),
        "exit": partial(_exit, lines),
        "resume": partial(_resume, lines),
        "quote": partial(_quote, lines),
    }


def _quote(lines: Sequence[Line], question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of an account that nobody runs here nobody asks but the tool."""
    asked = [line for line in lines if line.account == question["account"]]
    return {"may": (asked[0].lend_quote() if asked else Lent.YES).value}


def _health(plant: Plant, _question: Mapping[str, Any]) -> Mapping[str, Any]:
    houses = plant.vitals()
    return {
        "accounts": {name: [reading_told(each) for each in found] for name, found in houses.items()},
        "shared": [reading_told(each) for each in plant.shared()],
    }


def _stop(lines: Sequence[Line], end: Callable[[], None], question: Mapping[str, Any]) -> Mapping[str, Any]:
    if question.get("now") is True:
        for line in lines:  # one that is down keeps it: its next life hears it before anything else
            line.post(Command(Wish.STOP, HOST))
    if question.get("end") is True:
        end()
    return {
        "accounts": [_state(line) for line in lines],
        "process": os.getpid(),
        "restarted": "INVOCATION_ID" in os.environ,  # systemd.exec(5): a unit's process has it
    }


def _resume(lines: Sequence[Line], question: Mapping[str, Any]) -> Mapping[str, Any]:
    found = [_resume_told(line) for line in lines]
    if question.get("now") is True:
        if question.get("shown") not in {None, json.dumps(found)}:
            raise BadInput("what would be taken over is not as it was shown any more: look again")
        for line in lines:
            line.post(Command(Wish.RESUME, HOST, confirmed=True))
    return {"accounts": found}


def _exit(lines: Sequence[Line], question: Mapping[str, Any]) -> Mapping[str, Any]:
    number, account = int(question["strategy_id"]), question.get("account")
    if account is not None and account not in {line.account for line in lines}:
        names = ", ".join(line.account for line in lines)
        raise BadInput(f"read account {account!r}, expected one of {names}")
    named = [line for line in lines if account in {None, line.account}]
    found = {line: line.see(partial(exits_now, strategy_id=number)) for line in named}
    if question.get("now") is True:
        _begin(found, number, question.get("shown"))
    return {"accounts": [_exits_told(line, seen) for line, seen in found.items()]}


# ---------------------------------------------------------------------------------------- exits


def _begin(found: Mapping[Line, ExitsNow | None], number: int, shown: object) -> None:
    """Let the exit begin, of exactly what was shown.

    Raises:
        BadInput: it cannot, or something else is there than was shown; nothing was done.
    """
    holders = [line for line, seen in found.items() if seen and any(map(_can_exit, seen.positions))]
    if not holders:
        raise BadInput(_none(found, number))
    if len(holders) > 1:
        names = ", ".join(line.account for line in holders)
        raise BadInput(f"{number} is a position of several accounts; expected --account and one of {names}")
    line = holders[0]
    seen = found[line]
    assert seen is not None  # noqa: S101 - a holder has been seen
    if seen.impossible:
        raise BadInput(seen.impossible)
    if shown is not None and shown != [_legs(each) for each in seen.positions if _can_exit(each)]:
        raise BadInput(f"{number} is not as it was shown any more: look again")
    line.post(Command(Wish.EXIT, HOST, strategy_id=number, confirmed=True))


def _none(found: Mapping[Line, ExitsNow | None], number: int) -> str:
    """Why there is nothing to exit."""
    for line, seen in found.items():
        if seen is None:
            return f"account {line.account} is down: {line.why_down}; nothing can be exited there now"
    for seen in found.values():
        for position in seen.positions if seen else ():
            return f"{number} cannot be exited: {position.state}, {position.reason}"
    impossible = next((seen.impossible for seen in found.values() if seen and seen.impossible), "")
    what = impossible or f"no open position {number}."
    return f"{what} python -m engine positions lists the trade store's"


def _can_exit(position: PositionView) -> bool:
    return position.state not in _NO_EXIT


def _legs(position: PositionView) -> list[object]:
    """What a yes is about."""
    return [position.id, [[leg.name, leg.quantity] for leg in position.legs]]


def _exits_told(line: Line, seen: ExitsNow | None) -> dict[str, Any]:
    if seen is None:
        return {"account": line.account, "down": line.why_down, "impossible": "", "mode": "",
                "sandbox": False, "positions": [], "exits": []}  # fmt: skip
    mode = line.see(outline)
    return {
        "account": line.account,
        "down": "",
        "mode": mode.mode.value if mode else "",
        "impossible": seen.impossible,
        "sandbox": seen.sandbox,
        "positions": [
            {
                "id": each.id, "title": f"{each.strategy_id} {each.symbol} {each.strategy}".strip(),
                "state": each.state.value, "reason": each.reason, "can_exit": _can_exit(each),
                "pnl_paise": each.pnl_paise, "closing_pnl_paise": each.closing_pnl_paise,
                "legs": _legs(each)[1],
            }
            for each in seen.positions
        ],
        "exits": [asdict(each) for each in seen.exits],
    }  # fmt: skip


# ------------------------------------------------------------------------------- how it stands


def _resume_told(line: Line) -> dict[str, Any]:
    """What a yes to /resume would let act again, and take over as it is."""
    seen = line.see(outline)
    shown = seen or line.nothing()
    return {
        "account": line.account,
        "mode": shown.mode.value,
        "halted": shown.halted,
        "down": seen is None,
        "held": [[name, reason] for name, reason in line.see(held_now) or ()],
    }


def _state(line: Line) -> dict[str, Any]:
    health = line.health()
    seen = line.see(outline) or line.nothing()
    return {
        "account": line.account,
        "mode": seen.mode.value,
        "halted": seen.halted,
        "saved": line.saved,
        "down": health is None,
        "why_down": line.why_down if health is None else "",
        "exits": health.exits if health else 0,
        "live_orders": health.live_orders if health else 0,
        "positions": health.positions if health else None,
    }
