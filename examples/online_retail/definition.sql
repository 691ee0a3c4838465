-- What customers, sales, returns, gross, refunds and net mean on UCI Online Retail II, 2009-2010.
--
-- Plain DuckDB SQL over the file, written without the platform: tests/end_to_end/test_online_retail.py compares
-- what the platform gives with the tables `totals`, `by_customer` and `by_month` below, to the cent.
-- Before it: set variable sheet = '<folder>/online_retail_ii/2009-2010.parquet';
--
-- The sheet has 525,461 lines of 28,816 invoices. Its traps, and what is decided about each:

create temp table lines as
select
    Invoice as invoice,
    StockCode as code,
    Quantity as quantity,

    -- A price in pounds as a float: 6.95 becomes exactly 6.9500. Only one price has more than two decimals, 0.001,
    -- on 14 lines (PADS). It is kept as it is: amounts are never rounded, only the figures below are.
    cast(Price as decimal(18, 4)) as price,

    -- A float because some are missing: 12346.0 is customer 12346. Missing on 107,927 lines, always on the whole
    -- invoice: these sales count, and belong to no customer.
    cast(cast("Customer ID" as bigint) as varchar) as customer,

    -- Text, in the time of the United Kingdom. In summer that is an hour ahead of UTC, but the shop works from 7 to
    -- 21 o'clock, so no invoice changes its day.
    timezone('UTC', timezone('Europe/London', strptime(InvoiceDate, '%Y-%m-%d %H:%M:%S'))) as invoiced_at,

    -- Lines that are not goods, by reason; the first that applies. Null means goods.
    case
        -- 3 lines, -136,552.02: the only negative prices of the sheet. Money that was owed and never came is not
        -- a return of goods. The only invoices that begin with A.
        when regexp_matches(Invoice, '^A') then 'bad debt'
        -- 3,687 lines, 0.00: stock that was damaged, lost or found (2,121 of them with a negative quantity and no
        -- C before the invoice number), and free items. No money, and taken as sales or returns they would
        -- invent 2,121 returns.
        when Price = 0 then 'no price'
        -- 1,730 lines, 168,894.35: shipping. Net revenue is of goods.
        when regexp_matches(StockCode, '^(POST|DOT|C2)$') then 'postage'
        -- 853 lines, -14,109.63 in both directions, up to 25,111.09 each: entered by hand, it is not told for what.
        when regexp_matches(StockCode, '^[Mm]$') then 'manual entry'
        -- 100 lines, -7,788.32: a discount on the account, after the sale and without a sale that it refers to.
        -- To call it a return would raise the return rate.
        when regexp_matches(StockCode, '^D$') then 'discount'
        -- 41 lines, -3,016.41: samples that were sent out.
        when regexp_matches(StockCode, '^S$') then 'samples'
        -- 74 lines, -67,630.07: what the bank and the marketplace took.
        when regexp_matches(StockCode, '^(BANK CHARGES|AMAZONFEE)$') then 'fee'
        -- 70 lines, 7,566.29: adjustments of accounts, by name of an employee.
        when regexp_matches(StockCode, '^ADJUST2?$') then 'account adjustment'
        -- 14 lines, 203.50: "This is a test product."
        when regexp_matches(StockCode, '^TEST00[12]$') then 'test product'
        -- 47 lines, 1,000.80: a voucher is money paid in advance; the goods it buys are sold later.
        when regexp_matches(StockCode, '^gift_') then 'gift voucher'
    end as not_goods
from read_parquet(getvariable('sheet'));

-- 6,865 lines repeat another line of their invoice in every column, 33,709.07 together. They are kept: the
-- sheet has no line numbers, so a till that scanned a thing twice and an export that wrote a line twice look the
-- same, and what an invoice says is what was asked for.
--
-- Cancellations are invoices that begin with C, with negative quantities. One has a positive quantity, and is a
-- manual entry. Among goods an invoice has one sign, so it is a sale or a return as a whole.
--
-- 41 invoices carry two times, up to nine minutes apart. The earlier one counts; none crosses a day.
create temp table invoices as
select
    invoice,
    any_value(customer) as customer,
    min(invoiced_at) as invoiced_at,
    case when min(quantity) < 0 then 'return' else 'sale' end as type,
    sum(abs(quantity) * price) as amount
from lines
where not_goods is null
group by invoice;

-- Everybody with a customer number is a customer, also the few who only ever bought what is not goods.
create temp table customers as
select distinct customer
from lines
where customer is not null;

create temp table totals as
select
    (select count(*) from customers) as customers,
    count(distinct customer) filter (type = 'sale') as buyers,
    count(*) filter (type = 'sale') as sales,
    count(*) filter (type = 'return') as returns,
    round(sum(amount) filter (type = 'sale'), 2) as gross,
    round(sum(amount) filter (type = 'return'), 2) as refund,
    round(sum(case when type = 'sale' then amount else -amount end), 2) as net
from invoices;

-- One row per customer, zeros for who bought nothing that is goods.
create temp table by_customer as
select
    customer,
    count(*) filter (type = 'sale') as sales,
    count(*) filter (type = 'return') as returns,
    round(coalesce(sum(amount) filter (type = 'sale'), 0), 2) as gross,
    round(coalesce(sum(amount) filter (type = 'return'), 0), 2) as refund,
    round(coalesce(sum(case when type = 'sale' then amount when type = 'return' then -amount end), 0), 2) as net
from customers
left join invoices using (customer)
group by customer;

-- One row per month (UTC), with sales that belong to no customer.
create temp table by_month as
select
    cast(date_trunc('month', invoiced_at) as date) as month,
    count(*) filter (type = 'sale') as sales,
    count(*) filter (type = 'return') as returns,
    round(coalesce(sum(amount) filter (type = 'sale'), 0), 2) as gross,
    round(coalesce(sum(amount) filter (type = 'return'), 0), 2) as refund,
    round(sum(case when type = 'sale' then amount else -amount end), 2) as net
from invoices
group by month;
