"""The tools that ask a running monitor."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import chain
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from engine.io.answers import reading_of
from engine.io.env import SANDBOX_DIR, load_settings
from engine.io.hatch import NAME, ask
from engine.io.toolbox import Tools, tool
from engine.preflight import Light
from engine.vitals import vitals_lines, worst_light

__all__ = ["add_live_tools"]

#: How long a halt is waited for.
HALT_S = 5.0

_HEALTH = """\
Asks the running monitor how it is: a line for each figure, measured in the last ten minutes, and its limit.

  exit loop     goes round: every pulse is handled; one that stands is restarted by systemd
  mode          as chosen, or why rules only tell
  feed age      since the last price of any instrument, in the session
  price update  from a tick's arrival until it is in the book and judged: 99 % within 50 ms
  evaluation    judging one batch of ticks: 99 % within 100 ms
  order         from the decision to the broker's answer, its turn in the lane included: 99 % within 2 s
  sync          the longest gap between two readings of the trade store: every 30 s
  hit ratio     price lookups that found one: above 95 %
  loop lag      how late the event loop is: 99 % within 100 ms
  alert         from a HIGH alert until Telegram has it: 99 % within 10 s

exit status:
  0  nothing is red
  1  something is red
  2  no monitor runs here, or it does not answer

examples:
  python -m engine health
  python -m engine health --json | jq -r '.accounts[][] | select(.light == "red") | .name'
"""

_STOP = """\
Does what /stop in the chat does, for every account, when the chat cannot be reached: rules act no more, our
own working orders are taken back, positions stay as they are. It survives a restart; only /resume ends it.
The monitor goes on watching and telling. To end its process use systemctl stop prahari, or Ctrl-C.

Without --now it shows what runs and asks; where nobody can be asked it changes nothing.

exit status:
  0  every account is halted
  1  not all are: nothing was done without --now, or a house does not answer yet (it is halted before it acts)
  2  no monitor runs here, or it does not answer

examples:
  python -m engine stop --now
"""


def add_live_tools(tools: Tools) -> None:
    """Add them to the command line."""
    tool(tools, "health", "the running monitor's figures beside their limits", _HEALTH, _health)
    stop = tool(tools, "stop", "halt all rules of the running monitor, as /stop does", _STOP, _stop)
    stop.add_argument("--now", action="store_true", help="do it without asking")


def _home() -> Path:
    """Where the monitor of these settings is at home; on its sandbox it lives in a directory of its own."""
    home = load_settings().data_dir
    return home / SANDBOX_DIR if not (home / NAME).exists() and (home / SANDBOX_DIR / NAME).exists() else home


def _health(args: argparse.Namespace) -> str:
    told = ask(_home(), {"ask": "health"})
    houses = {name: [reading_of(each) for each in found] for name, found in told["accounts"].items()}
    shared = [reading_of(each) for each in told["shared"]]
    light = worst_light([*shared, *chain(*houses.values())])
    args.status = int(light is Light.RED)
    if args.json:
        return json.dumps({"light": light.name.lower(), **told}, indent=2, ensure_ascii=False)
    lines = [line for name, found in houses.items() for line in vitals_lines(f"account {name}", found)]
    return "\n".join([*lines, *vitals_lines("all accounts", shared)])


def _stop(args: argparse.Namespace) -> str:
    home = _home()
    found = ask(home, {"ask": "stop", "now": args.now})
    if not args.now and sys.stdin.isatty():
        _tell(found)
        if input("Halt all rules and take back working orders? Type stop: ").strip() == "stop":
            args.now, found = True, ask(home, {"ask": "stop", "now": True})
    if args.now:
        until_s = monotonic() + HALT_S
        while not all(each["halted"] for each in found["accounts"]) and monotonic() < until_s:
            sleep(0.2)
            found = ask(home, {"ask": "stop", "now": False})
    halted = all(each["halted"] for each in found["accounts"])
    args.status = int(not halted)
    if args.json:
        return json.dumps(found | {"halted": halted}, indent=2)
    last = "Positions stay as they are; /resume in the chat goes on."
    if not halted:
        last = "Not all are halted yet." if args.now else "Nothing was done: add --now."
    return "\n".join([*_lines(found), last])


def _tell(found: dict[str, Any]) -> None:
    sys.stderr.write("\n".join(_lines(found)) + "\n")


def _lines(found: dict[str, Any]) -> list[str]:
    return [
        f"{each['account']}: {'halted' if each['halted'] else 'rules act'}, mode {each['mode']}, "
        f"{each['exits']} exits run, {each['live_orders']} orders may still trade"
        for each in found["accounts"]
    ]
