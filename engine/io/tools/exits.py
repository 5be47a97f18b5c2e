"""``exit``: a position to flat, through the monitor that runs here."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from engine.errors import SourceError
from engine.io.hatch import ask
from engine.io.toolbox import Tools, account_flag, confirmed, count, seconds, tool
from engine.io.tools.monitors import ask_here, home
from engine.money import signed_rupees

__all__ = ["add_exit"]

#: How long the end of an exit is waited for; how long its beginning; and between two looks.
WAIT_S, BEGIN_S, LOOK_S = 300.0, 5.0, 0.5

_EXIT = """\
Closes all of one position, as /exit with its button does in the chat: shorts first, limits with a cap, until
books and positions agree that nothing is left. It goes through the monitor that runs here, which alone owns
the account: in execute and semi-auto with real orders, in simulate on paper, in alert-only not at all.

First it shows what would be closed and asks; --yes is the answer beforehand. Nothing is sent for legs that
are not as they were shown. An exit that runs already is hurried and followed. Then it tells each step until
the exit has ended. Ctrl-C, or the end of --wait, ends the telling and not the exit.

Where no monitor runs nothing is sent: an exit needs prices, the broker's books, the journal and the account's
lease, and whoever has all that is a monitor. Start one, python -m engine run --semi-auto is enough, or use
Dhan's app.

exit status:
  0  verified flat (--wait 0: it has begun)
  1  it is stuck, was stopped, was declined, or goes on after --wait: the answer says what is left
  2  refused, with the reason: nothing was sent

examples:
  python -m engine exit --strategy-id 3359
  python -m engine exit --strategy-id 3359 --yes --json
  python -m engine exit --strategy-id 3359 --account huf --wait 0 --yes
"""


def add_exit(tools: Tools) -> None:
    """Add it to the command line."""
    made = tool(tools, "exit", "close one position, verified flat, through the running monitor", _EXIT, _exit)
    made.add_argument("--strategy-id", type=count, required=True, metavar="N", help="which position")
    made.add_argument("--yes", action="store_true", help="do not ask")
    made.add_argument(
        "--wait", type=seconds(0), metavar="S", default=WAIT_S,
        help="how long the end is waited for (default 300; 0 = only until it has begun)",
    )  # fmt: skip
    account_flag(made)


def _exit(args: argparse.Namespace) -> str:
    place = home()
    question = {"ask": "exit", "strategy_id": args.strategy_id, "account": args.account}
    found = ask_here(question, _NONE)
    shown = [each for each in found["accounts"] if any(p["can_exit"] for p in each["positions"])]
    if shown and not args.json:
        sys.stderr.write("\n".join(line for each in shown for line in _offer(each)) + "\n")
    if len(shown) == 1 and not shown[0]["impossible"] and not args.yes:
        what = "Close it now?" if shown[0]["mode"] != "simulate" else "Close it now, on paper?"
        if not confirmed(what, str(args.strategy_id)):
            args.status = 1
            return json.dumps({"state": "declined"}) if args.json else "Nothing was sent."
    legs = [[p["id"], p["legs"]] for p in shown[0]["positions"] if p["can_exit"]] if len(shown) == 1 else None
    before = {each["id"] for account in shown for each in account["exits"] if not each["live"]}
    ask(place, question | {"now": True, "shown": legs})
    try:
        ended = _followed(place, question | {"account": shown[0]["account"]}, before, args)
    except SourceError as error:  # it is posted: whoever reads this must not think that nothing was sent
        args.status = 1
        return json.dumps({"state": "not followed", "exit": None}) if args.json else f"{error}. {_LOST}"
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{_GOES_ON}\n")
        raise
    state = ended["state"] if ended else "not begun"
    good = ended is not None and (ended["flat"] or (ended["live"] and not args.wait))
    args.status = int(not good)
    if args.json:
        return json.dumps({"state": state, "exit": ended}, indent=2, ensure_ascii=False)
    return _told(ended, args.strategy_id)


_NONE = (
    "Nothing was sent. Start one (python -m engine run --semi-auto, or systemctl start prahari) and ask "
    "again, or exit in Dhan's app; of the service: sudo prahari exit"
)


_LOST = (
    "The exit was begun: its orders stay at the broker, and the monitor's next start goes on. See Dhan's app."
)
_GOES_ON = "The exit goes on in the monitor; the same command follows it again."


def _followed(
    place: Path, question: dict[str, Any], before: set[str], args: argparse.Namespace
) -> dict[str, Any] | None:
    """The exit at its end, or when it is no longer waited for; None = none began."""
    began_s = monotonic()
    said: set[str] = set()
    while True:
        exits = ask(place, question)["accounts"][0]["exits"]
        now = next((each for each in reversed(exits) if each["id"] not in before), None)
        waited_s = monotonic() - began_s
        if now is None:
            if waited_s > BEGIN_S:
                return None
        else:
            steps = [now["title"], *(f"  {line}" for line in now["lines"])]
            fresh = [line for line in steps if line not in said]
            said.update(fresh)
            if not args.json and now["live"]:
                sys.stderr.write("".join(f"{line}\n" for line in fresh))
            if not now["live"] or waited_s >= args.wait:
                found: dict[str, Any] = now
                return found
        sleep(LOOK_S)


def _offer(account: dict[str, Any]) -> list[str]:
    """What would be closed."""
    how = "with orders on the sandbox" if account["sandbox"] else "with real orders"
    how = "on paper" if account["mode"] == "simulate" else how
    lines = []
    for each in account["positions"]:
        lines.append(f"{each['title']}, account {account['account']}, mode {account['mode']}: {how}")
        lines += [f"  {'+' if units > 0 else '−'}{abs(units)} {name}" for name, units in each["legs"]]
        now, closed = each["pnl_paise"], each["closing_pnl_paise"]
        told = "unknown" if now is None else signed_rupees(now)
        lines.append(f"  P&L {told}" + ("" if closed is None else f", closed now {signed_rupees(closed)}"))
        if each["state"] != "watching":
            lines.append(f"  {each['state']}: {each['reason']}")
    return lines


def _told(ended: dict[str, Any] | None, number: int) -> str:
    if ended is None:
        return (
            "No exit has begun; the monitor has said why in its chat and its log (DATA_DIR/logs/monitor.log)."
        )
    lines = [ended["title"], *(f"  {line}" for line in ended["lines"])]
    if ended["live"]:
        lines.append(f"It goes on. python -m engine exit --strategy-id {number} follows it again.")
    elif ended["flat"]:
        lines.append("What it made: python -m engine positions --detailed --last 1")
    return "\n".join(lines)
