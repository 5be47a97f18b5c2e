"""``health``: the running monitor's figures beside their limits."""

from __future__ import annotations

import argparse
import json
from itertools import chain

from engine.io.toolbox import Tools, tool
from engine.io.tools.monitors import ask_here
from engine.io.tools.weekly import add_weekly
from engine.preflight import Light
from engine.vitals import reading_of, vitals_lines, worst_light

__all__ = ["add_health"]

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

`health weekly` looks at what goes bad slowly instead: backups, disk, calendar, logs (health weekly --help).

exit status:
  0  nothing is red
  1  something is red
  2  no monitor runs here, or it does not answer

examples:
  python -m engine health
  python -m engine health --json | jq -r '.accounts[][] | select(.light == "red") | .name'
  python -m engine health || echo "look at it"          # for a script of your own
  python -m engine health weekly
"""


def add_health(tools: Tools) -> None:
    """Add it to the command line."""
    health = tool(tools, "health", "the running monitor's figures beside their limits", _HEALTH, _health)
    parts = health.add_subparsers(title="what else", dest="part", metavar="weekly")
    add_weekly(parts)


def _health(args: argparse.Namespace) -> str:
    told = ask_here({"ask": "health"}, "Start it, or name its DATA_DIR; of the service: sudo prahari health")
    houses = {name: [reading_of(each) for each in found] for name, found in told["accounts"].items()}
    shared = [reading_of(each) for each in told["shared"]]
    light = worst_light([*shared, *chain(*houses.values())])
    args.status = int(light is Light.RED)
    if args.json:
        return json.dumps({"light": light.name.lower(), **told}, indent=2, ensure_ascii=False)
    lines = [line for name, found in houses.items() for line in vitals_lines(f"account {name}", found)]
    return "\n".join([*lines, *vitals_lines("all accounts", shared)])
