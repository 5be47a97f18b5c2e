-- version grows with every change and updated_at is the moment of it, whoever changes a row.
-- An updated_at without time zone, as an older table may have it, is UTC.

create or replace function public.prahari_stamp() returns trigger
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
begin
  new.version := case when tg_op = 'UPDATE' then coalesce(old.version, 0) + 1 else 1 end;
  new.updated_at := pg_catalog.clock_timestamp();
  return new;
end
$$;

-- Named to come last: a trigger of the owner's that sets updated_at too does not have the final word.
do $$
declare
  stamped text;
begin
  foreach stamped in array array[
    'trades', 'strategy_exit_levels', 'exit_intents', 'exit_orders', 'engine_heartbeats', 'engine_leases'
  ] loop
    execute pg_catalog.format(
      'create or replace trigger zz_prahari_stamp before insert or update on public.%I '
      'for each row execute function public.prahari_stamp()', stamped);
  end loop;
end
$$;
