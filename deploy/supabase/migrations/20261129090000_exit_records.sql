-- An exit that is told again as it stands leaves no line in the audit: the monitor says what it knows after
-- each start and after each lost answer, and only news are a story.
--
-- Ids of exits are ACCOUNT/EXIT (two accounts count theirs alike); detail->>'exit_id' is what rows of trades say.
create or replace function public.record_exit(
  p_account text, p_fence bigint, p_intent jsonb, p_orders jsonb default '[]'
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor text := public.prahari_fenced(p_account, p_fence);
  told public.exit_intents := pg_catalog.jsonb_populate_record(null::public.exit_intents, p_intent);
  kept public.exit_intents;
  intents bigint;
  orders bigint;
begin
  insert into public.exit_intents as i
    (id, account, strategy_id, rule, status, reason, pnl, fence, detail, created_at, ended_at)
  values (told.id, p_account, told.strategy_id, told.rule, told.status, coalesce(told.reason, ''), told.pnl,
    p_fence, coalesce(told.detail, '{}'), told.created_at, told.ended_at)
  on conflict (id) do update set
    status = excluded.status, reason = excluded.reason, pnl = excluded.pnl, fence = excluded.fence,
    detail = excluded.detail, ended_at = excluded.ended_at
  where i.account = excluded.account and i.ended_at is null
    and (i.status, i.reason, i.pnl, i.detail, i.ended_at) is distinct from
        (excluded.status, excluded.reason, excluded.pnl, excluded.detail, excluded.ended_at);
  get diagnostics intents = row_count;
  select * into strict kept from public.exit_intents i where i.id = told.id;
  if kept.account <> p_account then
    raise exception 'exit % belongs to account %', told.id, kept.account using errcode = 'PT409';
  end if;
  insert into public.exit_orders as o
    (id, intent_id, account, security_id, side, quantity, limit_price, filled, average, status,
     broker_order_id, sent_at)
  select n.id, told.id, p_account, n.security_id, n.side, n.quantity, n.limit_price, coalesce(n.filled, 0),
    n.average, n.status, n.broker_order_id, n.sent_at
  from pg_catalog.jsonb_populate_recordset(null::public.exit_orders, p_orders) n
  on conflict (id) do update set
    quantity = excluded.quantity, limit_price = excluded.limit_price, filled = excluded.filled,
    average = excluded.average, status = excluded.status,
    broker_order_id = coalesce(excluded.broker_order_id, o.broker_order_id),
    sent_at = coalesce(excluded.sent_at, o.sent_at)
  where o.intent_id = excluded.intent_id and o.filled <= excluded.filled
    and (o.quantity, o.limit_price, o.filled, o.average, o.status, o.broker_order_id) is distinct from
        (excluded.quantity, excluded.limit_price, excluded.filled, excluded.average, excluded.status,
         coalesce(excluded.broker_order_id, o.broker_order_id));
  get diagnostics orders = row_count;
  if intents + orders > 0 then
    perform public.prahari_audit(p_account, actor, 'exit recorded', told.id,
      pg_catalog.jsonb_build_object('intent', p_intent, 'orders', p_orders, 'fence', p_fence));
  end if;
  return pg_catalog.jsonb_build_object('id', kept.id, 'status', kept.status, 'version', kept.version,
    'orders_written', orders);
end
$$;

notify pgrst, 'reload schema';
