{{ config(meta={"dagster": {"ref": {"name": "transactions"}}}) }}

-- Of the orders that refunds of the payment provider reduce: their goods are shares of what was sold.
with
refunded_sales as (
    select distinct sale_id from {{ ref("int_payment_refunds") }}
)

select
    transactions.order_id,
    transactions.currency,
    sum(transactions.net_amount) as net_amount
from {{ ref("transactions") }} as transactions
inner join refunded_sales on transactions.order_id = refunded_sales.sale_id
where transactions.is_counted
group by transactions.order_id, transactions.currency
having
    count(case when transactions.transaction_type = 'sale' then 1 end) > 0
    and sum(transactions.net_amount) < -0.005
