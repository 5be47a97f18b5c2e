-- Two versions never share an account: an owner is called host:process:chance:generation, and who is of an older
-- generation than the last owner does not get the lease, not even after its end. A newer one gets it as before.

create or replace function public.prahari_generation(owner text) returns integer
language sql immutable
set search_path = ''
as $$
  select case when pg_catalog.split_part(owner, ':', 4) ~ '^[0-9]{1,6}$'
    then pg_catalog.split_part(owner, ':', 4)::integer else 0 end
$$;

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
  if public.prahari_generation(held.owner) > public.prahari_generation(p_owner) then
    raise exception 'the last owner of % was a newer version', p_account
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

revoke all on function public.prahari_generation(text) from public, anon, authenticated;
grant execute on function public.prahari_generation(text) to service_role;
