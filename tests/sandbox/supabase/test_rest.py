"""The sandbox's REST API through the unmodified supabase client: reads, writes, rights, errors, faults."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from postgrest import APIError, CountMethod, ReturnMethod

from tests.support.supabase import NO_TLS, TRADE, client_of


def fails(code: str, words: str | None = None) -> Any:
    """Expect PostgREST's or PostgreSQL's error with this code."""
    return pytest.raises(APIError, match=words, check=lambda error: error.code == code)


async def many(house, count):
    await house.database.run(
        "insert into trades (strategy_id, symbol, action, type, quantity, order_status) "  # noqa: S608
        f"select n, 'NIFTY', 'BUY', 'CE', 65, 'OPEN' from generate_series(1, {count}) n"
    )


async def ids(query):
    return [row["id"] for row in (await query.execute()).data]


# --------------------------------------------------------------------------------------- reads


async def test_a_thousand_rows_are_given_whatever_is_asked(house):
    """A select silently ends at 1,000 rows; the count and pages tell that there are more."""
    await many(house, 1501)
    table = house.client.table("trades")
    assert len((await table.select("id").execute()).data) == 1000
    assert len((await table.select("id").limit(1200).execute()).data) == 1000
    page = await table.select("id", count=CountMethod.exact).order("id").range(1000, 1999).execute()
    assert (len(page.data), page.count) == (501, 1501)
    assert sorted(
        await ids(table.select("id").order("id").range(0, 999)) + [r["id"] for r in page.data]
    ) == list(range(1, 1502))


async def test_a_page_past_the_end(house):
    """Past the end a page is empty; asked with a count it is refused with 416."""
    await many(house, 3)
    table = house.client.table("trades")
    assert await ids(table.select("id").order("id").range(3, 5)) == []
    with fails("PGRST103", "Requested range not satisfiable"):
        await table.select("id", count=CountMethod.exact).range(4, 5).execute()


async def test_rows_are_counted_without_being_read(house):
    """A HEAD request has the count and no rows."""
    await many(house, 3)
    found = await house.client.table("trades").select("id", count=CountMethod.exact, head=True).execute()
    assert (found.data, found.count) == ([], 3)


async def test_a_range_header_is_a_page_too(house):
    """Rows may be asked for by a header; the answer's range says which they are, and of how many if asked."""
    await many(house, 5)
    headers = {"apikey": house.server.keys.secret, "Range": "1-2", "Prefer": "count=exact"}
    async with httpx.AsyncClient(verify=NO_TLS, headers=headers) as plain:
        answer = await plain.get(f"{house.server.url}/rest/v1/trades?select=id&order=id")
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, "1-2/5")
        assert answer.json() == [{"id": 2}, {"id": 3}]
        answer = await plain.get(f"{house.server.url}/rest/v1/trades?select=id", headers={"Range": "3-"})
        assert (answer.headers["Content-Range"], len(answer.json())) == ("3-4/5", 2)


async def test_the_owners_limit_of_rows_can_be_another(house):
    """The lever ``max_rows`` stands for the setting of the project."""
    await many(house, 5)
    house.server.faults.max_rows = 2
    assert await ids(house.client.table("trades").select("id").order("id")) == [1, 2]


async def test_text_keeps_what_json_numbers_lose(house):
    """Numeric columns come as floats; with ::text every digit is there."""
    await house.put(margin="99999999999999.99", price="20.0500")
    (row,) = (
        await house.client.table("trades").select("margin,exact:margin::text,price::text").execute()
    ).data
    assert row == {"margin": 99999999999999.98, "exact": "99999999999999.99", "price": "20.0500"}


