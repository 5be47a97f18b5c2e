"""The file of executions: each line once, none lost, none altered unseen, and never in an exit's way."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.io.executions import (
    AGAIN_S,
    NO_LINE,
    Executions,
    ExecutionsFile,
    executions_file,
    line_order,
    read_lines,
    verify_lines,
)
from engine.messages import BooksState
from engine.model import Mode
from tests.support.clock import VirtualClock

ROOT = Path(__file__).resolve().parents[3]


def line(number=1, sequence=1, **more):
    """A line as `engine.books` makes it, in short."""
    at = f"2026-02-03T10:{number:02d}:00.000+05:30"
    return {
        "intent": f"26020300{number}", "sequence": sequence, "decided_at": at, "ended_at": at,
        "reason": "Gewinn – ₹1,540 \u2028 reached", "legs": [{"average_paise": 2008.0769}], **more,
    }  # fmt: skip


def filled(path, count=3):
    """A file of so many lines."""
    file = ExecutionsFile(path)
    for number in range(1, count + 1):
        assert file.append(line(number))
    return path


def found(path, kept=()):
    return verify_lines(read_lines(path), kept).faults


def exits(path):
    return [json.loads(text)["intent"] for text in read_lines(path)]


def test_each_line_carries_the_hash_of_the_one_before(tmp_path):
    """Anybody can check it with sha256sum: the hash is that of the whole line as it stands there."""
    path = filled(executions_file(tmp_path, Mode.EXECUTE))
    assert path == tmp_path / "logs" / "exit_executions.json"
    assert path.stat().st_mode & 0o777 == 0o600
    raw = path.read_bytes().split(b"\n")[:-1]
    before = [json.loads(text)["previous"] for text in raw]
    assert before == [NO_LINE, *(hashlib.sha256(text).hexdigest() for text in raw[:-1])]
    assert found(path, [line(1), line(2), line(3)]) == ()
    assert executions_file(tmp_path, Mode.SIMULATE) != path


def test_a_line_is_written_once_and_another_process_goes_on_with_the_chain(tmp_path):
    """The same exit and number again changes no byte; number two of it, or a new exit of that name, does."""
    path = filled(tmp_path / "x.json")
    before = path.read_bytes()
    again = ExecutionsFile(path)
    assert not again.append(line(2))
    assert path.read_bytes() == before
    assert again.append(line(2, sequence=2))
    assert again.append(line(1, decided_at="2026-02-03T15:00:00.000+05:30"))
    assert path.read_bytes().startswith(before)
    assert found(path) == ()
    assert len(read_lines(path)) == 5


@pytest.mark.parametrize("cut", [1, 2, 40, 100])
def test_half_a_line_at_the_end_is_put_aside_and_nothing_else_is_touched(tmp_path, cut):
    """A crash in the middle of a write: the good lines stay byte for byte, the half one is kept beside."""
    path = filled(tmp_path / "x.json")
    good = path.read_bytes()
    whole = path.with_name("y.json")
    half = filled(whole, 4).read_bytes()[len(good) :][:-cut]
    path.write_bytes(good + half)
    file = ExecutionsFile(path)
    assert file.append(line(4)) is (cut > 1)  # all of it but the end of the line is a line
    assert path.read_bytes() == whole.read_bytes()
    assert (file.torn is None) is (cut == 1)
    if file.torn is not None:
        assert file.torn.read_bytes() == half + b"\n"
    assert found(path) == ()


def test_bytes_that_are_no_text_stop_nobody(tmp_path):
    """Somebody's editor has broken a line: it is found, and the next ones follow it all the same."""
    path = filled(tmp_path / "x.json", 1)
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    file = ExecutionsFile(path)
    assert file.append(line(2))
    assert file.append(line(3))
    assert found(path) == ("line 2 cannot be read", *found(path)[1:])
    assert exits_of_good(path) == ["260203001", "260203002", "260203003"]


