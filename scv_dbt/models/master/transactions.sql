with
transactions as (
    select * from {{ ref("int_transactions") }}
),

identity_map as (
    select * from {{ ref("identity_map") }}
),

account_map as (
    select * from {{ ref("account_map") }}
),

resolved as (
    select
        transactions.transaction_id,
        transactions.order_id,
        transactions.transaction_type,
        buyers.customer_id,
        account_map.account_id,
        sellers.customer_id as seller_customer_id,
        transactions.source,
        transactions.occurred_at,
        transactions.currency,
        transactions.gross_amount,
        transactions.discount_amount,
        transactions.tax_amount,
        transactions.shipping_amount,
        transactions.refund_amount,
        transactions.net_amount,
        transactions.net_amount_base,
        transactions.cost_amount,
        -- Goods that are sold cost, goods that come back no longer do; unknown costs give no margin.
        case
            when transactions.transaction_type = 'sale'
                then {{ to_money("transactions.net_amount_base - transactions.cost_amount") }}
            when transactions.has_known_cost or transactions.cost_amount is not null
                then {{ to_money("transactions.net_amount_base + coalesce(transactions.cost_amount, 0)") }}
        end as margin_amount_base,
        transactions.status,
        transactions.is_counted,
        transactions.channel,
        {{ carried_custom_fields("transactions", "transactions") -}}
        transactions.store_id
    from transactions
    left join identity_map as buyers on transactions.record_id = buyers.record_id
    left join identity_map as sellers on transactions.seller_record_id = sellers.record_id
    left join account_map on transactions.account_record_id = account_map.account_record_id
)

select * from resolved
