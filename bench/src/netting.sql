-- The same netting as sets: demands by priority, due date and key, supplies by time, each as a running range of quantities; where
-- the ranges of an item meet, a demand is pegged to a supply. A demand so takes the earliest supply and not the latest that is
-- still on time, because that has no form as sets. An order starts when its last component is covered; level by level.
create unlogged table item (item int primary key, level int not null, lead bigint not null);
create unlogged table supply (id int primary key, item int not null, at bigint not null, qty bigint not null, ord int);
create unlogged table demand (id int primary key, item int not null, prio int not null, due bigint not null, qty bigint not null,
                              ord int, covered bigint, short bigint);
create unlogged table orders (ord int primary key, item int not null, level int not null, planned bigint not null, slip bigint not null default 0);
\copy item from 'item.csv' csv
\copy supply from 'supply.csv' csv
\copy demand (id, item, prio, due, qty, ord) from 'demand.csv' csv
\copy orders (ord, item, level, planned) from 'orders.csv' csv
create index on supply (item); create index on demand (item); create index on demand (ord); create index on supply (ord); create index on orders (item); create index on item (level);
create unlogged table touched (item int primary key);
analyze;

-- Moves the orders of a level whose components are covered otherwise, then nets its items that are touched.
create function step(lvl int) returns int language plpgsql as $$
declare moved int;
begin
  with late as (
    select o.ord, greatest(0, max(d.covered - d.due)) as slip
    from touched t join orders o on o.item = t.item and o.level = lvl join demand d on d.ord = o.ord group by o.ord),
  changed as (
    update orders o set slip = late.slip from late where late.ord = o.ord and o.slip <> late.slip
    returning o.ord, o.planned + late.slip as at)
  update supply s set at = changed.at from changed where s.ord = changed.ord;
  get diagnostics moved = row_count;
  with s as (
    select s.item, s.at, sum(s.qty) over w - s.qty as lo, sum(s.qty) over w as hi
    from touched join item i using (item) join supply s using (item) where i.level = lvl
    window w as (partition by s.item order by s.at, s.id)),
  d as (
    select d.item, d.id, d.due, d.qty, i.lead, sum(d.qty) over w - d.qty as lo, sum(d.qty) over w as hi
    from touched join item i using (item) join demand d using (item) where i.level = lvl
    window w as (partition by d.item order by d.prio, d.due, d.id)),
  pegged as (
    select d.id, d.due, d.lead, d.qty, max(s.at) as at,
           coalesce(sum(least(d.hi, s.hi) - greatest(d.lo, s.lo)), 0) as quantity,
           coalesce(sum(least(d.hi, s.hi) - greatest(d.lo, s.lo)) filter (where s.at <= d.due), 0) as on_time
    from d left join s on s.item = d.item and s.lo < d.hi and s.hi > d.lo
    group by d.id, d.due, d.lead, d.qty)
  update demand set covered = greatest(p.due, case when p.quantity = p.qty then least(p.at, p.lead) else p.lead end),
                    short = p.qty - p.on_time
  from pegged p where p.id = demand.id
    and (demand.covered, demand.short) is distinct from
        (greatest(p.due, case when p.quantity = p.qty then least(p.at, p.lead) else p.lead end), p.qty - p.on_time);
  -- Whoever is made of what is covered otherwise is looked at on its own level.
  insert into touched select distinct o.item from touched t join item i using (item) join demand d using (item)
    join orders o on o.ord = d.ord where i.level = lvl on conflict do nothing;
  return moved;
end $$;

create function whole(levels int) returns bigint language plpgsql as $$
declare moved bigint := 0;
begin
  truncate touched;
  insert into touched select item from item;
  for lvl in 0 .. levels - 1 loop moved := moved + step(lvl); end loop;
  return moved;
end $$;

-- Few rows are touched, which the statistics do not tell: by index, as a person would ask for it.
create function one_change(which int, later bigint, levels int) returns bigint language plpgsql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare moved bigint := 0;
begin
  truncate touched;
  update supply set at = at + later where id = which;
  insert into touched select item from supply where id = which;
  for lvl in 0 .. levels - 1 loop moved := moved + step(lvl); end loop;
  return moved;
end $$;
