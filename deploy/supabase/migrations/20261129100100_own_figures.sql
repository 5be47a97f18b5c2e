-- Figures of an exit go to rows that this exit has closed, and to no others: a row that somebody has changed or
-- closed meanwhile is left as it is, in every column. One that is still open may be closed yet, and is told as missing.
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
    if not found or (kept.exit_id is distinct from told.exit_id and public.prahari_open(kept.order_status)) then
      missing := missing || pg_catalog.to_jsonb(told.n);
    elsif kept.exit_id = told.exit_id and coalesce(kept.exit_line, '') < told.line collate "C" then
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

notify pgrst, 'reload schema';
