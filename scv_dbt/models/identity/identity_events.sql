with
assignments as (
    select * from {{ ref("assignments") }}
),

events as (
    {{ customer_events("assignments") }}
),

told as (
    select
        customer_id,
        event,
        other_customer_id,
        cause,
        generation,
        assigned_at as occurred_at
    from events
)

select * from told