def exits_of_good(path):
    return [json.loads(text)["intent"] for text in read_lines(path) if text.startswith("{")]


@pytest.mark.parametrize(
    ("tamper", "faults"),
    [
        (
            lambda ls: [ls[0], ls[1].replace("1,540", "9,540"), ls[2]],
            ("line 2 (exit 260203002) was altered",),
        ),
        (lambda ls: [*ls[:2], ls[2].replace("1,540", "9,540")], ("line 3 (exit 260203003) was altered",)),
        (lambda ls: [ls[0], ls[2]], ("line 2 (exit 260203003) does not follow the line before it",)),
        (lambda ls: ls[:2], ("exit 260203003, line 1 of it, is in the journal alone",)),
        (lambda ls: [*ls, ls[2]], ("line 4 (exit 260203003) does not follow the line before it",)),
        (lambda ls: [*ls[:2], ls[2][:-9]], ("line 3 cannot be read",)),
    ],
    ids=["altered", "last altered", "taken out", "cut off", "put in", "half"],
)
def test_what_was_done_to_a_file_is_found(tmp_path, tamper, faults):
    """Altered, also the last line; taken out; cut off at the end; put in between; cut in the middle."""
    path = filled(tmp_path / "x.json")
    path.write_text("".join(f"{text}\n" for text in tamper(read_lines(path))))
    assert set(faults) <= set(found(path, [line(1), line(2), line(3)]))


@pytest.mark.parametrize("number", [1, 3])
def test_an_altered_line_is_found_without_the_journal_too(tmp_path, number):
    """Also the last one, which no other line follows: its own hash does not fit any more."""
    path = filled(tmp_path / "x.json")
    path.write_text(path.read_text().replace(f'"intent": "26020300{number}"', '"intent": "260203007"'))
    assert f"line {number} (exit 260203007) was altered" in found(path)


def test_a_file_that_was_written_anew_with_all_its_hashes_differs_from_the_journal(tmp_path):
    """Whoever can compute hashes can make a chain; the journal's copy of the line is another one."""
    file = ExecutionsFile(tmp_path / "x.json")
    file.append(line(1, reason="nothing happened"))
    file.append(line(2))
    assert found(tmp_path / "x.json") == ()
    assert found(tmp_path / "x.json", [line(1), line(2)]) == ("line 1 (exit 260203001) was altered",)


def test_a_process_that_is_killed_between_journal_and_file_leaves_exactly_one_line(tmp_path):
    """SIGKILL before the write, in the middle of it, and before the sync: the next start mends each."""
    child = (
        "import os, signal, sys; from engine.io import executions as e;"
        "from tests.engine.io.test_executions import line;"
        "kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        "real = os.write; file = e.ExecutionsFile(e.Path(sys.argv[1])); file.append(line(1));"
        "half = lambda f, d: (real(f, d[: len(d) // 2]), kill());"
        "setattr(e.os, *{'before': ('write', kill), 'half': ('write', half), 'after': ('fsync', kill)}"
        "[sys.argv[2]]); file.append(line(2))"
    )
    for point in ("before", "half", "after"):
        path = tmp_path / f"{point}.json"
        ended = subprocess.run([sys.executable, "-c", child, path, point], cwd=ROOT, check=False)  # noqa: S603
        assert ended.returncode == -signal.SIGKILL
        file = ExecutionsFile(path)
        for each in (line(1), line(2)):
            file.append(each)
        assert exits(path) == ["260203001", "260203002"]
        assert found(path, [line(1), line(2)]) == ()
        assert (file.torn is not None) is (point == "half")


def test_a_line_that_could_not_be_synced_is_not_written_again(tmp_path, monkeypatch):
    """The disk has it or not, nobody knows: the next try looks, and syncs what is there."""
    path = filled(tmp_path / "x.json", 1)
    file, sync = ExecutionsFile(path), os.fsync
    assert not file.append(line(1))

    def broken(_file):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        file.append(line(2))
    monkeypatch.setattr(os, "fsync", sync)
    assert not file.append(line(2))
    assert exits(path) == ["260203001", "260203002"]
    assert file.append(line(3))
    assert found(path) == ()