async def test_filters_choose_rows(house):
    """Every operator, negation, lists, null and trees choose what SQL would."""
    for number, symbol in enumerate(("NIFTY", "BANKNIFTY", "SENSEX", "M&M, LTD."), 1):
        await house.put(strategy_id=number, symbol=symbol, exit_price=None if number > 2 else "1.00")

    def choose():
        return house.client.table("trades").select("id")

    cases = [
        (choose().eq("symbol", "NIFTY"), [1]),
        (choose().neq("symbol", "NIFTY"), [2, 3, 4]),
        (choose().gt("strategy_id", 2), [3, 4]),
        (choose().gte("strategy_id", 2).lt("strategy_id", 4), [2, 3]),
        (choose().lte("strategy_id", 1), [1]),
        (choose().in_("symbol", ["NIFTY", "M&M, LTD."]), [1, 4]),
        (choose().in_("symbol", []), []),
        (choose().not_.in_("id", [1, 2]), [3, 4]),
        (choose().is_("exit_price", "null"), [3, 4]),
        (choose().not_.is_("exit_price", "null"), [1, 2]),
        (choose().like("symbol", "%NIFTY"), [1, 2]),
        (choose().or_('id.eq.1,and(id.gt.2,symbol.eq."M&M, LTD.")'), [1, 4]),
        (choose().or_("id.not.gt.1,symbol.in.(SENSEX,NIFTY)"), [1, 3]),
        (choose().gt("updated_at", "2999-01-01T00:00:00+00:00"), []),
        (choose().eq("symbol", "x' or true --"), []),
    ]
    for query, expected in cases:
        assert await ids(query.order("id")) == expected, query.request.params
    assert await ids(choose().order("exit_price", desc=True, nullsfirst=True).order("id", desc=True)) == [
        4,
        3,
        2,
        1,
    ]


async def test_one_row_or_an_error(house):
    """single() wants exactly one, maybe_single() gives nothing for none."""
    one = await house.put()
    table = house.client.table("trades").select("id")
    assert (await table.eq("id", one).single().execute()).data == {"id": one}
    with fails("PGRST116"):
        await house.client.table("trades").select("id").eq("id", 99).single().execute()
    assert await house.client.table("trades").select("id").eq("id", 99).maybe_single().execute() is None


async def test_a_json_column_is_looked_into(house):
    """An arrow goes into jsonb, in columns and in filters."""
    await house.database.run(
        "insert into audit (account, actor, kind, ref, detail) values "
        """('a', 'b', 'k', 'r', '{"rows": [{"id": 7}], "why": "x"}')"""
    )
    found = await house.client.table("audit").select("detail->rows->0->>id").eq("detail->>why", "x").execute()
    assert found.data == [{"id": "7"}]


# -------------------------------------------------------------------------------------- writes


async def test_an_insert_gives_the_rows_back(house):
    """Inserted rows come back with what the database added; asked for less, nothing comes."""
    table = house.client.table("trades")
    (row,) = (await table.insert(TRADE).execute()).data
    assert (row["id"], row["version"], row["account"]) == (1, 1, "default")
    both = await table.insert([TRADE, TRADE], returning=ReturnMethod.minimal).execute()
    assert both.data == []
    assert len((await table.select("id").execute()).data) == 3


async def test_rows_of_a_bulk_insert_are_all_or_none(house):
    """One bad row takes the others back; a key that only some rows have is NULL in the others, or default."""
    table = house.client.table("trades")
    with fails("23514"):
        await table.insert([TRADE, TRADE | {"quantity": 0}]).execute()
    with fails("23502"):
        await table.insert([TRADE | {"account": "x"}, TRADE]).execute()
    rows = (await table.insert([TRADE | {"account": "x"}, TRADE], default_to_null=False).execute()).data
    assert [row["account"] for row in rows] == ["x", "default"]


async def test_an_upsert_merges_or_ignores(house):
    """A known key gets new values, or is left and not given back."""
    table = house.client.table("engine_heartbeats")
    await table.upsert({"id": "a", "beat": 1}).execute()
    (row,) = (await table.upsert({"id": "a", "beat": 2}).execute()).data
    assert (row["beat"], row["version"]) == (2, 2)
    ignored = await table.upsert(
        [{"id": "a", "beat": 3}, {"id": "b", "beat": 3}], ignore_duplicates=True
    ).execute()
    assert [(row["id"], row["beat"]) for row in ignored.data] == [("b", 3)]


async def test_an_update_of_what_was_seen_wins_once(house):
    """Compare-and-set by version: the first writer gets the row, the second gets nothing, and no error."""
    one = await house.put()
    wish = {"quantity": 65}
    table = house.client.table("trades")
    first = await table.update(wish).eq("id", one).eq("version", 1).execute()
    second = await table.update(wish).eq("id", one).eq("version", 1).execute()
    assert ([row["version"] for row in first.data], second.data) == ([2], [])


async def test_writes_without_a_condition_are_refused(house):
    """No filter, no update and no delete, as on the hosted database."""
    await house.put()
    with fails("21000", "UPDATE requires a WHERE clause"):
        await house.client.table("trades").update({"quantity": 1}).execute()
    with fails("21000", "DELETE requires a WHERE clause"):
        await house.client.table("trades").delete().execute()


