{{ config(meta={"dagster": {"ref": {"name": "int_payments"}}}) }}

-- Its references lead to two orders, two deals or two invoices, one of which would be counted besides.
select
    payment_id,
    sale_id,
    matched_by
from {{ ref("int_payments") }}
where is_contradictory
