-- What an exit writes. Every function may be called again with the same arguments: what is done already
-- is told as such and not done twice. Amounts come and go as text or JSON numbers and are numeric here.

-- Writes an exit and any number of its orders as they stand now.
-- p_intent: id, strategy_id, rule, status, created_at; perhaps reason, pnl, detail, ended_at.
-- p_orders: [{id, security_id, side, quantity, status}, ...]; perhaps limit_price, filled, average,
-- broker_order_id, sent_at. An exit that has ended stays so, and no order loses fills: a late call with
-- older news changes nothing.
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
    and (i.status, i.reason, i.pnl, i.fence, i.detail, i.ended_at) is distinct from
        (excluded.status, excluded.reason, excluded.pnl, excluded.fence, excluded.detail, excluded.ended_at);
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
  perform public.prahari_audit(p_account, actor, 'exit recorded', told.id,
    pg_catalog.jsonb_build_object('intent', p_intent, 'orders', p_orders, 'fence', p_fence));
  return pg_catalog.jsonb_build_object('id', kept.id, 'status', kept.status, 'version', kept.version,
    'orders_written', orders);
end
$$;

-- Marks rows as closed. p_rows: [{id, quantity, version, exit_price}, ...]; quantity and version are what
-- the caller last saw (version null = not compared), exit_price null = nobody here traded the row.
-- Answers {done: [{id, version}], already: [...], conflicts: [{id, why, found}], missing: [id]}: rows that
-- somebody else has changed meanwhile are told and left, the others are closed.
create or replace function public.close_trades(
  p_account text, p_fence bigint, p_exit_id text, p_closed_at timestamptz, p_rows jsonb
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor text := public.prahari_fenced(p_account, p_fence);
  answer jsonb := public.prahari_answer();
  wish record;
  kept public.trades;
begin
  for wish in
    select * from pg_catalog.jsonb_to_recordset(p_rows)
      as w(id bigint, quantity bigint, version bigint, exit_price numeric) order by w.id
  loop
    select * into kept from public.trades t where t.id = wish.id and public.prahari_account(t.account) = p_account for update;
    if not found then
      answer := public.prahari_put(answer, 'missing', pg_catalog.to_jsonb(wish.id));
    elsif not public.prahari_open(kept.order_status) then
      answer := public.prahari_put(answer,
        case when kept.exit_id is not distinct from p_exit_id then 'already' else 'conflicts' end,
        public.prahari_found(kept, 'closed'));
    elsif wish.version <> kept.version or wish.quantity is distinct from kept.quantity then
      answer := public.prahari_put(answer, 'conflicts', public.prahari_found(kept, 'changed'));
    else
      update public.trades t set
        order_status = 'CLOSED', exit_price = wish.exit_price, closed_at = p_closed_at, exit_id = p_exit_id
      where t.id = kept.id returning * into kept;
      answer := public.prahari_put(answer, 'done', public.prahari_found(kept, 'closed'));
    end if;
  end loop;
  perform public.prahari_audit(p_account, actor, 'trades closed', p_exit_id,
    pg_catalog.jsonb_build_object('asked', p_rows, 'answer', answer, 'fence', p_fence));
  return answer;
end
$$;

-- Takes verified parts off rows. p_parts: [{id, before, after, version, exit_price}, ...] in units. The row
-- keeps its id with what is left; the part becomes a CLOSED row of its own with every other column of the
-- row, parent_id, exit_id, its share of the margin, and an order_id that ends in "/" and the exit's id.
-- Answers like close_trades; done also has part_id.
create or replace function public.reduce_trades(
  p_account text, p_fence bigint, p_exit_id text, p_closed_at timestamptz, p_parts jsonb
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor text := public.prahari_fenced(p_account, p_fence);
  answer jsonb := public.prahari_answer();
  wish record;
  kept public.trades;
  part bigint;
begin
  for wish in
    select * from pg_catalog.jsonb_to_recordset(p_parts)
      as w(id bigint, before bigint, after bigint, version bigint, exit_price numeric) order by w.id
  loop
    if not coalesce(wish.after > 0 and wish.after < wish.before, false) then
      raise exception 'row %: a part leaves something and takes something: before %, after %',
        wish.id, wish.before, wish.after using errcode = '22023';
    end if;
    select * into kept from public.trades t where t.id = wish.id and public.prahari_account(t.account) = p_account for update;
    select t.id into part from public.trades t where t.parent_id = wish.id and t.exit_id = p_exit_id;
    if kept.id is null then
      answer := public.prahari_put(answer, 'missing', pg_catalog.to_jsonb(wish.id));
    elsif part is not null then
      answer := public.prahari_put(answer, 'already',
        public.prahari_found(kept, 'reduced') || pg_catalog.jsonb_build_object('part_id', part));
    elsif not public.prahari_open(kept.order_status) then
      answer := public.prahari_put(answer, 'conflicts', public.prahari_found(kept, 'closed'));
    elsif wish.version <> kept.version or wish.before is distinct from kept.quantity then
      answer := public.prahari_put(answer, 'conflicts', public.prahari_found(kept, 'changed'));
    else
      part := public.prahari_split(kept, wish.after, p_exit_id, wish.exit_price, p_closed_at);
      select * into strict kept from public.trades t where t.id = wish.id;
      answer := public.prahari_put(answer, 'done',
        public.prahari_found(kept, 'reduced') || pg_catalog.jsonb_build_object('part_id', part));
    end if;
  end loop;
  perform public.prahari_audit(p_account, actor, 'trades reduced', p_exit_id,
    pg_catalog.jsonb_build_object('asked', p_parts, 'answer', answer, 'fence', p_fence));
  return answer;
end
$$;

-- One row becomes two; the id of the closed one. Columns of the owner's that we know nothing of are copied
-- too (generated ones apart), and an order_id that has too little room is cut to its length.
create or replace function public.prahari_split(
  whole public.trades, p_after bigint, p_exit_id text, p_exit_price numeric, p_closed_at timestamptz
) returns bigint
language plpgsql
set search_path = ''
as $$
declare
  stays numeric := pg_catalog.trunc(whole.margin * p_after / whole.quantity, 2);
  room integer;
  names text;
  part public.trades;
  part_id bigint;
begin
  select nullif(a.atttypmod, -1) - 4 into room from pg_catalog.pg_attribute a
  where a.attrelid = 'public.trades'::pg_catalog.regclass and a.attname = 'order_id';
  select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ') into names
  from pg_catalog.pg_attribute a
  where a.attrelid = 'public.trades'::pg_catalog.regclass and a.attnum > 0 and a.attname <> 'id'
    and not a.attisdropped and a.attgenerated = '' and a.attidentity = '';
  part := whole;
  part.quantity := whole.quantity - p_after;
  part.margin := whole.margin - stays;
  part.order_status := 'CLOSED';
  part.order_id := pg_catalog."left"(
    coalesce(whole.order_id::text, '') || '/' || p_exit_id, coalesce(room, 1000));
  part.exit_price := p_exit_price;
  part.closed_at := p_closed_at;
  part.exit_id := p_exit_id;
  part.parent_id := whole.id;
  update public.trades t set quantity = p_after, margin = stays where t.id = whole.id;
  execute pg_catalog.format(
    'insert into public.trades (%s) select %s from (select ($1).*) part returning id', names, names)
    into part_id using part;
  return part_id;
end
$$;

-- A row without an account belongs to the default one.
create or replace function public.prahari_account(p_account text) returns text
language sql immutable
set search_path = ''
as $$ select coalesce(nullif(pg_catalog.btrim(p_account), ''), 'default') $$;

-- A status that nobody knows counts as open: the monitor complains about it instead of losing a leg.
create or replace function public.prahari_open(p_status text) returns boolean
language sql immutable
set search_path = ''
as $$
  select coalesce(pg_catalog.upper(pg_catalog.btrim(p_status)), '')
    not in ('CLOSED', 'CANCELLED', 'REJECTED', 'EXPIRED')
$$;

create or replace function public.prahari_answer() returns jsonb
language sql immutable
set search_path = ''
as $$ select '{"done": [], "already": [], "conflicts": [], "missing": []}'::jsonb $$;

create or replace function public.prahari_put(answer jsonb, kind text, what jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$ select pg_catalog.jsonb_set(answer, array[kind], (answer -> kind) || pg_catalog.jsonb_build_array(what)) $$;

-- A row as it was found: what a caller needs to go on, or to tell its owner.
create or replace function public.prahari_found(kept public.trades, why text) returns jsonb
language sql immutable
set search_path = ''
as $$
  select pg_catalog.jsonb_build_object('id', kept.id, 'version', kept.version, 'why', why,
    'quantity', kept.quantity, 'order_status', kept.order_status, 'exit_id', kept.exit_id)
$$;
