-- Who owns an account. Each function is one transaction, and so is each call of the REST API.
-- Errors with the code PT409 become HTTP 409; the detail says who holds what.

-- Takes a lease that is free, has run out or is one's own. A retry by its owner gives the same fence;
-- a new owner, or the same one after the end, gets the next. With p_version it succeeds only while the
-- lease is still the one that was read (0 = there was none). It may be taken before its end from a dead process
-- of one's own host, which only the caller can know: p_heirs are the names of such owners. The new fence is above
-- p_above too, so that it stays above those that a caller remembers of a database restored from an older copy.
create or replace function public.claim_lease(
  p_account text, p_owner text, p_ttl_s double precision, p_version bigint default null,
  p_heirs text[] default '{}', p_above bigint default 0
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  held public.engine_leases;
  at_now timestamptz;
  mine boolean;
begin
  if p_ttl_s is null or p_ttl_s <= 0 or coalesce(p_owner, '') = '' or coalesce(p_account, '') = '' then
    raise exception 'a lease needs an account, an owner and a time above 0' using errcode = '22023';
  end if;
  insert into public.engine_leases (account, owner, fence, expires_at)
  values (p_account, '', 0, 'epoch') on conflict (account) do nothing;
  select * into strict held from public.engine_leases l where l.account = p_account for update;
  at_now := pg_catalog.clock_timestamp();
  if p_version is not null and p_version <> (case when held.fence = 0 then 0 else held.version end) then
    raise exception 'the lease of % has changed since it was read', p_account
      using errcode = 'PT409', detail = public.prahari_lease(held)::text;
  end if;
  if held.owner <> p_owner and held.expires_at > at_now and held.owner <> all (coalesce(p_heirs, '{}')) then
    raise exception 'the lease of % is held by %', p_account, held.owner
      using errcode = 'PT409', detail = public.prahari_lease(held)::text;
  end if;
  mine := held.owner = p_owner and held.expires_at > at_now and held.fence > coalesce(p_above, 0);
  update public.engine_leases l set
    owner = p_owner,
    fence = case when mine then held.fence else greatest(held.fence, coalesce(p_above, 0)) + 1 end,
    expires_at = at_now + pg_catalog.make_interval(secs => p_ttl_s)
  where l.account = p_account returning * into held;
  perform public.prahari_audit(p_account, p_owner, 'lease claimed', p_account, public.prahari_lease(held));
  return public.prahari_lease(held);
end
$$;

-- Prolongs one's own lease; after its end too, while nobody else has taken it.
create or replace function public.renew_lease(
  p_account text, p_owner text, p_fence bigint, p_ttl_s double precision
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  held public.engine_leases;
begin
  if p_ttl_s is null or p_ttl_s <= 0 then
    raise exception 'a lease needs a time above 0' using errcode = '22023';
  end if;
  update public.engine_leases l
  set expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => p_ttl_s)
  where l.account = p_account and l.owner = p_owner and l.fence = p_fence
  returning * into held;
  if not found then
    select * into held from public.engine_leases l where l.account = p_account;
    raise exception 'the lease of % is lost', p_account
      using errcode = 'PT409', detail = coalesce(public.prahari_lease(held)::text, 'null');
  end if;
  return public.prahari_lease(held);
end
$$;

-- Gives it back at once; true when it was one's own. The fence stays, so that the next one is higher.
create or replace function public.release_lease(p_account text, p_owner text, p_fence bigint) returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update public.engine_leases l set expires_at = pg_catalog.clock_timestamp()
  where l.account = p_account and l.owner = p_owner and l.fence = p_fence;
  if found then
    perform public.prahari_audit(
      p_account, p_owner, 'lease released', p_account, pg_catalog.jsonb_build_object('fence', p_fence));
    return true;
  end if;
  return false;
end
$$;

-- What is told of a lease.
create or replace function public.prahari_lease(held public.engine_leases) returns jsonb
language sql immutable
set search_path = ''
as $$
  select case when held.account is null then null else pg_catalog.jsonb_build_object(
    'account', held.account, 'owner', held.owner, 'fence', held.fence, 'version', held.version,
    'expires_at', held.expires_at) end
$$;

create or replace function public.prahari_audit(
  p_account text, p_actor text, p_kind text, p_ref text, p_detail jsonb
) returns void
language sql
set search_path = ''
as $$
  insert into public.audit (account, actor, kind, ref, detail)
  values (p_account, p_actor, p_kind, p_ref, coalesce(p_detail, '{}'))
$$;

-- Whether a write may happen: its fence is the newest. Without one it may while nobody holds a lease.
-- Holds the lease until the end of the transaction, so that no new owner comes between check and write.
create or replace function public.prahari_fenced(p_account text, p_fence bigint) returns text
language plpgsql
set search_path = ''
as $$
declare
  held public.engine_leases;
begin
  select * into held from public.engine_leases l where l.account = p_account for share;
  if p_fence is null and (held.account is null or held.expires_at <= pg_catalog.clock_timestamp()) then
    return 'engine';
  end if;
  if p_fence is not null and held.fence is not distinct from p_fence then
    return held.owner;
  end if;
  raise exception 'the lease of % is not held with fence %', p_account, coalesce(p_fence::text, '(none)')
    using errcode = 'PT409', detail = coalesce(public.prahari_lease(held)::text, 'null');
end
$$;
