"""``stop``: end the running monitor in good order, or only halt its rules."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from engine.io.hatch import ask
from engine.io.toolbox import Tools, seconds, tool
from engine.io.tools.monitors import ask_here, ended_within, home

__all__ = ["add_stop"]

#: How long a halt is waited for, orders that are being taken back, and the end (`engine.io.app.CLOSE_S`).
HALT_S, ORDERS_S, END_S = 5.0, 60.0, 40.0
LOOK_S = 0.2

_STOP = """\
Ends the monitor that runs here, in good order, for every account:

  1  its rules act no more, as by /stop in the chat
  2  our own working orders are taken back, and that is waited for
  3  the journal is written and closed, and the process ends

Positions stay as they are, and nobody watches them any more. The halt outlives the end: the next start
watches and tells, and acts only after /resume (python -m engine resume). Under systemd the unit starts it
again after some seconds, halted; to keep it down: systemctl stop prahari, which leaves orders as they are.

  --halt  only 1 and 2, the monitor goes on watching and telling: what to use when the chat is away
  --now   does not wait for 2: what is still working is taken back by the next start

It asks nobody: to stop is never the dangerous way. Where orders cannot be taken back in time, the process
is left running, so that somebody goes on looking for them. So it is where an account is down, or its journal
takes no record: only this process knows of that halt then, and the next would let the account act.

exit status:
  0  ended (--halt: every account is halted, in its journal too), and no order of ours may trade any more
     (--now: as far as known)
  1  not so: the answer says what is left, and what to do
  2  no monitor runs here, or it does not answer

examples:
  python -m engine stop
  python -m engine stop --halt          # /stop without the chat
  python -m engine stop --now --json
"""


def add_stop(tools: Tools) -> None:
    """Add it to the command line."""
    stop = tool(tools, "stop", "end the running monitor in good order; positions stay", _STOP, _stop)
    how = stop.add_mutually_exclusive_group()
    how.add_argument("--now", action="store_true", help="do not wait until our orders are taken back")
    how.add_argument("--halt", action="store_true", help="only halt the rules: it goes on watching")
    stop.add_argument(
        "--wait", type=seconds(0), metavar="S", default=ORDERS_S,
        help="how long to wait until our orders are taken back (default 60)",
    )  # fmt: skip


def _stop(args: argparse.Namespace) -> str:
    place = home()
    remedy = "Nothing was stopped; name its DATA_DIR, or of the service: sudo prahari stop"
    found = ask_here({"ask": "stop", "now": True}, remedy)
    found = _until(place, found, HALT_S, _halted)
    if not args.now:
        if not args.json and not _quiet(found):
            sys.stderr.write("\n".join([*_lines(found), "Waiting until our orders are taken back …\n"]))
        found = _until(place, found, args.wait, _quiet)
    done = _halted(found) and (args.now or _quiet(found))
    ended = False
    if done and not args.halt:
        found = ask(place, {"ask": "stop", "end": True})
        ended = ended_within(found["process"], END_S)
    args.status = int(not (done and (args.halt or ended)))
    told = found | {"halted": _halted(found), "quiet": _quiet(found), "ended": ended}
    if args.json:
        return json.dumps(told, indent=2)
    return "\n".join([*_lines(found), *_words(told, halt=args.halt)])


def _until(
    place: Path, found: dict[str, Any], wait_s: float, good: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Look until it is so, or for so long."""
    until_s = monotonic() + wait_s
    while not good(found) and monotonic() < until_s:
        sleep(LOOK_S)
        found = ask(place, {"ask": "stop"})
    return found


def _halted(found: dict[str, Any]) -> bool:
    """Rules act no more, in every account, and its journal knows: the next process would not act either."""
    return all(_kept_halt(each) for each in found["accounts"])


def _kept_halt(each: dict[str, Any]) -> bool:
    return bool(each["halted"] and each["saved"])


def _quiet(found: dict[str, Any]) -> bool:
    """No order of ours may trade, in any account, as far as is known: of one that is down nobody knows."""
    return not any(each["down"] or each["exits"] or each["live_orders"] for each in found["accounts"])


def _words(told: dict[str, Any], *, halt: bool) -> list[str]:
    """What has come of it, and what to do."""
    if not told["halted"]:
        return [*_whys(told), _NOT_HALTED]
    if not (told["ended"] or told["quiet"]):
        return [_RUNS_ON]
    if halt:
        return ["Positions stay as they are and are watched. /resume, or python -m engine resume, goes on."]
    if not told["ended"]:
        return [f"The process {told['process']} has not ended yet; look at its log (DATA_DIR/logs)."]
    held = sum(each["positions"] or 0 for each in told["accounts"])
    stay = "1 position stays as it is" if held == 1 else f"{held} positions stay as they are"
    last = ["It ran as a service: systemd starts it again in some seconds, halted."] * told["restarted"]
    return [f"Ended, the journal is closed. {stay}, and nobody watches now.", _NEXT, *last]


def _whys(told: dict[str, Any]) -> list[str]:
    """Why a halt would not outlive the process."""
    lines = []
    for each in told["accounts"]:
        if each["down"]:
            lines.append(
                f"{each['account']} is down ({each['why_down']}): its halt is kept by this process alone, "
                "and counts before it does anything; another process would let it act."
            )
        elif each["halted"] and not each["saved"]:
            lines.append(
                f"{each['account']} acts no more, but its journal takes no record (is the disk full?): "
                "another process would let it act."
            )
    return lines


_NOT_HALTED = (
    "Not all are halted for good yet. Nothing was ended. Again once they are up; to end all the same, and "
    "keep it down: systemctl stop prahari."
)
_RUNS_ON = (
    "Halted, but not everything is taken back: an order may still trade. The monitor goes on looking for it. "
    "See Dhan's app; then again, or with --now."
)
_NEXT = "The next start watches and tells; its rules act again after /resume, or python -m engine resume."


def _how(each: dict[str, Any]) -> str:
    if each["down"]:
        return "down"
    if not each["halted"]:
        return "rules act"
    return "halted" if each["saved"] else "halted, not yet in the journal"


def _lines(found: dict[str, Any]) -> list[str]:
    return [
        f"{each['account']}: {_how(each)}"
        f", mode {each['mode']}, {each['exits']} exits run, {each['live_orders']} orders may still trade"
        for each in found["accounts"]
    ]  # fmt: skip
