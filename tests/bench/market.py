"""A generated market: option chains, iron condors held on them, and prices that really move.

Every contract is held by exactly three condors, one of each width, so that a tick touches three
positions however many there are. Prices wander around their entry within two per cent of what would
fire a rule; a *lunge* drives one short call half the way to a stop, and the next one lets it back:
each lunge is one loss alert, no more and no less.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from math import exp
from typing import TYPE_CHECKING

from engine.model import (
    SEGMENT_CODE,
    Instrument,
    InstrumentKey,
    InstrumentKind,
    Right,
    Segment,
    Side,
    TradeRow,
    key_parts,
)
from engine.sessions import at
from tests.engine.wire import packets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW_S = at(date(2026, 2, 3), "10:00")
HOLDERS = 3
LOT = 65
TICK_PAISE = 5
#: A packet whose best bid is for this many units is a lunge upwards.
LUNGE_QUANTITY = 4_242
#: A Full packet; its volume and open interest carry the stamp of the latency part.
PACKET_BYTES = 162
_VOLUME_AT, _OI_AT = 22, 34
_U32 = struct.Struct("<I")
#: Moments of a stamp are nanoseconds modulo 2**32: no packet is under way for four seconds.
STAMP_MASK = 0xFFFF_FFFF

_SYMBOLS = ("NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50")
_EXPIRIES = tuple(date(2026, 2, 24) + timedelta(weeks=week) for week in range(24))
_STRIKES = 64  # on each side of the money, a multiple of the block
_BLOCK = 8
_WIDTHS = (1, 2, 4)  # in strikes; each tiles a block with pairs
_STRIKE_STEP_PAISE = 50_00
_SPOT_PAISE = 25_000_00
_FIRST_SECURITY_ID = 40_000
_WANDER_PAISE = 4 * TICK_PAISE
#: No condor is worth more than this, or less, by wandering alone: four legs of one lot.
SEEN_PAISE = 4 * LOT * _WANDER_PAISE + 1_000
_LTT_IST_S = int(NOW_S) + 19_800


def premium_paise(step: int) -> int:
    """What the option ``step`` strikes out of the money costs: 300 rupees, falling away."""
    return round(6_000 * exp(-step / 40)) * TICK_PAISE


@dataclass(frozen=True, slots=True)
class Contract:
    """One option, its price at entry, and how far a lunge drives it (0 = it does not lunge)."""

    instrument: Instrument
    usual_paise: int
    lunge_paise: int


@dataclass(frozen=True, slots=True)
class Scene:
    """So many condors and every contract that they hold.

    Attributes:
        held: keys of the contracts that all three of their condors hold, in the order of making.
    """

    rows: tuple[TradeRow, ...]
    contracts: dict[InstrumentKey, Contract]
    held: tuple[InstrumentKey, ...]

    @property
    def grid(self) -> dict[InstrumentKey, int]:
        """The price grid by instrument, as the decoder wants it."""
        return dict.fromkeys(self.contracts, TICK_PAISE)


def scene(positions: int) -> Scene:
    """Hold that many condors, block of strikes by block of strikes."""
    rows: list[TradeRow] = []
    contracts: dict[InstrumentKey, Contract] = {}
    holders: dict[InstrumentKey, int] = {}
    for number, legs in enumerate(_condors(), start=1):
        if number > positions:
            break
        for contract, side in legs:
            key = contract.instrument.key
            contracts[key] = contract
            holders[key] = holders.get(key, 0) + 1
            rows.append(_row(len(rows) + 1, number, contract, side))
    if len(rows) < 4 * positions:
        raise ValueError(f"asked for {positions} condors, there are chains for {len(rows) // 4}")
    return Scene(tuple(rows), contracts, tuple(key for key, count in holders.items() if count == HOLDERS))


def _condors() -> Iterator[list[tuple[Contract, Side]]]:
    """All condors: short strike of each side at ``step``, long strike a width further out."""
    for chain, (symbol, expiry) in enumerate(product(_SYMBOLS, _EXPIRIES)):
        for block in range(0, _STRIKES, _BLOCK):
            options = {
                (right, step): _contract(chain, symbol, expiry, right, step)
                for right in Right
                for step in range(block, block + _BLOCK)
            }
            for width in _WIDTHS:
                for step in range(block, block + _BLOCK):
                    if (step - block) // width % 2 == 0:
                        yield [
                            (options[right, step + out], Side.BUY if out else Side.SELL)
                            for right in Right
                            for out in (0, width)
                        ]


def _contract(chain: int, symbol: str, expiry: date, right: Right, step: int) -> Contract:
    """The option so many strikes out of the money."""
    call = right is Right.CALL
    strike_paise = _SPOT_PAISE + (1 if call else -1) * (step + 1) * _STRIKE_STEP_PAISE
    instrument = Instrument(
        Segment.NSE_FNO,
        _FIRST_SECURITY_ID + (chain * _STRIKES + step) * 2 + call,
        InstrumentKind.OPTION,
        symbol,
        f"{symbol} {expiry:%d %b} {strike_paise // 100} {right}".upper(),
        lot=LOT,
        tick_paise=TICK_PAISE,
        expiry=expiry,
        strike_paise=strike_paise,
        right=right,
    )
    lunge_paise = 0
    if call and step % _BLOCK == 0:  # short in all three of its condors
        # A quarter of the narrow condor's maximum loss is half of the default stop.
        credit_paise = 2 * (premium_paise(step) - premium_paise(step + 1))
        lunge_paise = (_STRIKE_STEP_PAISE - credit_paise) // 4 // TICK_PAISE * TICK_PAISE
    return Contract(instrument, premium_paise(step), lunge_paise)


def _row(number: int, strategy_id: int, contract: Contract, side: Side) -> TradeRow:
    """One leg as the trade store has it, entered three days ago at the usual price."""
    option = contract.instrument
    return TradeRow(
        number, "default", strategy_id, option.symbol, "Iron Condor", option.security_id, side,
        str(option.right), option.strike_paise, option.expiry, LOT, contract.usual_paise,
        f"O{number}", "TRADED", NOW_S - 3 * 86_400,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """One contract's new mid; ``lunge``: it has just been driven up."""

    key: InstrumentKey
    mid_paise: int
    lunge: bool = False


