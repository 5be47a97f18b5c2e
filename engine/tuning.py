"""What the owner may set of how an exit trades."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How patient exits are.

    Attributes:
        cap_wait_s: how long a limit stands at its cap before the owner is told, and before a loss, day
            limit, expiry or forced exit goes on to the exchange's band.
        patient_wait_s: after how long a patient exit takes a new mid, and after as long again tells.
        ioc: an urgent exit asks with orders that fill at once or not at all, until it is at its cap.
    """

    cap_wait_s: float = 20.0
    patient_wait_s: float = 120.0
    ioc: bool = False
