"""``run``: the monitor without a chat, its table alive in the terminal."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from engine.accounts import lower_mode
from engine.errors import BadInput
from engine.io import event_loop
from engine.io.clock import SystemClock
from engine.io.env import load_settings, make_data_dir
from engine.io.headless import Headless
from engine.io.log import configure_logging
from engine.io.printing import Printer, Write, apart, printing, put_away, written
from engine.io.terminal import console, is_coloured, is_terminal, painted
from engine.io.toolbox import Tools, seconds, tool
from engine.model import Mode
from engine.settings import Settings
from engine.together import terminal_page
from engine.view import MonitorView

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["add_run"]

#: Between two tables: on a screen that is drawn over, and in a file; Dhan answers one quote request a second.
SCREEN_S, FILE_S, SHORTEST_S = 2.0, 30.0, 1.0

_RUN = """\
The monitor as python -m bot runs it, with one difference: it has no chat. Its table stands in the terminal
and is drawn over itself; what would go to the phone is printed above it. Where no terminal is, a table is
printed now and then, plain. TELEGRAM_… need not be set. HIGH alerts ring nowhere: whoever leaves the screen
wants python -m bot, or ALIVE_URL beside this.

Modes as ever: --simulate (default), --alert-only, --semi-auto, --execute. In semi-auto nobody can press a
button; python -m engine exit, from another terminal, is how you say yes. health, stop and exit reach it as
they reach any monitor. Ctrl-C ends it, positions and orders stay; stop takes our orders back first.

With --once it prints the table as soon as every position is priced, sends nothing, and ends; --json makes
that one object for machines (paise, epoch seconds), and without --once a line of JSON for each table.

exit status:
  0  ended as asked
  2  it could not start, or a failure has ended it: the sentence says which, and what to do

examples:
  python -m engine run
  python -m engine run --alert-only --interval 5
  python -m engine run --once --json | jq '.default.positions[] | {strategy_id, pnl_paise}'
  python -m engine run --execute --duration 21600 > day.txt
"""

Show: TypeAlias = Callable[[Mapping[str, MonitorView]], None]


def add_run(tools: Tools) -> None:
    """Add it to the command line."""
    run = tool(tools, "run", "the monitor without a chat: a live table in the terminal", _RUN, _run)
    modes = run.add_mutually_exclusive_group()
    for mode, text in (
        (Mode.SIMULATE, "rules act on paper (default)"),
        (Mode.ALERT_ONLY, "rules only tell"),
        (Mode.SEMI_AUTO, "rules ask; python -m engine exit says yes"),
        (Mode.EXECUTE, "rules act by themselves, with real orders"),
    ):
        modes.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, help=text)
    run.add_argument("--duration", type=seconds(0.1), metavar="S", help="end by itself after so many seconds")
    run.add_argument("--once", action="store_true", help="one table, and end; sends nothing")
    run.add_argument("--no-websocket", action="store_true", help="REST quotes instead of the live feed")
    run.add_argument(
        "--interval", type=seconds(SHORTEST_S), metavar="S",
        help="seconds between two tables (default 2 on a terminal, else 30), and between two quotes with "
        "--no-websocket",
    )  # fmt: skip


def _run(args: argparse.Namespace) -> str:
    # the whole house: no other tool has to wait until it is imported
    from engine.io.app import Options, run_house  # noqa: PLC0415

    if args.once and args.mode in {Mode.SEMI_AUTO, Mode.EXECUTE}:
        raise BadInput("--once looks and leaves: it must not start an exit; leave the mode away")
    settings = load_settings(chat=False)
    if settings.sandbox:
        raise BadInput(
            "no credentials are set; python -m bot brings a sandbox (make run), this tool does not"
        )
    make_data_dir(settings.data_dir)
    mode = args.mode or (Mode.ALERT_ONLY if args.once else Mode.SIMULATE)
    alive = is_terminal(sys.stdout) and not (args.json or args.once)
    interval_s = args.interval or (SCREEN_S if alive else FILE_S)
    options = Options(
        mode=mode, websocket=not args.no_websocket, interval_s=interval_s,
        table_every_s=None if args.once else interval_s, duration_s=args.duration, once=args.once,
    )  # fmt: skip
    with _page(alive=alive, json_lines=args.json, patient=args.once) as (show, tell):
        # after the page has taken over the terminal, so that the log's lines stand above it
        log = configure_logging(settings.data_dir, settings.log_level, settings.secrets())
        for line in () if args.json else _words(settings, mode):
            tell(line)
        chat = Headless(tell, SystemClock(settings.clock_start))
        house = run_house(settings, options, lambda _accounts: chat, show, log.redactor.add)
        event_loop.run(house, settings.event_loop)
        if not (args.json or args.once):
            tell("Ended. Positions and working orders stay as they are.")
    return ""


def _words(settings: Settings, mode: Mode) -> list[str]:
    """Which accounts run in which mode, and what is to be known of the settings."""
    lines = [f"note: {note}" for note in settings.notes]
    if not settings.accounts:
        return [*lines, f"Prahari without a chat, mode {mode}. Ctrl-C ends it."]
    lines.append(f"Prahari without a chat, mode {mode}, {len(settings.accounts)} accounts. Ctrl-C ends it.")
    for account in settings.accounts:
        how = f"mode {lower_mode(mode, account.ceiling)}" if account.enabled else "turned off"
        lines.append(f"  {account.name:<16} {account.client_id}: {how}")
    return lines


@contextmanager
def _page(
    *, alive: bool, json_lines: bool, patient: bool = False
) -> Iterator[tuple[Show, Callable[[str], None]]]:
    """(shows a table, prints a block) for as long as it lasts; neither waits for a reader, nor raises.

    ``patient``: the end waits until everything is read.
    """
    if json_lines:
        with printing(sys.stderr, sys.stdout, _line, patient=patient) as printer:
            yield (lambda views: printer.show(json.dumps(_data(views)))), printer.tell
        return
    if not alive:
        write = _painted_line if is_coloured(sys.stdout) else _line
        with printing(sys.stdout, sys.stdout, write, patient=patient) as printer:
            yield (lambda views: printer.show(f"\n{terminal_page(views)}\n")), printer.tell
        return
    from rich.live import Live  # noqa: PLC0415 - where it is needed

    out = apart(sys.stdout)
    screen = console(out)
    live = Live(console=screen, auto_refresh=False, vertical_overflow="ellipsis")
    live.start()
    printer = Printer(_painted(screen), lambda table: live.update(painted(table), refresh=True))
    try:
        yield (lambda views: printer.show(f"\n{terminal_page(views)}")), printer.tell
    finally:
        if printer.close():  # else a write stands, and holds what the end of the page would wait for
            live.stop()
            put_away(out, sys.stdout)


def _line(stream: TextIO) -> Write:
    write = written(stream)
    return lambda text: write(f"{text}\n")


def _painted_line(stream: TextIO) -> Write:
    return _painted(console(stream))


def _painted(screen: Console) -> Write:
    return lambda text: screen.print(painted(text))


def _data(views: Mapping[str, MonitorView]) -> dict[str, Any]:
    """The views for machines; of an ordered word its name, not its rank."""

    def named(items: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: word.name if isinstance(word, IntEnum) else word for name, word in items}

    return {name: asdict(view, dict_factory=named) for name, view in views.items()}
