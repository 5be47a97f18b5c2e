-- `python -m engine import` into the tables that people edit: a file is one call, and a call is one transaction.

-- Adds rows of trades, if what is there of their legs is what the caller has seen.
-- p_rows: [{add, account, strategy_id, ...}, ...], the columns of trades; add false = the caller knows it as there.
-- p_seen: [[id, version], ...] in the order of ids: the rows with the account, strategy, order id and moment of
-- one of p_rows, and the parts taken off them.
-- Answers {there, added}: the ids that were added, and there null; or added null, nothing written, and there the
-- rows that p_seen should have named. So a call that comes twice, or late, adds nothing twice.
create or replace function public.import_trades(p_rows jsonb, p_seen jsonb default '[]') returns jsonb
language plpgsql
set search_path = ''
set timezone = 'Asia/Kolkata'
as $$
declare
  there jsonb;
  seen jsonb;
  written jsonb;
  mine record;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('prahari import'));
  with wishes as materialized (
    select distinct public.prahari_account(w.account) as account, w.strategy_id, w.order_id, w."timestamp"
    from pg_catalog.jsonb_to_recordset(p_rows)
      as w(account text, strategy_id bigint, order_id text, "timestamp" timestamptz)
  ), theirs as materialized (
    select t.id, t.strategy_id, t."timestamp"::timestamptz as at, public.prahari_account(t.account) as account,
      pg_catalog.btrim(coalesce(t.order_id::text, '')) as order_id
    from public.trades t
    where t.strategy_id in (select w.strategy_id from wishes w)
  ), kin as materialized (
    select h.id from theirs h join wishes w
      on (h.account, h.strategy_id, h.order_id, h.at) = (w.account, w.strategy_id, w.order_id, w."timestamp")
    union
    select h.id from (select * from theirs where pg_catalog.strpos(theirs.order_id, '/') > 0) h join wishes w
      on (h.account, h.strategy_id, h.at) = (w.account, w.strategy_id, w."timestamp")
      and pg_catalog.starts_with(h.order_id, w.order_id || '/')
  )
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'id', t.id, 'version', t.version, 'parent_id', t.parent_id, 'account', t.account,
      'strategy_id', t.strategy_id, 'symbol', t.symbol, 'strategy', t.strategy, 'security_id', t.security_id,
      'action', t.action, 'type', t.type, 'strike_price', t.strike_price::text, 'expiry_date', t.expiry_date,
      'quantity', t.quantity, 'price', t.price::text, 'order_id', t.order_id, 'order_status', t.order_status,
      'timestamp', t."timestamp"::timestamptz, 'exchange_segment', t.exchange_segment, 'rule_set', t.rule_set,
      'margin', t.margin::text) order by t.id), '[]'),
    coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(t.id, t.version) order by t.id), '[]')
  into there, seen
  from public.trades t
  where t.id in (select kin.id from kin) or t.parent_id in (select kin.id from kin);
  if seen <> p_seen then
    return pg_catalog.jsonb_build_object('there', there, 'added', null);
  end if;
  with added as (
    insert into public.trades as t
      (account, strategy_id, symbol, strategy, security_id, action, type, strike_price, expiry_date, quantity,
       price, order_id, order_status, "timestamp", rule_set, margin, exit_price, closed_at, realised_pnl,
       exit_charges, exit_slippage, exit_line)
    select n.account, n.strategy_id, n.symbol, n.strategy, n.security_id, n.action, n.type, n.strike_price,
      n.expiry_date, n.quantity, n.price, n.order_id, n.order_status, n."timestamp", n.rule_set, n.margin,
      n.exit_price, n.closed_at, n.realised_pnl, n.exit_charges, n.exit_slippage, n.exit_line
    from pg_catalog.jsonb_populate_recordset(null::public.trades, pg_catalog.jsonb_path_query_array(
      p_rows, '$[*] ? (@.add == true)')) n
    returning t.id, t.account
  ), by_account as (
    select a.account, pg_catalog.jsonb_agg(a.id order by a.id) as ids from added a group by a.account
  )
  select pg_catalog.jsonb_object_agg(b.account, b.ids) into written from by_account b;
  for mine in select * from pg_catalog.jsonb_each(written) loop
    perform public.prahari_audit(mine.key, 'import', 'trades imported', mine.key,
      pg_catalog.jsonb_build_object('ids', mine.value));
  end loop;
  return pg_catalog.jsonb_build_object('there', null, 'added', coalesce(
    pg_catalog.jsonb_path_query_array(written, '$.*[*]'), '[]'));
