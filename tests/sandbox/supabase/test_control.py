"""The sandbox's Supabase driven over HTTP, as a test in another process would."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.sandbox.supabase.ear import Ear
from tests.support.supabase import NO_TLS


@pytest.fixture
async def http(house) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{house.server.url}/sandbox", verify=NO_TLS) as client:
        yield client


async def test_what_happened_is_told(house, http):
    """Calls with their status, sockets and channels can be seen from outside."""
    await (await Ear().join(house.client)).live()
    await house.client.table("trades").select("id").execute()
    state = (await http.get("/state")).json()
    assert state == {
        "calls": [["GET", "/rest/v1/trades?select=id", 200]],
        "sockets": 1,
        "channels": ["realtime:watch"],
        "live": 1,
    }


async def test_levers_can_be_pulled_from_outside(house, http):
    """Faults are armed by name, switches set by field, and everything is cleared again."""
    armed = await http.post("/faults", json={"arm": "fail", "status": 503, "times": 2, "path": "trades"})
    assert (armed.status_code, armed.json()) == (200, {"armed": 2})
    await http.post("/faults", json={"realtime": {"silent": True, "lag_s": 0.5}, "max_rows": 10})
    faults = house.server.faults
    assert (faults.realtime.silent, faults.realtime.lag_s, faults.max_rows) == (True, 0.5, 10)
    assert (await http.post("/faults", json={"arm": "clear"})).json() == {"armed": 0}
    assert (faults.realtime.silent, faults.max_rows) == (False, 1000)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"arm": "explode"}, "expected one of clear"),
        ({"realtime": {"silent": 1}}, "expected a value like False"),
        ({"realtime": {"loud": True}}, "expected one of silent"),
        ({"max_rows": "ten"}, "expected a value like 1000"),
        ({"everything": True}, "expected one of arm"),
        ({"arm": "slow", "hours": 1}, "unexpected keyword argument"),
    ],
)
async def test_what_makes_no_sense_is_refused(http, wish, words):
    """An unknown name or a wrong value is answered with 400 and what was expected."""
    answer = await http.post("/faults", json=wish)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
