{{ config(severity="warn", meta={"dagster": {"ref": {"name": "transaction_lines"}}}) }}

-- A line without a header, and without a time of its own, cannot be booked yet.
select
    lines.transaction_line_id,
    lines.transaction_id
from {{ ref("int_transaction_lines") }} as lines
left join {{ ref("transaction_lines") }} as booked on lines.transaction_line_id = booked.transaction_line_id
where booked.transaction_line_id is null
