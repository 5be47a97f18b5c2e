"""``python -m bot``: the monitor with its chat, on the real services or on the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app import TelegramChat
from bot.introductions import introduce
from bot.rooms import ChatPlot
from engine.accounts import lower_mode
from engine.errors import BadInput, ConfigError, JournalError, SourceError
from engine.io import event_loop, tables
from engine.io.app import Options, Wiring, run_house
from engine.io.clock import SystemClock
from engine.io.env import SANDBOX_DIR, load_chat_access, load_settings, make_data_dir
from engine.io.locks import HostLock
from engine.io.log import Log, Tail, configure_logging
from engine.io.printing import printing
from engine.io.process import Process, this_version
from engine.io.stores.sqlite import SqliteStore
from engine.io.toolbox import seconds
from engine.model import Mode
from engine.sessions import Calendar, at, ist
from engine.settings import Settings
from engine.together import terminal_page
from engine.trades import parse_csv
from engine.view import MonitorView
from engine.words import TradesSource

if TYPE_CHECKING:
    from sandbox.house import Outside

DESCRIPTION = """\
Prahari watches option positions held at Dhan and gets them verified flat by your rules.
Without any credentials it starts on its sandbox: a generated market, an exchange and a phone
page on this machine, no account and no real money anywhere."""

#: When the sandbox's day begins, unless CLOCK_START says otherwise.
SANDBOX_TIME = "10:15"
#: The exit status of a program that Ctrl-C ended, by the shells' custom.
INTERRUPTED = 130
#: Dhan answers one quote request a second.
SHORTEST_INTERVAL_S = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run until stopped; the exit status is 2 when a setting must be corrected first.

    It is 1 for whatever else has ended it, at the start or in the midst of a session: that may pass, and a
    service has to try again.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.once and args.mode in (Mode.SEMI_AUTO, Mode.EXECUTE):
        parser.error("--once looks and leaves: it must not start an exit; leave the mode away")
    try:
        if args.find_chat:
            return asyncio.run(introduce(*load_chat_access(), partial(print, flush=True)))
        settings = load_settings(sandbox=args.sandbox)
        return event_loop.run(_run(settings, args), settings.event_loop)
    except ConfigError as error:
        print("Prahari cannot start:", file=sys.stderr)
        for fault in error.faults:
            print(f"  - {fault}", file=sys.stderr)
        print(".env.example explains every setting.", file=sys.stderr)
        return 2
    except (JournalError, BadInput, SourceError) as error:
        print(f"Prahari cannot run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the house has taken over the signal
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_argument_group(
        "mode", "default: simulate; on the sandbox semi-auto"
    ).add_mutually_exclusive_group()
    for mode, text in (
        (Mode.SIMULATE, "rules act on paper, filled at live quotes"),
        (Mode.ALERT_ONLY, "rules only tell; nothing is ever sent"),
        (Mode.SEMI_AUTO, "each exit asks for a tap on the phone"),
        (Mode.EXECUTE, "rules act by themselves, with real orders"),
    ):
        modes.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, help=text)
    run = parser.add_argument_group("run")
    run.add_argument("--sandbox", action="store_true", help="use the sandbox even when credentials are set")
    run.add_argument(
        "--duration", type=seconds(0.1), metavar="S", help="stop by itself after this many seconds"
    )
    run.add_argument(
        "--once", action="store_true",
        help="print the table once every position is priced, and stop; sends nothing",
    )  # fmt: skip
    run.add_argument(
        "--find-chat", action="store_true",
        help="tell who writes to the bot, for TELEGRAM_CHAT_ID; needs its token alone, sends nothing",
    )  # fmt: skip
    run.add_argument("--no-websocket", action="store_true", help="REST quotes instead of the live feed")
    run.add_argument(
        "--interval", type=seconds(SHORTEST_INTERVAL_S), metavar="S", default=30.0,
        help="seconds between two tables, and between two quotes with --no-websocket (default 30)",
    )  # fmt: skip
    return parser


async def _run(settings: Settings, args: argparse.Namespace) -> int:
    if not settings.sandbox:
        make_data_dir(settings.data_dir)
        log = _start_log(settings)
        mode = _mode(args, Mode.SIMULATE)
        print(_start_words(settings, mode), flush=True)
        with _shown(patient=args.once) as show:
            await run_house(settings, _options(args, mode), _chat(settings, log.tail), show, log.redactor.add)
        return 0
    from sandbox.house import Sandbox  # noqa: PLC0415 - it takes a third as long as everything else

    start = settings.clock_start or _sandbox_day(tables.calendar(settings.sessions_file))
    clock = SystemClock(start)
    async with Sandbox(clock.now_s) as sandbox:
        settings = await _move_in(settings, sandbox.outside, start, clock)
        log = _start_log(settings)
        mode = _mode(args, Mode.SEMI_AUTO)
        print(_welcome(sandbox.outside, mode, ist(clock.now_s())), flush=True)
        foot = f"\nphone page: {sandbox.outside.phone_url}   Ctrl-C ends everything\n"
        with _shown(foot, patient=args.once) as show:
            await run_house(settings, _options(args, mode), _chat(settings, log.tail), show, log.redactor.add)
    return 0


def _mode(args: argparse.Namespace, default: Mode) -> Mode:
    """The mode that was asked for; a single look sends nothing, not even on paper."""
    return args.mode or (Mode.ALERT_ONLY if args.once else default)


def _options(args: argparse.Namespace, mode: Mode) -> Options:
    return Options(
        mode=mode,
        websocket=not args.no_websocket,
        interval_s=args.interval,
        table_every_s=None if args.once else args.interval,
        duration_s=args.duration,
        once=args.once,
    )


def _start_log(settings: Settings) -> Log:
    """Log from now on."""
    log = configure_logging(settings.data_dir, settings.log_level, settings.secrets())
    for note in settings.notes:
        print(f"note: {note}", flush=True)
    return log


def _start_words(settings: Settings, mode: Mode) -> str:
    """Which accounts run in which mode."""
    if not settings.accounts:
        return f"Prahari, mode {mode}, account {settings.dhan_client_id}. Ctrl-C stops it."
    lines = [f"Prahari, mode {mode}, {len(settings.accounts)} accounts. Ctrl-C stops it."]
    for account in settings.accounts:
        how = f"mode {lower_mode(mode, account.ceiling)}" if account.enabled else "turned off"
        way = ", by its proxy" if account.proxy else ""
        lines.append(f"  {account.name:<16} {account.client_id}: {how}{way}")
    return "\n".join(lines)


def _chat(settings: Settings, tail: Tail) -> Callable[[Sequence[Wiring]], TelegramChat]:
    process = Process(this_version(), tail, time.time())

    def make(wirings: Sequence[Wiring]) -> TelegramChat:
        plot = ChatPlot(
            token=settings.telegram_bot_token.reveal(),
            api_url=settings.telegram_api_url,
            chat_id=settings.telegram_chat_id,
            accounts=wirings,
            clock=wirings[0].clock,
            group_commands=settings.group_commands,
            tuning=settings.chat,
            wall_s=time.time,
            store_path=settings.data_dir / "chat.sqlite3",
            process=process,
        )
        return TelegramChat(plot)

    return make


@contextmanager
def _shown(foot: str = "", *, patient: bool) -> Iterator[Callable[[Mapping[str, MonitorView]], None]]:
    """Prints the tables; ``foot`` says again what has scrolled away. The loop never waits for a reader.

    ``patient``: the end waits until the last one is read.
    """
    with printing(sys.stdout, sys.stdout, patient=patient) as printer:
        yield lambda views: printer.show(f"\n{terminal_page(views)}\n{foot}")


# ------------------------------------------------------------------------------------- the sandbox


def _sandbox_day(calendar: Calendar) -> datetime:
    """The latest day with a session that the calendar knows, a quarter past ten."""
    day = min(ist(time.time()).date(), calendar.last)
    while not (calendar.covers(day) and calendar.is_session(day)):
        day = calendar.previous_session(day)
    return ist(at(day, SANDBOX_TIME))


async def _move_in(settings: Settings, outside: Outside, start: datetime, clock: SystemClock) -> Settings:
    """A fresh data directory, the demo's trades in it, and settings that point at the sandbox.

    With the broker as the source the trade store stays empty. The sandbox's exchange is born anew at each
    start, so yesterday's journal would be about orders it has never heard of.
    """
    home = settings.data_dir / SANDBOX_DIR
    make_data_dir(home)
    with HostLock(home) as lock:  # another sandbox may be living there
        _empty(home, but=lock.path)
    store = SqliteStore(home / "trades.sqlite3")
    if settings.trades_source is not TradesSource.BROKER:
        await store.import_rows(parse_csv(outside.trades_csv()))
    moved = Settings.parse({**outside.settings, "DATA_DIR": str(home), "CLOCK_START": start.isoformat()})
    return replace(
        moved,
        sandbox=True,
        trades_source=settings.trades_source,
        clock_start=ist(clock.now_s()),
        rules_file=settings.rules_file,
        sessions_file=settings.sessions_file,
        log_level=settings.log_level,
        notes=settings.notes,
        chat=settings.chat,
        metrics_port=settings.metrics_port,
    )


def _empty(home: Path, but: Path) -> None:
    for path in home.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != but:
            path.unlink()


def _welcome(outside: Outside, mode: Mode, now: datetime) -> str:
    """The one screen that a newcomer reads."""
    line = "─" * 78
    return f"""
{line}
  Prahari on its sandbox: no account, no real money, all on this machine.
{line}
  running    a generated market ({now:%a %d %b %Y, %H:%M} IST), an exchange that
             speaks Dhan, a Telegram with one phone, a trade store, the monitor
  mode       {mode}{"  (each exit asks on the phone)" if mode is Mode.SEMI_AUTO else ""}
  phone      {outside.phone_url}
  exchange   {outside.state_url}  (its books as JSON)
{line}
  try        open the phone page: within seconds alerts arrive
             /status         every position, its P&L, what its rules wait for
             /rules  /why    what guards a position, and what it did
             /exit           pick one, look, confirm: verified flat
             /stop  /resume  halt the rules; positions stay as they are
             Ctrl-C here     ends everything
{line}
""".rstrip()


if __name__ == "__main__":
    sys.exit(main())
