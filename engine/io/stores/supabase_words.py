"""What is told of rows that somebody else has changed while an exit was under way: once each, and left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.effects import Alert
from engine.model import Urgency


class Conflicts:
    """Tells of rows that were not written, until they change again.

    Args:
        tell: alerts the owner.
    """

    def __init__(self, tell: Callable[[Alert], None]) -> None:
        self._tell = tell
        self._told: set[tuple[int, int]] = set()

    def take(self, answer: Mapping[str, Any], exit_id: str, *, whole: bool) -> None:
        """Look at a function's answer.

        Args:
            answer: ``{done, already, conflicts, missing}``.
            exit_id: whose rows they are.
            whole: rows were to be closed; else parts were to be taken off.
        """
        for found in answer["conflicts"]:
            if self._new(found["id"], found["version"]):
                self._tell(_conflict(found, exit_id, whole=whole))
        for row_id in answer["missing"]:
            if self._new(row_id, 0):
                self._tell(_missing(row_id, exit_id))

    def _new(self, row_id: int, version: int) -> bool:
        if (row_id, version) in self._told:
            return False
        self._told.add((row_id, version))
        return True


def _conflict(found: Mapping[str, Any], exit_id: str, *, whole: bool) -> Alert:
    row = found["id"]
    stands = f"It stands there as {found['order_status']} with {found['quantity']} units now"
    if found["why"] == "closed":
        by = f"by exit {found['exit_id']}" if found["exit_id"] else "not by an exit"
        text = f"{stands} ({by}). What exit {exit_id} brought is in the file of executions, not in the row."
        return Alert(Urgency.MEDIUM, f"row:{row}", f"Trades row {row} was closed already", text)
    title = f"Trades row {row} was changed by somebody else"
    if whole:
        text = (
            f"{stands} and is left as it is; exit {exit_id} has closed another number. It is NOT watched any "
            "more: set it to CLOSED, and enter what you hold beyond it as a new row."
        )
        return Alert(Urgency.HIGH, f"row:{row}", title, text)
    text = (
        f"{stands} and is left as it is; exit {exit_id} has taken units off another number. It is watched "
        "with what it says: correct it if you hold something else."
    )
    return Alert(Urgency.HIGH, f"row:{row}", title, text)


def _missing(row_id: int, exit_id: str) -> Alert:
    text = f"Exit {exit_id} has traded it; what it brought is in the file of executions."
    return Alert(Urgency.MEDIUM, f"row:{row_id}", f"Trades row {row_id} is not there any more", text)
