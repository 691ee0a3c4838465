{{ config(meta={"dagster": {"ref": {"name": "transactions"}}}) }}

-- Exactly one of the two: paid sales are in the books once, and so is money that came for nothing else.
select
    payments.payment_id,
    payments.sale_id,
    own_sales.transaction_id as own_sale_id,
    paid_sales.transaction_id as paid_sale_id
from {{ ref("int_payments") }} as payments
left join {{ ref("transactions") }} as own_sales on payments.payment_id = own_sales.transaction_id
left join {{ ref("transactions") }} as paid_sales on payments.sale_id = paid_sales.transaction_id
where
    payments.is_collected
    and (own_sales.transaction_id is null) = (paid_sales.transaction_id is null)
