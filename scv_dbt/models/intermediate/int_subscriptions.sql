with
subscriptions as (
    select * from {{ ref("stg_stripe__subscriptions") }}
),

identified as (
    select
        'stripe:' || subscription_id as subscription_id,
        'stripe:' || customer_id as record_id,
        'stripe' as source,
        status,
        product_id,
        plan,
        currency,
        mrr,
        case when currency is null or currency = {{ base_currency() }} then mrr end as mrr_base,
        started_at,
        trial_end,
        cancelled_at,
        ended_at,
        coalesce(cancellation_feedback, cancellation_reason) as cancellation_reason,
        -- A test, or one whose first payment never came, is nobody's subscription.
        not is_test and status not in ('incomplete', 'incomplete_expired') as is_counted,
        first_load_id
    from subscriptions
)

select * from identified
