"""The ``Prefer`` header of a request and what the answer's shape follows from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.supabase.errors import ApiFault

if TYPE_CHECKING:
    from collections.abc import Mapping

_SINGLE = "application/vnd.pgrst.object"


@dataclass(frozen=True, slots=True)
class Prefer:
    """What a client wants of the answer.

    Attributes:
        representation: the rows written.
        counted: how many rows there are in all.
        resolution: of a conflict: ``merge-duplicates``, ``ignore-duplicates`` or nothing.
        defaults: a column missing in one of several rows gets its default, not NULL.
        most: more rows than this are not changed; None = any number.
        single: exactly one row, as an object.
    """

    representation: bool
    counted: bool
    resolution: str
    defaults: bool
    most: int | None
    single: bool


def read_prefer(headers: Mapping[str, str]) -> Prefer:
    """The wishes of a request's headers."""
    wishes = dict(
        part.strip().partition("=")[::2] for part in headers.get("Prefer", "").split(",") if part.strip()
    )
    strict = wishes.get("handling") == "strict"
    return Prefer(
        representation=wishes.get("return") == "representation",
        counted=wishes.get("count") in {"exact", "planned", "estimated"},
        resolution=wishes.get("resolution", ""),
        defaults=wishes.get("missing") == "default",
        most=int(wishes["max-affected"]) if strict and "max-affected" in wishes else None,
        single=_SINGLE in headers.get("Accept", ""),
    )


def check_single(rows: int) -> None:
    """Raises ApiFault (PGRST116) unless there is exactly one row."""
    if rows != 1:
        raise ApiFault(
            406,
            "PGRST116",
            "Cannot coerce the result to a single JSON object",
            details=f"The result contains {rows} rows",
        )
