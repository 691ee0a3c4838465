with
raw_subscriptions as (
    {{ newest_rows("stripe", "subscriptions", key="id") }}
),

items as (
    select
        {{ clean_text("raw_subscriptions.id") }} as subscription_id,
        {{ clean_text(json_text("item", "id")) }} as item_id,
        {{ clean_text(json_text("item", "price.product")) }} as product_id,
        coalesce({{ clean_text(json_text("item", "price.nickname")) }}, {{ clean_text(json_text("item", "price.id")) }})
            as plan,
        coalesce({{ json_number("item", "price.unit_amount") }}, {{ json_number("item", "price.unit_amount_decimal") }})
            as unit_amount,
        {{ to_money("coalesce(" ~ json_number("item", "quantity") ~ ", 1)") }} as quantity,
        raw_subscriptions.currency,
        case {{ json_text("item", "price.recurring.interval") }}
            when 'day' then 365
            when 'week' then 52
            when 'month' then 12
            else 1
        end as periods_a_year,
        coalesce(nullif({{ json_number("item", "price.recurring.interval_count") }}, 0), 1) as interval_count,
        coalesce({{ json_text("item", "price.recurring.usage_type") }}, 'licensed') = 'metered' as is_metered
    from raw_subscriptions
    {{ join_json_elements("raw_subscriptions.items", "item", "data") }}
),

-- The plan of a subscription with several is that of the item which brings most.
valued as (
    select
        *,
        case
            when is_metered then 0
            else {{ quotient(
                from_minor_units("unit_amount", "currency") ~ " * quantity * periods_a_year", "12 * interval_count"
            ) }}
        end as monthly_amount
    from items
),

main_items as (
    select
        subscription_id,
        product_id,
        plan
    from valued
    where true
    qualify row_number() over (
        partition by subscription_id
        order by monthly_amount desc nulls last, item_id nulls last, product_id nulls last, plan nulls last
    ) = 1
),

totals as (
    select
        subscription_id,
        sum(monthly_amount) as monthly_amount
    from valued
    group by subscription_id
),

cleaned as (
    select
        {{ clean_text("id") }} as subscription_id,
        {{ clean_text("customer") }} as customer_id,
        {{ clean_word("status") }} as status,
        upper({{ clean_text("currency") }}) as currency,
        {{ unix_seconds_to_timestamp("coalesce(start_date, created)") }} as started_at,
        {{ unix_seconds_to_timestamp("trial_start") }} as trial_start,
        {{ unix_seconds_to_timestamp("trial_end") }} as trial_end,
        coalesce(cancel_at_period_end, false) as ends_with_period,
        {{ unix_seconds_to_timestamp("canceled_at") }} as cancelled_at,
        {{ unix_seconds_to_timestamp("ended_at") }} as ended_at,
        {{ clean_word(json_text("cancellation_details", "reason")) }} as cancellation_reason,
        {{ clean_word(json_text("cancellation_details", "feedback")) }} as cancellation_feedback,
        not coalesce(livemode, true) as is_test,
        {{ unix_seconds_to_timestamp("created") }} as created_at,
        first_load_id
    from raw_subscriptions
),

subscriptions as (
    select
        cleaned.subscription_id,
        cleaned.customer_id,
        cleaned.status,
        main_items.product_id,
        main_items.plan,
        cleaned.currency,
        {{ to_money("totals.monthly_amount") }} as mrr,
        cleaned.started_at,
        cleaned.trial_start,
        cleaned.trial_end,
        cleaned.ends_with_period,
        cleaned.cancelled_at,
        cleaned.ended_at,
        cleaned.cancellation_reason,
        cleaned.cancellation_feedback,
        cleaned.is_test,
        cleaned.created_at,
        cleaned.first_load_id
    from cleaned
    left join main_items on cleaned.subscription_id = main_items.subscription_id
    left join totals on cleaned.subscription_id = totals.subscription_id
)

select * from subscriptions
