{{ config(meta={"dagster": {"ref": {"name": "transactions"}}}) }}

with
lines as (
    select *
    from {{ ref("int_transaction_lines") }}
    where not has_header
),

-- A line that was cancelled alone is in no sum.
summed as (
    select *
    from lines
    where true
    qualify is_counted or max(case when is_counted then 1 else 0 end) over (partition by transaction_id) = 0
),

totals as (
    select
        transaction_id,
        sum(amount) as amount,
        sum(discount_amount) as discount_amount
    from summed
    group by transaction_id
)

select
    transactions.transaction_id,
    transactions.net_amount,
    totals.amount
from {{ ref("transactions") }} as transactions
inner join totals on transactions.transaction_id = totals.transaction_id
where
    case
        when transactions.transaction_type = 'sale'
            then
                transactions.net_amount != totals.amount
                or transactions.discount_amount != totals.discount_amount
        -- A return without money left it to a refund of its order.
        else transactions.refund_amount not in (totals.amount, 0)
    end
