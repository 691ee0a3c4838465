{{ config(meta={"dagster": {"ref": {"name": "transactions"}}}) }}

-- Of the orders that refunds of the payment provider reduce: their goods are shares of what was sold.
select
    order_id,
    currency,
    sum(net_amount) as net_amount
from {{ ref("transactions") }}
where
    is_counted
    and order_id in (select sale_id from {{ ref("int_payment_refunds") }})
group by order_id, currency
having
    count(case when transaction_type = 'sale' then 1 end) > 0
    and sum(net_amount) < -0.005
