-- What an exit cost and made, beside the row that it closed or the part that it took off a row.

alter table public.trades
  add column if not exists realised_pnl numeric(16, 2),
  add column if not exists exit_charges numeric(16, 2),
  add column if not exists exit_slippage numeric(16, 2),
  -- The line of the file of executions that these come from.
  add column if not exists exit_line text;

-- p_figures: [{n, row_id, exit_id, line, whole, realised_pnl, exit_charges, exit_slippage}, ...]; whole: the row
-- itself, else the part that this exit took off it. A row that has this line, or a later one, keeps what it
-- says. Answers [n, ...]: those whose row is not there.
create or replace function public.note_exits(p_account text, p_fence bigint, p_figures jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor text := public.prahari_fenced(p_account, p_fence);
  missing jsonb := '[]';
  written bigint := 0;
  told record;
  kept public.trades;
begin
  for told in
    select * from pg_catalog.jsonb_to_recordset(p_figures) as f(n bigint, row_id bigint, exit_id text, line text,
      whole boolean, realised_pnl numeric, exit_charges numeric, exit_slippage numeric) order by f.n
  loop
    select * into kept from public.trades t
    where case when told.whole then t.id = told.row_id
      else t.parent_id = told.row_id and t.exit_id = told.exit_id end
    for update;
    if not found then
      missing := missing || pg_catalog.to_jsonb(told.n);
    elsif coalesce(kept.exit_line, '') < told.line collate "C" then
      update public.trades t set
        realised_pnl = told.realised_pnl, exit_charges = told.exit_charges,
        exit_slippage = told.exit_slippage, exit_line = told.line
      where t.id = kept.id;
      written := written + 1;
    end if;
  end loop;
  if written > 0 then
    perform public.prahari_audit(p_account, actor, 'exits noted', p_account,
      pg_catalog.jsonb_build_object('figures', p_figures, 'missing', missing, 'fence', p_fence));
  end if;
  return missing;
end
$$;

revoke all on function public.note_exits(text, bigint, jsonb) from public, anon, authenticated;
grant execute on function public.note_exits(text, bigint, jsonb) to service_role;

notify pgrst, 'reload schema';
