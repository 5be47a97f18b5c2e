"""Answers that go wrong on the way: silence, resets, gateway pages, half a body."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.faults import Reply

if TYPE_CHECKING:
    from sandbox.faults import RestFault

_GATEWAY = "<html><head><title>{0}</title></head><body><h1>{0} Bad Gateway</h1></body></html>"
_NEVER_TAKEN = b'{"errorType":"Internal_Server_Error","errorCode":"DH-908"}'


async def misbehave(request: web.Request, fault: RestFault, answer: web.StreamResponse) -> web.StreamResponse:
    """Turn an honest answer into what the fault lets the client see of it."""
    if fault.reply is Reply.STALL:
        await asyncio.sleep(fault.seconds)
        reset(request)
    elif fault.reply is Reply.RESET:
        reset(request)
    elif fault.reply is Reply.ERROR:
        if fault.body is not None:
            return web.json_response(fault.body, status=fault.status)
        page = _GATEWAY.format(fault.status)
        return web.Response(status=fault.status, text=page, content_type="text/html")
    elif fault.reply is Reply.HALF_BODY:
        await _half(request, answer)
    return answer


def reset(request: web.Request) -> None:
    """End the connection with a TCP reset: no reply, no close frame."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            # Lingering for no time at all makes the kernel send RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _half(request: web.Request, answer: web.StreamResponse) -> None:
    transport = request.transport
    if not isinstance(transport, asyncio.WriteTransport):
        return
    body = answer.body if isinstance(answer, web.Response) else None
    if not isinstance(body, bytes) or not body:
        body = _NEVER_TAKEN
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    transport.write(head.encode() + body[: len(body) // 2])
    transport.close()
