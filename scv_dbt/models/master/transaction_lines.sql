with
lines as (
    select * from {{ ref("int_transaction_lines") }}
),

transactions as (
    select * from {{ ref("transactions") }}
),

headed as (
    select
        lines.transaction_line_id,
        transactions.transaction_id,
        transactions.transaction_type,
        transactions.customer_id,
        transactions.source,
        transactions.occurred_at,
        lines.product_id,
        lines.sku,
        lines.product_name,
        lines.category,
        lines.brand,
        lines.quantity,
        lines.unit_price,
        lines.discount_amount,
        lines.amount,
        coalesce(lines.currency, transactions.currency) as currency,
        case
            when coalesce(lines.currency, transactions.currency, {{ base_currency() }}) = {{ base_currency() }}
                then lines.amount
        end as amount_base,
        lines.cost_amount,
        transactions.is_counted and lines.is_counted as is_counted
    from lines
    inner join transactions on lines.transaction_id = transactions.transaction_id
)

select * from headed
