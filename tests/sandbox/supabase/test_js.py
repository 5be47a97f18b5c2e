"""A second client, by other hands: supabase-js against the sandbox. Opt-in, because npm has to fetch it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

_PACKAGES = ("@supabase/supabase-js@2.109.0", "ws@8.23.0")
_WALK = Path(__file__).with_name("walk.mjs")


async def run(*command: str | Path, cwd: Path) -> str:
    """What a program prints; its errors are the test's."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.npm
@pytest.mark.parametrize("kind", ["secret", "service_jwt"])
async def test_supabase_js_sees_the_same(house, tmp_path, kind):
    """It reads, writes, calls, is refused and hears of every change, with keys of both kinds."""
    await run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *_PACKAGES, cwd=tmp_path)
    shutil.copy(_WALK, tmp_path)
    key = getattr(house.server.keys, kind)
    lines = (await run("node", _WALK.name, house.server.url, key, cwd=tmp_path)).splitlines()
    told = dict(json.loads(line) for line in lines)
    assert told.pop("claim")["data"]["fence"] == 1
    assert told == {
        "insert": {"data": [{"id": 1, "price": "12.3456", "version": 1}], "count": None, "status": 201},
        "update": {"data": [{"id": 1, "version": 2}], "count": None, "status": 200},
        "page": {"data": [{"id": 1}], "count": 1, "status": 200},
        "refusal": {"data": None, "code": "PT409", "count": None, "status": 409},
        "unknown": {"data": None, "code": "PGRST205", "count": None, "status": 404},
        "delete": {"data": None, "count": None, "status": 204},
        "events": [["INSERT", 1, None], ["UPDATE", 1, 1], ["DELETE", None, 1]],
    }
