-- Words about an exit are counted, so that a call that was given up and is carried out late cannot undo what a
-- later one has said: fills alone do not tell which of two words with the same fills is the newer.

alter table public.exit_intents add column if not exists word bigint;

-- p_intent may have `word`: above that of every earlier call for this exit. One that is not above the kept one
-- changes nothing, and is told that one; a call without it is taken as it comes.
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
  news boolean;
  intents bigint;
  orders bigint;
begin
  insert into public.exit_intents
    (id, account, strategy_id, rule, status, reason, pnl, fence, detail, created_at, ended_at, word)
  values (told.id, p_account, told.strategy_id, told.rule, told.status, coalesce(told.reason, ''), told.pnl,
    p_fence, coalesce(told.detail, '{}'), told.created_at, told.ended_at, told.word)
  on conflict (id) do nothing;
  get diagnostics intents = row_count;
  select * into strict kept from public.exit_intents i where i.id = told.id for update;
  if kept.account <> p_account then
    raise exception 'exit % belongs to account %', told.id, kept.account using errcode = 'PT409';
  end if;
  if intents = 0 and kept.word >= told.word then
    return pg_catalog.jsonb_build_object('id', kept.id, 'status', kept.status, 'version', kept.version,
      'word', kept.word, 'orders_written', 0);
  end if;
  news := kept.ended_at is null
    and (kept.status, kept.reason, kept.pnl, kept.detail, kept.ended_at) is distinct from
        (told.status, coalesce(told.reason, ''), told.pnl, coalesce(told.detail, '{}'), told.ended_at);
  if news then
    update public.exit_intents i set
      status = told.status, reason = coalesce(told.reason, ''), pnl = told.pnl, fence = p_fence,
      detail = coalesce(told.detail, '{}'), ended_at = told.ended_at, word = coalesce(told.word, i.word)
    where i.id = told.id returning * into kept;
  elsif kept.word is distinct from coalesce(told.word, kept.word) then
    update public.exit_intents i set word = told.word where i.id = told.id returning * into kept;
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
  if news or intents + orders > 0 then
    perform public.prahari_audit(p_account, actor, 'exit recorded', told.id,
      pg_catalog.jsonb_build_object('intent', p_intent, 'orders', p_orders, 'fence', p_fence));
  end if;
  return pg_catalog.jsonb_build_object('id', kept.id, 'status', kept.status, 'version', kept.version,
    'word', kept.word, 'orders_written', orders);
end
$$;

notify pgrst, 'reload schema';
