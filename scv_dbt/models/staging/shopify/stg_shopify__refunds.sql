with
raw_refunds as (
    {{ newest_rows("shopify", "refunds", key="id") }}
),

adjustments as (
    select
        {{ clean_text("raw_refunds.id") }} as refund_id,
        sum(
            case
                when {{ json_text("adjustment", "kind") }} = 'shipping_refund'
                    then -{{ json_number("adjustment", "amount") }}
            end
        ) as shipping_amount,
        sum(
            case
                when {{ json_text("adjustment", "kind") }} = 'refund_discrepancy'
                    then -{{ json_number("adjustment", "amount") }}
            end
        ) as discrepancy_amount
    from raw_refunds
    {{ join_json_elements("raw_refunds.order_adjustments", "adjustment") }}
    group by {{ clean_text("raw_refunds.id") }}
),

-- Money that was to go back and did not: every attempt failed.
attempts as (
    select
        {{ clean_text("raw_refunds.id") }} as refund_id,
        count(case when {{ json_text("attempt", "status") }} in ('failure', 'error') then 1 end) = count(*)
            as has_failed
    from raw_refunds
    {{ join_json_elements("raw_refunds.transactions", "attempt") }}
    group by {{ clean_text("raw_refunds.id") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as refund_id,
        {{ clean_text("order_id") }} as order_id,
        {{ clean_text("note") }} as note,
        coalesce(restock, false) as is_restocked,
        refund_line_items,
        {{ utc_timestamp("coalesce(processed_at, created_at)") }} as occurred_at,
        first_load_id
    from raw_refunds
),

refunds as (
    select
        cleaned.refund_id,
        cleaned.order_id,
        cleaned.note,
        cleaned.is_restocked,
        cleaned.refund_line_items,
        {{ to_money("coalesce(adjustments.shipping_amount, 0)") }} as shipping_amount,
        {{ to_money("coalesce(adjustments.discrepancy_amount, 0)") }} as discrepancy_amount,
        coalesce(attempts.has_failed, false) as has_failed,
        cleaned.occurred_at,
        cleaned.first_load_id
    from cleaned
    left join adjustments on cleaned.refund_id = adjustments.refund_id
    left join attempts on cleaned.refund_id = attempts.refund_id
)

select * from refunds
