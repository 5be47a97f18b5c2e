"""``resume``: rules act again in the running monitor."""

from __future__ import annotations

import argparse
import json
import sys
from time import monotonic, sleep
from typing import Any

from engine.io.hatch import ask
from engine.io.toolbox import Tools, confirmed, tool
from engine.io.tools.monitors import ask_here, home

__all__ = ["add_resume"]

#: How long the end of a halt is waited for, and between two looks.
RESUME_S, LOOK_S = 5.0, 0.2

_RESUME = """\
Ends a halt (/stop, or python -m engine stop), in every account of the running monitor: its rules act again as
far as its mode goes, also on positions that were held because they differ from the broker's; those are taken
over as they are now. It shows both and asks; --yes is the answer beforehand. One position alone is taken over
from the chat: /resume 3359.

exit status:
  0  no account is halted
  1  declined, or one is halted still: a house that is down begins as it was
  2  no monitor runs here, or what would be taken over has changed meanwhile; nothing was done

examples:
  python -m engine resume
  python -m engine resume --yes --json
"""


def add_resume(tools: Tools) -> None:
    """Add it to the command line."""
    resume = tool(tools, "resume", "let the rules of the running monitor act again", _RESUME, _resume)
    resume.add_argument("--yes", action="store_true", help="do not ask")


def _resume(args: argparse.Namespace) -> str:
    place = home()
    remedy = "Nothing was resumed; name its DATA_DIR, or of the service: sudo prahari resume"
    found = ask_here({"ask": "resume"}, remedy)["accounts"]
    if not any(each["halted"] or each["held"] for each in found):
        return (
            json.dumps({"accounts": found})
            if args.json
            else "\n".join([*_lines(found), "Nothing to resume."])
        )
    if not args.yes:
        sys.stderr.write("\n".join(_lines(found)) + "\n")
        if not confirmed("Let rules act again?", "resume"):
            args.status = 1
            return json.dumps({"accounts": found}) if args.json else "Nothing was changed."
    ask(place, {"ask": "resume", "now": True, "shown": json.dumps(found)})
    until_s = monotonic() + RESUME_S
    while any(each["halted"] for each in found) and monotonic() < until_s:
        sleep(LOOK_S)
        found = ask(place, {"ask": "resume"})["accounts"]
    args.status = int(any(each["halted"] for each in found))
    return json.dumps({"accounts": found}, indent=2) if args.json else "\n".join(_lines(found))


def _lines(found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for each in found:
        how = "down" if each["down"] else "halted" if each["halted"] else "rules act"
        lines.append(f"{each['account']}: {how}, mode {each['mode']}")
        lines += [f"  held: {name}, {why}" for name, why in each["held"]]
    return lines
