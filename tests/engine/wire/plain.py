"""A second decoder of the feed, as plain as can be: slices, floats and fractions, a fact a tuple.

It knows nothing of the product's but the segments. It is slow, and nobody else should use it.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

from engine.model import SEGMENT_BY_CODE

SIZES = {2: 16, 3: 112, 4: 50, 5: 12, 6: 16, 7: 8, 8: 162, 50: 10}
TICK_PAISE = 5


class Bad(Exception):
    """The packet makes no sense."""


def read(frame: bytes) -> tuple[list[tuple[Any, ...]], bool]:
    """All facts of a frame in order, and whether something in it is broken."""
    facts, broken = [], False
    while frame:
        if len(frame) < 8:
            return facts, True
        code, length, segment, security_id = struct.unpack("<BHBI", frame[:8])
        size = SIZES.get(code)
        if size is not None and (len(frame) < size or length < size):
            broken = True
        elif size == length and (code == 50 or segment in SEGMENT_BY_CODE):
            try:
                facts.append(fact(code, segment << 32 | security_id, frame[:size]))
            except Bad:
                broken = True
        if not 8 <= length <= len(frame):
            return facts, True
        frame = frame[length:]
    return facts, broken


def fact(code: int, key: int, packet: bytes) -> tuple[Any, ...]:
    """What one packet of the right length says."""
    if code == 2:
        return ("tick", key, paise(packet, 8), moment(packet, 12), None, 0, None, 0, 0, 0, None)
    if code == 4:
        return ("tick", key, paise(packet, 8), moment(packet, 14), None, 0, None, 0, u32(packet, 22), 0, None)
    if code == 3:
        return ("tick", key, paise(packet, 8), 0, *best(packet[12:]), 0, 0, packet[12:])
    if code == 8:
        told = (paise(packet, 8), moment(packet, 14), *best(packet[62:]))
        return ("tick", key, *told, u32(packet, 22), u32(packet, 34), packet[62:])
    if code == 5:
        return ("interest", key, u32(packet, 8))
    if code == 6:
        return ("close", key, paise(packet, 8), u32(packet, 12))
    if code == 7:
        return ("status", key >> 32)
    return ("goodbye", struct.unpack("<H", packet[8:10])[0])


def best(levels: bytes) -> tuple[int, int, int, int]:
    """Price and units of the best bid, then of the best ask."""
    return paise(levels, 12), u32(levels, 0), paise(levels, 16), u32(levels, 4)


def u32(packet: bytes, at: int) -> int:
    """Four bytes as a number."""
    return int.from_bytes(packet[at : at + 4], "little")


def moment(packet: bytes, at: int) -> int:
    """A moment of the IST clock as UTC; 0 = before 2001."""
    ist = u32(packet, at)
    return ist - 19_800 if ist > 1_000_000_000 else 0


def paise(packet: bytes, at: int) -> int:
    """A float32 of rupees, to the paisa where two floats are closer than that, else to the tick."""
    bits = u32(packet, at)
    exponent, mantissa = bits >> 23, bits & 0x7F_FFFF
    if exponent >= 255 and bits != 0x8000_0000:  # negative, infinite or not a number
        raise Bad
    if bits == 0x8000_0000:
        return 0
    apart = Fraction(2) ** (max(exponent, 1) - 150)
    rupees = apart * (mantissa + (0x80_0000 if exponent else 0))
    grid = 1 if rupees < 131_072 else TICK_PAISE
    if rupees >= 131_072 and 100 * apart > TICK_PAISE:
        raise Bad
    return int(100 * rupees / grid + Fraction(1, 2)) * grid
