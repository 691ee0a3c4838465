{{ config(meta={"dagster": {"ref": {"name": "transactions"}}}) }}

-- Goods less discount are what the shop itself calls the subtotal, without the tax where that is in the prices.
select
    orders.order_id,
    transactions.net_amount,
    orders.subtotal_amount
from {{ ref("stg_shopify__orders") }} as orders
inner join {{ ref("transactions") }} as transactions on 'shopify:' || orders.order_id = transactions.transaction_id
where
    transactions.is_counted
    and abs(transactions.net_amount - {{ without_tax("orders.subtotal_amount", "orders") }}) > 0.005
