-- Who may do what, and what realtime tells.

-- Row level security without policies: only service_role, which bypasses it, sees rows. Policies that the
-- owner has made stay.
alter table public.trades enable row level security;
alter table public.strategy_exit_levels enable row level security;
alter table public.exit_intents enable row level security;
alter table public.exit_orders enable row level security;
alter table public.audit enable row level security;
alter table public.engine_heartbeats enable row level security;
alter table public.engine_leases enable row level security;

-- Explicit, because newer projects grant nothing by themselves.
grant usage on schema public to service_role;
grant select, insert, update, delete on
  public.trades, public.strategy_exit_levels, public.exit_intents, public.exit_orders,
  public.engine_heartbeats, public.engine_leases to service_role;

-- Older projects grant everything on what is new: the audit is added to and never changed, and the tables
-- that only the engine knows are nobody else's.
revoke all on public.audit from service_role;
grant select, insert on public.audit to service_role;
revoke all on
  public.exit_intents, public.exit_orders, public.audit, public.engine_heartbeats, public.engine_leases
  from public, anon, authenticated;

-- The numbers of rows whose id counts by a sequence.
do $$
declare
  counter text;
begin
  foreach counter in array array['trades', 'strategy_exit_levels', 'audit'] loop
    counter := pg_catalog.pg_get_serial_sequence('public.' || counter, 'id');
    if counter is not null then
      execute pg_catalog.format('grant usage, select on sequence %s to service_role', counter);
    end if;
  end loop;
end
$$;

-- Everybody may execute a new function unless told otherwise.
do $$
declare
  ours regprocedure;
begin
  for ours in
    select p.oid::pg_catalog.regprocedure from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::pg_catalog.regnamespace
      and (p.proname like 'prahari\_%' or p.proname in (
        'claim_lease', 'renew_lease', 'release_lease', 'record_exit', 'close_trades', 'reduce_trades'))
  loop
    execute pg_catalog.format('revoke all on function %s from public, anon, authenticated', ours);
    execute pg_catalog.format('grant execute on function %s to service_role', ours);
  end loop;
end
$$;

-- Replica identity: FULL for the two tables that people edit, so that an update's event has the whole row
-- (a long value that did not change would be missing from it) and the row before it. They are small.
-- The canary changes every half minute and is asked only for its key: the primary key is enough.
-- A choice that the owner has made stays.
do $$
declare
  edited text;
begin
  foreach edited in array array['trades', 'strategy_exit_levels'] loop
    if (select c.relreplident from pg_catalog.pg_class c
        where c.oid = pg_catalog.format('public.%I', edited)::pg_catalog.regclass) = 'd' then
      execute pg_catalog.format('alter table public.%I replica identity full', edited);
    end if;
  end loop;
end
$$;

-- What realtime tells: what people edit, and the canary. Not the audit (many rows), nor what only the engine
-- writes. Without the publication (plain PostgreSQL) there is no realtime to tell.
do $$
declare
  told text;
begin
  if not exists (
    select 1 from pg_catalog.pg_publication where pubname = 'supabase_realtime' and not puballtables
  ) then
    return;
  end if;
  foreach told in array array['trades', 'strategy_exit_levels', 'engine_heartbeats'] loop
    if not exists (
      select 1 from pg_catalog.pg_publication_tables
      where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = told
    ) then
      execute pg_catalog.format('alter publication supabase_realtime add table public.%I', told);
    end if;
  end loop;
end
$$;

-- Let the REST API learn of new tables and functions at once.
notify pgrst, 'reload schema';
