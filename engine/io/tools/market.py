"""``quote`` and ``check feed``: the tools that ask the market itself."""

from __future__ import annotations

import argparse

from engine.io.toolbox import Tools, account_flag, seconds, tool
from engine.model import Segment

__all__ = ["add_feed_check", "add_quote"]

_QUOTE = """\
Asks Dhan for one instrument in both ways, and puts them beside each other: by REST the last trade and its
time, best bid and ask; by a price socket of its own the last trade, how old it is, and how soon it came; then
the difference. A difference of a tick or two is a market that moves; a large one that stays is worth a look.

Dhan answers one REST quote a second of all programs of a user together, a running monitor too: ask for one
now and then, not in a loop. `instruments` tells security ids.

exit status:
  0  quoted in both ways; or the market is closed, where the socket may say nothing
  1  the market is open and the socket brought no price: the line says why
  2  no credentials, no answer, or no such instrument in that segment

examples:
  python -m engine quote --security-id 13 --segment IDX_I     # NIFTY
  python -m engine quote --security-id 49081 --json
"""

_FEED = """\
Opens a price socket of its own (Dhan allows five of a user), asks for the contracts of the open rows, or for
NIFTY when there are none, and counts what comes for some seconds: how many prices, how soon the first, the
last one and how old it is then. Beside it stands the last trade by REST, and the difference: what moved in
between is a tick or two, more is worth a look. Safe beside a running monitor.

exit status:
  0  prices came, or the market is closed and the connection stands
  1  the market is open and an instrument got no price
  2  no credentials, or the feed turned us away

examples:
  python -m engine check feed
  python -m engine check feed --seconds 60 --json | jq '.instruments[] | select(.prices == 0).name'
"""


def add_quote(tools: Tools) -> None:
    """Add it to the command line."""
    quote = tool(
        tools,
        "quote",
        "one instrument by REST and by WebSocket, side by side, by security id",
        _QUOTE,
        _quote,
    )
    quote.add_argument("--security-id", type=int, required=True, metavar="N", help="Dhan's number of it")
    quote.add_argument(
        "--seconds", type=seconds(0.1), default=3.0, metavar="S", help="how long the socket is waited for (3)"
    )
    quote.add_argument(
        "--segment", type=Segment, choices=list(Segment), default=Segment.NSE_FNO, help="default NSE_FNO"
    )


def add_feed_check(parts: Tools) -> None:
    """Add it to the parts of ``check``."""
    feed = tool(parts, "feed", "whether Dhan's feed brings prices, and how soon", _FEED, _feed)
    feed.add_argument(
        "--seconds", type=seconds(0.1), default=10.0, metavar="S", help="how long it counts (10)"
    )
    account_flag(feed)


# The sockets are imported by who needs them: no other tool has to wait for that.


def _quote(args: argparse.Namespace) -> str:
    from engine.io.market_look import one_quote  # noqa: PLC0415 - see above

    return one_quote(args)


def _feed(args: argparse.Namespace) -> str:
    from engine.io.market_look import feed_check  # noqa: PLC0415 - see above

    return feed_check(args)
