"""Dhan's wire, both directions, as pure functions: bytes and JSON in, our nouns out. No socket.

- `decode`, `decode_frames`: the binary v2 market feed (`engine.wire.frames`), `depth`: the levels in it
- `subscriptions`, `login`: what we send on the two sockets (`engine.wire.requests`)
- `parse_order_updates`: the order-update socket (`engine.wire.updates`)
- `parse_order_row` and its kin, `identifier`: rows of the REST API (`engine.wire.rows`)
- `parse_quotes`: the REST market quote (`engine.wire.quotes`)
- `sound`: words that can be kept (`engine.wire.sound`)

Everything that cannot be understood is a `WireError`; nothing else is ever raised on purpose. Where
one broken part does not spoil the others, the error is a `BrokenFrame` that carries them.
"""

from engine.wire.controls import parse_held_rows, parse_kill_switch, parse_pnl_exit
from engine.wire.depth import Depth, Level, depth
from engine.wire.frames import Received, decode, decode_frames
from engine.wire.packets import FeedDisconnect, MarketStatus, OpenInterest, Packet, PreviousClose
from engine.wire.prices import BrokenFrame
from engine.wire.quotes import parse_quotes
from engine.wire.requests import FeedMode, login, subscriptions
from engine.wire.rows import (
    ForeignRow,
    Profile,
    identifier,
    parse_entry_row,
    parse_order_row,
    parse_position_row,
    parse_profile,
    parse_renewal,
    parse_trade_row,
)
from engine.wire.sound import sound
from engine.wire.updates import parse_order_updates

__all__ = [
    "BrokenFrame",
    "Depth",
    "FeedDisconnect",
    "FeedMode",
    "ForeignRow",
    "Level",
    "MarketStatus",
    "OpenInterest",
    "Packet",
    "PreviousClose",
    "Profile",
    "Received",
    "decode",
    "decode_frames",
    "depth",
    "identifier",
    "login",
    "parse_entry_row",
    "parse_held_rows",
    "parse_kill_switch",
    "parse_order_row",
    "parse_order_updates",
    "parse_pnl_exit",
    "parse_position_row",
    "parse_profile",
    "parse_quotes",
    "parse_renewal",
    "parse_trade_row",
    "sound",
    "subscriptions",
]