def walk(market: Scene, keys: Sequence[InstrumentKey], count: int, *, lunge_every: int = 0) -> Iterator[Move]:
    """So many moves of these contracts, the same ones each time; every mid differs from the last."""
    chance = random.Random(5)
    away = dict.fromkeys(keys, 0)
    ready = [key for key in keys if market.contracts[key].lunge_paise]
    up: InstrumentKey | None = None
    lunges = 0
    for number in range(1, count + 1):
        if lunge_every and number % lunge_every == 0:
            if up is None:
                up = ready[lunges % len(ready)]
                lunges += 1
                yield Move(
                    up, market.contracts[up].usual_paise + market.contracts[up].lunge_paise, lunge=True
                )
            else:
                away[up] = 0
                yield Move(up, market.contracts[up].usual_paise)
                up = None
            continue
        key = chance.choice(keys)
        while key == up:
            key = chance.choice(keys)
        step = chance.choice((-10, -5, 5, 10))
        away[key] += step if abs(away[key] + step) <= _WANDER_PAISE else -step
        yield Move(key, market.contracts[key].usual_paise + away[key])


def packet(move: Move) -> bytes:
    """A Full packet of 162 bytes: five levels around the mid, with room for a stamp (see `stamp`)."""
    mid = move.mid_paise
    segment, security_id = key_parts(move.key)
    half = TICK_PAISE * (1 + security_id % 3)
    quantities = [LUNGE_QUANTITY if move.lunge else 75 * (1 + security_id % 9), 150, 225, 1_050, 3_000]
    levels = b"".join(
        packets.level(
            quantity,
            quantity + 75,
            (level + 2, 7 - level),
            (mid - half - level * 5) / 100,
            (mid + half + level * 5) / 100,
        )
        for level, quantity in enumerate(quantities)
    )
    day = (mid / 100, mid / 100 + 3, mid / 100 - 1, mid / 100 + 7.5, mid / 100 - 6.2)
    return packets.full((SEGMENT_CODE[segment], security_id), mid / 100, _LTT_IST_S, 0, 0, day, levels)


def stamp(frame: bytearray, number: int, sent_ns: int) -> None:
    """Write into a Full packet when it was sent (as its volume) and which one it is (as its interest)."""
    _U32.pack_into(frame, _VOLUME_AT, sent_ns & STAMP_MASK)
    _U32.pack_into(frame, _OI_AT, number)


def age_ns(volume: int, now_ns: int) -> int:
    """How long ago a packet with this volume was sent."""
    return (now_ns - volume) & STAMP_MASK


def sent_of(packet_bytes: bytes) -> int:
    """The volume of a Full packet, read without any decoder of ours."""
    volume: int = _U32.unpack_from(packet_bytes, _VOLUME_AT)[0]
    return volume


def small_packets(move: Move) -> tuple[bytes, bytes]:
    """The same price as a Ticker packet of 16 bytes and as a Quote packet of 50."""
    segment, security_id = key_parts(move.key)
    mid, where = move.mid_paise / 100, (SEGMENT_CODE[segment], security_id)
    return (
        packets.ticker(*where, mid, _LTT_IST_S),
        packets.quote(
            *where, mid, 75, _LTT_IST_S, security_id, (mid, mid + 3, mid - 1, mid + 7.5, mid - 6.2)
        ),
    )
