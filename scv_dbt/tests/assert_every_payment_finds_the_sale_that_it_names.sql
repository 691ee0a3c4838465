{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_payments"}}}) }}

-- It names an order, a deal or an invoice that no source knows, or a deal that was not won. So it is a sale itself.
select
    payment_id,
    amount,
    currency,
    occurred_at
from {{ ref("int_payments") }}
where is_lost and is_collected
