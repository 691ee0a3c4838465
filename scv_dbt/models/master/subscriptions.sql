with
subscriptions as (
    select * from {{ ref("int_subscriptions") }}
),

identity_map as (
    select * from {{ ref("identity_map") }}
),

resolved as (
    select
        subscriptions.subscription_id,
        identity_map.customer_id,
        subscriptions.source,
        subscriptions.status,
        subscriptions.product_id,
        subscriptions.plan,
        subscriptions.currency,
        subscriptions.mrr,
        subscriptions.mrr_base,
        subscriptions.started_at,
        subscriptions.trial_end,
        subscriptions.cancelled_at,
        subscriptions.ended_at,
        subscriptions.cancellation_reason,
        subscriptions.is_counted
    from subscriptions
    left join identity_map on subscriptions.record_id = identity_map.record_id
)

select * from resolved
