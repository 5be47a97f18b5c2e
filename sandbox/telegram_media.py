"""Photos and documents: what comes in a multipart body, and how it is fetched again."""

from __future__ import annotations

import struct
from typing import Any

from sandbox.telegram_call import File, Method, Params, bad_request
from sandbox.telegram_json import file_json
from sandbox.telegram_state import TelegramState, Upload

_ATTACHED = "attach://"
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def upload_of(state: TelegramState, params: Params, kind: str, reference: str) -> Upload:
    """Take in the file that a call brings or names.

    Args:
        state: where files are kept.
        params: the call; file parts by name.
        kind: ``photo`` or ``document``.
        reference: the parameter's value: ``attach://part``, a file id, or empty when the part
            itself has the parameter's name.

    Raises:
        ApiError: 400 when there is no such file, or a photo is not a picture.
    """
    part = params.files.get(reference.removeprefix(_ATTACHED) if reference else kind)
    if part is None:
        known = state.uploads.get(reference)
        if known is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return known
    width, height = picture_size(part.content) if kind == "photo" else (0, 0)
    if kind == "photo" and not (width and height):
        raise bad_request("IMAGE_PROCESS_FAILED")
    upload = _kept(state, part, width, height)
    state.uploads[upload.id] = upload
    return upload


def _kept(state: TelegramState, part: File, width: int, height: int) -> Upload:
    name = part.name.replace("/", "_") or "file"
    mime = part.mime
    if width:  # a client may send a picture as mere bytes
        mime = "image/png" if part.content.startswith(_PNG) else "image/jpeg"
    return Upload(f"F{state.next_id()}", name, mime, part.content, width, height)


def picture_size(content: bytes) -> tuple[int, int]:
    """Read a PNG's or JPEG's width and height in pixels; (0, 0) for anything else."""
    if content.startswith(_PNG) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(b"\xff\xd8"):
        return _jpeg_size(content)
    return 0, 0


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0


def get_file(state: TelegramState, params: Params) -> Any:
    """Answer getFile."""
    upload = state.uploads.get(params.text("file_id"))
    if upload is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    return file_json(upload)


METHODS: dict[str, Method] = {"getFile": get_file}