# ------------------------------------------------------------------------------------- the writer


@asynccontextmanager
async def writer(path, kept=()):
    """A running writer on virtual time, and what it has said."""
    said, clock = [], VirtualClock()
    made = Executions(path, said.append, clock)
    for each in sorted(kept, key=line_order):
        made.put(each)
    task = asyncio.create_task(made.run())
    try:
        yield made, said, clock
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(condition, clock):
    """Let the writer's thread and its pauses pass until this holds."""
    while not condition():
        await clock.advance(AGAIN_S)


async def test_the_start_writes_what_the_journal_has_and_the_file_lacks(tmp_path):
    """Lines of earlier lives first, in the order in which they ended; then what comes, each once."""
    path = filled(tmp_path / "logs" / "x.json", 1)
    async with writer(path, [line(3), line(2), line(1)]) as (made, said, clock):
        made.put(line(4))
        made.put(line(2))
        await until(lambda: len(read_lines(path)) == 4, clock)
    assert exits(path) == ["260203001", "260203002", "260203003", "260203004"]
    assert said == []
    assert found(path) == ()


async def test_a_directory_that_takes_nothing_is_told_once_and_tried_again(tmp_path, monkeypatch):
    """The logs' place is a file: told, tried every half minute, told again when it works; nothing is lost."""
    tried, append = [], ExecutionsFile.append

    def counted(self, it):
        tried.append(it)
        return append(self, it)

    monkeypatch.setattr(ExecutionsFile, "append", counted)
    (tmp_path / "logs").write_text("in the way")
    path = tmp_path / "logs" / "x.json"
    async with writer(path) as (made, said, clock):
        made.put(line(1))
        made.put(line(2))
        await until(lambda: len(tried) > 3, clock)
        assert [each.state for each in said] == ["cannot be written"]
        (tmp_path / "logs").unlink()
        await until(lambda: len(said) == 2 and len(read_lines(path)) == 2, clock)
    assert said[1] == BooksState("is written again", "Nothing of it is missing.")
    assert exits(path) == ["260203001", "260203002"]


async def test_what_waits_when_the_house_closes_is_written_before_it_does(tmp_path):
    """An exit has just ended and the owner stops the house: its line is there, the earlier one once."""
    path = tmp_path / "x.json"
    async with writer(path) as (made, said, _):
        await asyncio.sleep(0)
        for number in (1, 2, 3):
            made.put(line(number))
        await asyncio.sleep(0)  # the first is with the thread now, or is not
    assert exits(path) == ["260203001", "260203002", "260203003"]
    assert found(path) == ()
    assert said == []


async def test_a_half_line_is_told(tmp_path):
    """What a crash has left is told once, with the name of the file it is in now."""
    path = filled(tmp_path / "x.json", 1)
    with path.open("a") as file:
        file.write('{"intent": "26')
    async with writer(path, [line(1), line(2), line(3)]) as (_, said, clock):
        await until(lambda: said and len(read_lines(path)) == 3, clock)
    (told,) = said
    assert told.state == "had a half line at its end"
    assert "x.json.torn" in told.detail


def test_a_disk_that_takes_half_a_line_has_none_of_it(tmp_path):
    """The file may grow by some bytes only, as on a full disk: it stays as it was."""
    path = filled(tmp_path / "x.json", 1)
    before = path.read_bytes()
    file = ExecutionsFile(path)
    assert not file.append(line(1))
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, old[1]))
        with pytest.raises(OSError, match=os.strerror(28)):
            file.append(line(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, heard)
    assert path.read_bytes() == before
    assert file.append(line(2))
    assert found(path) == ()