async def test_too_many_rows_are_taken_back(house):
    """``max_affected`` undoes a write that reached further than meant."""
    for _ in range(2):
        await house.put()
    with fails("PGRST124"):
        await (
            house.client.table("trades")
            .update({"quantity": 65})
            .eq("symbol", "NIFTY")
            .max_affected(1)
            .execute()
        )
    assert {
        row["quantity"] for row in (await house.client.table("trades").select("quantity").execute()).data
    } == {130}


async def test_a_delete_gives_what_is_gone(house):
    """Deleted rows come back once."""
    one = await house.put()
    table = house.client.table("trades")
    assert [row["id"] for row in (await table.delete().eq("id", one).execute()).data] == [one]
    assert (await table.delete().eq("id", one).execute()).data == []


# ------------------------------------------------------------------------- errors and functions


async def test_errors_have_their_codes(house):
    """What PostgreSQL and PostgREST refuse comes with their own codes."""
    one = await house.put()
    table = house.client.table
    cases = [
        ("PGRST205", table("nothing").select("*")),
        ("42703", table("trades").select("nothing")),
        ("PGRST204", table("trades").update({"nothing": 1}).eq("id", one)),
        ("22P02", table("trades").select("id").eq("id", "x")),
        ("23505", table("trades").insert(TRADE | {"id": one})),
        ("23514", table("trades").update({"quantity": -1}).eq("id", one)),
        ("23503", table("exit_orders").insert(
            {"id": "o", "intent_id": "x", "account": "a", "security_id": 1, "side": "BUY", "quantity": 1,
             "status": "s"}
        )),
        ("PGRST202", house.client.rpc("nothing", {})),
        ("PGRST202", house.client.rpc("claim_lease", {"p_account": "default"})),
        ("PGRST100", table("trades").select("id").filter("id", "near", "5")),
        ("22023", house.client.rpc("claim_lease", {"p_account": "", "p_owner": "", "p_ttl_s": 1})),
    ]  # fmt: skip
    for code, query in cases:
        with fails(code):
            await query.execute()


async def test_a_function_is_called_by_names(house):
    """Arguments go by name, defaults may be left out, and the answer is JSON."""
    lease = (
        await house.client.rpc("claim_lease", {"p_account": "a", "p_owner": "me", "p_ttl_s": 30}).execute()
    ).data
    assert (lease["owner"], lease["fence"]) == ("me", 1)
    given = {"p_account": "a", "p_owner": "me", "p_fence": 1}
    assert (await house.client.rpc("release_lease", given).execute()).data is True


async def test_a_refusal_of_a_function_is_409_and_takes_everything_back(house):
    """PT409 arrives as the error's code with its detail, and the function's writes are undone."""
    terms = {"p_account": "a", "p_ttl_s": 30}
    await house.client.rpc("claim_lease", terms | {"p_owner": "me"}).execute()
    with fails("PT409", "the lease of a is held by me") as refused:
        await house.client.rpc("claim_lease", terms | {"p_owner": "you"}).execute()
    assert '"fence": 1' in refused.value.details
    assert house.server.rest.calls[-1][2] == 409
    assert len(await house.database.rows("select * from audit")) == 1


async def test_a_read_cannot_write(house):
    """A function that changes something is refused by GET, because a read is a read-only transaction."""
    with fails("25006"):
        await house.client.rpc(
            "claim_lease", {"p_account": "a", "p_owner": "b", "p_ttl_s": 1}, get=True
        ).execute()


# ---------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("kind", ["secret", "service_jwt"])
async def test_both_kinds_of_service_keys_see_everything(house, kind):
    """A new secret key and a legacy service_role token act alike."""
    one = await house.put()
    async with client_of(house.server, getattr(house.server.keys, kind)) as client:
        assert await ids(client.table("trades").select("id")) == [one]


@pytest.mark.parametrize("kind", ["publishable", "anon_jwt"])
async def test_row_level_security_hides_rows_without_a_word(house, kind):
    """The keys of the owner's old guide see no rows and write none, and only an insert says why."""
    one = await house.put()
    async with client_of(house.server, getattr(house.server.keys, kind)) as client:
        assert await ids(client.table("trades").select("id")) == []
        assert (await client.table("trades").update({"quantity": 1}).eq("id", one).execute()).data == []
        assert (await client.table("trades").delete().eq("id", one).execute()).data == []
        with fails("42501", "row-level security"):
            await client.table("trades").insert(TRADE).execute()
        with fails("42501", "permission denied for table audit"):
            await client.table("audit").select("*").execute()
        with fails("42501", "permission denied for function claim_lease"):
            await client.rpc("claim_lease", {"p_account": "a", "p_owner": "b", "p_ttl_s": 1}).execute()
    assert house.server.rest.calls[-1][2] == 401


