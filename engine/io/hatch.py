"""The hatch to a running monitor: a socket in DATA_DIR by which the host's own tools ask it something.

One line of JSON in, one line out. Whoever may open the socket owns the directory, and with it the monitor: it
is made for the owner's eyes alone. No question raises the mode; an exit that is asked for here is a person's
wish as from the chat, through the same gate and within the mode.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.errors import BadInput, Unreachable

__all__ = ["NAME", "Answers", "ask", "open_hatch"]

_log = logging.getLogger(__name__)

NAME = "hatch"
#: A question and its answer; an answer that takes longer comes from a loop that stands.
ANSWER_S = 5.0
_LONGEST = 1 << 20
#: What fits into sockaddr_un on Linux, its end included.
_LONGEST_PATH = 107

#: Answers by the question's name; each gets the whole question.
Answers = Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]


@asynccontextmanager
async def open_hatch(directory: Path, answers: Answers) -> AsyncIterator[None]:
    """Answer until the end. The caller holds the directory's lock, so that nobody else answers there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(ANSWER_S):
                line = await reader.readuntil(b"\n")
            writer.write(json.dumps(_answer(line, answers)).encode() + b"\n")
            async with asyncio.timeout(ANSWER_S):
                await writer.drain()
        writer.close()

    path = directory / NAME
    path.unlink(missing_ok=True)  # of a process that was killed
    with _address(directory) as address:
        server = await asyncio.start_unix_server(serve, sock=_bound(address), limit=_LONGEST)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        path.unlink(missing_ok=True)


def _answer(line: bytes, answers: Answers) -> Mapping[str, Any]:
    try:
        question = json.loads(line)
        return answers[question["ask"]](question)
    except BadInput as error:
        return {"fault": str(error)}
    except (ValueError, KeyError, TypeError):
        return {"fault": f"not a question of this version; expected one of {', '.join(sorted(answers))}"}


def ask(directory: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the monitor that lives there answers.

    Raises:
        Unreachable: none runs there, or it does not answer in time.
        BadInput: it does not take the question.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line, _address(directory) as address:
            line.settimeout(ANSWER_S)
            line.connect(address)
            line.sendall(json.dumps(question).encode() + b"\n")
            with line.makefile("rb") as answers:
                text = answers.readline()
    except (FileNotFoundError, ConnectionRefusedError):
        raise Unreachable(f"no monitor runs in {directory} (DATA_DIR)") from None
    except PermissionError:
        raise Unreachable(f"{directory / NAME}: this user may not ask; use the monitor's own") from None
    except OSError as error:
        raise Unreachable(
            f"the monitor in {directory} does not answer ({str(error) or 'it took too long'})"
        ) from error
    try:
        answer: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise Unreachable(f"the monitor in {directory} has ended meanwhile") from error
    if "fault" in answer:
        raise BadInput(answer["fault"])
    return answer


def _bound(address: str) -> socket.socket:
    """A listening socket for its owner alone; nobody may connect before its mode is right."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        made.bind(address)
        Path(address).chmod(0o600)
        made.listen(8)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


@contextmanager
def _address(directory: Path) -> Iterator[str]:
    """The socket's path; where that is too long for the kernel, the same by way of the open directory."""
    path = str(directory / NAME)
    if len(os.fsencode(path)) < _LONGEST_PATH:
        yield path
        return
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
