-- A lease may be taken before its end from a dead process of one's own host, which only the caller can know:
-- p_heirs are the names of such owners. The new fence is above p_above too, so that it stays above those that
-- a caller remembers of a database that was restored from an older copy.

drop function if exists public.claim_lease(text, text, double precision, bigint);

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

revoke all on function public.claim_lease(text, text, double precision, bigint, text[], bigint)
  from public, anon, authenticated;
grant execute on function public.claim_lease(text, text, double precision, bigint, text[], bigint)
  to service_role;

notify pgrst, 'reload schema';
