"""The two tables as an owner's guide of an older monitor had them: loose types, little room, own columns."""

from __future__ import annotations

#: SQL that makes them, with data in them that nothing of ours may change.
LEGACY = """
create table trades (
  id serial primary key,
  strategy_id integer not null,
  symbol varchar(20) not null,
  security_id varchar(20) not null,
  action varchar(4) not null,
  type varchar(4) not null,
  strike_price decimal(10,2),
  expiry_date date,
  quantity integer not null,
  price decimal(10,2),
  order_id varchar(20) unique,
  order_status varchar(12) default 'TRADED',
  "timestamp" timestamptz default now(),
  updated_at timestamp default now(),
  notes json,
  mine text not null
);
create table strategy_exit_levels (
  id serial primary key,
  strategy_id integer not null,
  exit_type varchar(30) not null,
  level_name varchar(30) not null,
  trigger_type varchar(30) not null,
  value decimal(10,2) not null,
  is_active boolean default true
);
create view open_trades as select id, symbol, order_id, quantity from trades where order_status = 'TRADED';
insert into trades (strategy_id, symbol, security_id, action, type, strike_price, expiry_date, quantity,
                    price, order_id, order_status, "timestamp", updated_at, notes, mine)
values (3359, 'NIFTY', '49081', 'BUY', 'PE', 24500.00, '2026-02-24', 130, 20.05, '112111182198', 'TRADED',
        '2026-02-03 09:20:00+05:30', '2026-02-03 03:50:00', '{"by": "hand"}', 'keep'),
       (3359, 'NIFTY', '49085', 'SELL', 'PE', 24700.00, '2026-02-24', 130, 45.00, '112111182199', 'CLOSED',
        '2026-02-03 09:20:00+05:30', '2026-02-03 03:50:00', null, 'keep');
insert into strategy_exit_levels (strategy_id, exit_type, level_name, trigger_type, value)
values (3359, 'profit_target', 'primary', 'percentage', 50.00);
"""