end
$$;

-- Adds rows of strategy_exit_levels, or gives those with the same strategy, exit type, level name and trigger type
-- their new values; p_levels: [{strategy_id, exit_type, level_name, trigger_type, trigger_value, close_percentage,
-- enabled}, ...]. Answers {added, changed, already}: how many of each.
create or replace function public.import_exit_levels(p_levels jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  wish record;
  kept record;
  counts bigint[] := array[0, 0, 0];
  number_at text := public.prahari_level_column('trigger_value', 'value');
  share_at text := public.prahari_level_column('close_percentage', 'close_percent');
  switch_at text := public.prahari_level_column('enabled', 'is_active');
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('prahari import'));
  for wish in
    select * from pg_catalog.jsonb_to_recordset(p_levels) as w(strategy_id bigint, exit_type text, level_name text,
      trigger_type text, trigger_value numeric, close_percentage numeric, enabled boolean)
  loop
    execute pg_catalog.format(
      'select l.id, (l.%I::numeric, l.%I::numeric, coalesce(l.%I::boolean, true)) '
      'is not distinct from ($5, $6, $7) as same from public.strategy_exit_levels l '
      'where l.strategy_id = $1 and lower(btrim(l.exit_type)) = $2 and lower(btrim(l.trigger_type)) = $4 '
      'and coalesce(nullif(lower(btrim(l.level_name)), ''''), ''primary'') = $3 order by l.id limit 1 for update',
      number_at, share_at, switch_at)
    into kept using wish.strategy_id, wish.exit_type, wish.level_name, wish.trigger_type, wish.trigger_value,
      wish.close_percentage, wish.enabled;
    if kept.id is null then
      execute pg_catalog.format(
        'insert into public.strategy_exit_levels (strategy_id, exit_type, level_name, trigger_type, %I, %I, %I) '
        'values ($1, $2, $3, $4, $5, $6, $7)', number_at, share_at, switch_at)
      using wish.strategy_id, wish.exit_type, wish.level_name, wish.trigger_type, wish.trigger_value,
        wish.close_percentage, wish.enabled;
      counts[1] := counts[1] + 1;
    elsif kept.same then
      counts[3] := counts[3] + 1;
    else
      execute pg_catalog.format(
        'update public.strategy_exit_levels set %I = $2, %I = $3, %I = $4 where id = $1',
        number_at, share_at, switch_at)
      using kept.id, wish.trigger_value, wish.close_percentage, wish.enabled;
      counts[2] := counts[2] + 1;
    end if;
  end loop;
  if counts[1] + counts[2] > 0 then
    perform public.prahari_audit('default', 'import', 'exit levels imported', 'strategy_exit_levels',
      pg_catalog.jsonb_build_object('levels', p_levels));
  end if;
  return pg_catalog.jsonb_build_object('added', counts[1], 'changed', counts[2], 'already', counts[3]);
end
$$;

-- A column of levels by our name, or by the other one that an older table has.
create or replace function public.prahari_level_column(ours text, theirs text) returns text
language sql stable
set search_path = ''
as $$
  select case when exists (
    select 1 from pg_catalog.pg_attribute a
    where a.attrelid = 'public.strategy_exit_levels'::pg_catalog.regclass and a.attname = ours
      and not a.attisdropped
  ) then ours else theirs end
$$;

revoke all on function public.import_trades(jsonb, jsonb), public.import_exit_levels(jsonb),
  public.prahari_level_column(text, text) from public, anon, authenticated;
grant execute on function public.import_trades(jsonb, jsonb), public.import_exit_levels(jsonb),
  public.prahari_level_column(text, text) to service_role;

notify pgrst, 'reload schema';
