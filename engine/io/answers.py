"""What a running monitor answers to the host's own tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.io.hatch import Answers
from engine.io.plant import Plant
from engine.io.wiring import Line
from engine.messages import Actor, Command, Wish
from engine.picture import outline
from engine.preflight import Light
from engine.vitals import Reading

__all__ = ["HOST", "answers", "reading_of"]

#: Who speaks by the command line of the host.
HOST = Actor(0, 0, "the host")


def answers(lines: Sequence[Line], plant: Plant) -> Answers:
    """By the question's name."""

    def health(_question: Mapping[str, Any]) -> Mapping[str, Any]:
        houses = plant.vitals()
        return {
            "accounts": {name: [_told(each) for each in found] for name, found in houses.items()},
            "shared": [_told(each) for each in plant.shared()],
        }

    def stop(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if question.get("now") is True:
            for line in lines:  # one that is down keeps it: its next life hears it before anything else
                line.post(Command(Wish.STOP, HOST))
        return {"accounts": [_state(line) for line in lines]}

    return {"health": health, "stop": stop}


def _state(line: Line) -> dict[str, Any]:
    health = line.health()
    seen = line.see(outline) or line.nothing()
    return {
        "account": line.account,
        "mode": seen.mode.value,
        "halted": seen.halted,
        "exits": health.exits if health else 0,
        "live_orders": health.live_orders if health else 0,
    }


def _told(reading: Reading) -> dict[str, Any]:
    return reading._asdict() | {"light": reading.light.name.lower()}


def reading_of(told: Mapping[str, Any]) -> Reading:
    """What was told, read again."""
    return Reading(**(dict(told) | {"light": Light[told["light"].upper()]}))
