"""``python -m engine TOOL``: everything that is done from the host's own terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from engine.errors import BadInput, ConfigError, JournalError, SourceError
from engine.io.terminal import say
from engine.io.toolbox import STATUSES
from engine.io.tools.checks import add_cache, add_check, add_drill
from engine.io.tools.exits import add_exit
from engine.io.tools.files import add_export, add_import
from engine.io.tools.health import add_health
from engine.io.tools.instruments import add_instruments
from engine.io.tools.looks import add_positions, add_rules, add_why
from engine.io.tools.market import add_quote
from engine.io.tools.replay import add_replay
from engine.io.tools.reports import add_reports
from engine.io.tools.resume import add_resume
from engine.io.tools.run import add_run
from engine.io.tools.stop import add_stop
from engine.io.tools.upkeep import add_upkeep

DESCRIPTION = """\
Prahari's tools. Those that are about a running monitor (health, exit, stop, resume) reach it by a socket in
DATA_DIR, so that an account has one owner; the others read files, or ask the outside themselves, and may run
beside it. The monitor with its chat is python -m bot. TOOL --help explains each, with examples."""

EPILOG = f"""\
{STATUSES}
settings come from .env, systemd's credentials and the environment (docs/settings.md). NO_COLOR=1 keeps
colours away; files and pipes never get any."""

#: The exit status of a program that Ctrl-C ended, by the shells' custom.
INTERRUPTED = 130

_ADD = (
    add_run, add_health, add_exit, add_stop, add_resume,
    add_positions, add_rules, add_why, add_replay,
    add_drill, add_check, add_quote, add_cache, add_instruments,
    add_import, add_export, add_upkeep, add_reports,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one tool; what its exit status means: `engine.io.toolbox.STATUSES`."""
    args = _parser().parse_args(argv)
    args.status = 0
    try:
        if text := args.tool(args):
            say(text, plain=args.json or args.name == "export")
    except (BadInput, ConfigError, JournalError, SourceError) as error:
        print(f"{args.called}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    return int(args.status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    tools = parser.add_subparsers(title="tools", required=True, dest="name", metavar="TOOL")
    for add in _ADD:
        add(tools)
    return parser


if __name__ == "__main__":
    sys.exit(main())
