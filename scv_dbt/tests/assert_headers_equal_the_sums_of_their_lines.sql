{{ config(severity="warn", meta={"dagster": {"ref": {"name": "transactions"}}}) }}

-- The header is believed. Goods on lines that are missing, or lines of an older version, look like this.
with
lines as (
    select
        transaction_id,
        sum(amount) as amount
    from {{ ref("int_transaction_lines") }}
    where has_header
    group by transaction_id
)

select
    transactions.transaction_id,
    transactions.net_amount,
    lines.amount
from {{ ref("transactions") }} as transactions
inner join lines on transactions.transaction_id = lines.transaction_id
where
    transactions.transaction_type = 'sale'
    and transactions.net_amount != lines.amount