async def test_keys_and_tokens_that_are_none(house):
    """An unknown key, a forged token and an expired one are refused, each in its own words."""
    keys = house.server.keys
    head, _, tail = keys.token("service_role", 60).rpartition(".")
    cases = [
        ("sb_secret_of_somebody_else", "Invalid API key"),
        (f"{head}.{tail[::-1]}", "Invalid API key"),
        (keys.token("service_role", -5), "JWT expired"),
    ]
    for key, words in cases:
        async with client_of(house.server, key) as client:
            with pytest.raises(APIError, match=words):
                await client.table("trades").select("id").execute()
    async with httpx.AsyncClient(verify=NO_TLS) as plain:
        answer = await plain.get(f"{house.server.url}/rest/v1/trades")
        assert (answer.status_code, answer.json()["message"]) == (401, "No API key found in request")
        bearer = {"apikey": keys.publishable, "Authorization": f"Bearer {keys.token('service_role', 60)}"}
        await house.put()
        assert len((await plain.get(f"{house.server.url}/rest/v1/trades", headers=bearer)).json()) == 1
        bearer["Authorization"] = f"Bearer {keys.token('service_role', -5)}"
        assert (await plain.get(f"{house.server.url}/rest/v1/trades", headers=bearer)).json()[
            "code"
        ] == "PGRST303"


# -------------------------------------------------------------------------------------- faults


async def test_a_gateways_page_has_no_code_of_the_database(house):
    """502 with HTML: the client makes the status a code; the write was not done, the next one is."""
    house.server.faults.fail(502, times=2, path="trades")
    for _ in range(2):
        with fails("502"):
            await house.client.table("trades").insert(TRADE).execute()
    await house.client.table("trades").insert(TRADE).execute()
    assert len(await house.database.rows("select 1 from trades")) == 1


async def test_too_many_requests_have_no_code(house):
    """429 with a JSON body of the gateway: there is no code at all."""
    house.server.faults.fail(429, body={"message": "API rate limit exceeded"})
    with pytest.raises(APIError, match="rate limit", check=lambda error: error.code is None):
        await house.client.table("trades").select("id").execute()


async def test_a_lost_reply_is_a_write_that_happened(house):
    """The connection ends after the write: the caller cannot know, and asks again for the same."""
    house.server.faults.lose_reply(path="rpc/claim_lease")
    terms = {"p_account": "a", "p_owner": "me", "p_ttl_s": 30}
    with pytest.raises(httpx.TransportError):
        await house.client.rpc("claim_lease", terms).execute()
    assert (await house.client.rpc("claim_lease", terms).execute()).data["fence"] == 1


async def test_a_dropped_call_did_nothing(house):
    """The connection ends before anything is done."""
    house.server.faults.drop()
    with pytest.raises(httpx.TransportError):
        await house.client.table("trades").insert(TRADE).execute()
    assert not await house.database.rows("select 1 from trades")


async def test_a_hanging_call_ends_when_faults_are_cleared(house):
    """No answer, however long one waits; cleared, the connection ends."""
    house.server.faults.hang()
    call = asyncio.create_task(house.client.table("trades").select("id").execute())
    done, _ = await asyncio.wait([call], timeout=0.1)
    assert not done
    house.server.faults.clear()
    with pytest.raises(httpx.TransportError):
        await call


async def test_a_slow_answer_is_late_and_true(house):
    """What is asked is done at once and told late."""
    house.server.faults.slow(0.15)
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    assert len((await house.client.table("trades").insert(TRADE).execute()).data) == 1
    assert loop.time() - begun_s >= 0.15


async def test_an_empty_answer_looks_like_no_rows(house):
    """The worst answer: well formed, status 200, and no rows although there are some."""
    one = await house.put()
    house.server.faults.empty()
    assert await ids(house.client.table("trades").select("id")) == []
    assert await ids(house.client.table("trades").select("id")) == [one]


async def test_an_outage_keeps_the_port(house):
    """Stopped, nobody listens; started again, the same client goes on."""
    one = await house.put()
    await house.server.stop()
    with pytest.raises(httpx.ConnectError):
        await house.client.table("trades").select("id").execute()
    await house.server.start()
    assert await ids(house.client.table("trades").select("id")) == [one]
