"""Chance that does not depend on who asked first: numbers made of seed, contract and step."""

from __future__ import annotations

_MASK = (1 << 64) - 1


def scatter(*parts: int) -> int:
    """Mix integers into 64 evenly scattered bits (the finaliser of splitmix64)."""
    x = 0x9E3779B97F4A7C15
    for part in parts:
        x = (x ^ part) & _MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
        x ^= x >> 31
    return x
