with
tickets as (
    select * from {{ ref("int_tickets") }}
),

identity_map as (
    select * from {{ ref("identity_map") }}
),

resolved as (
    select
        tickets.ticket_id,
        identity_map.customer_id,
        tickets.source,
        tickets.subject,
        tickets.body,
        tickets.status,
        tickets.priority,
        tickets.channel,
        tickets.created_at,
        tickets.solved_at,
        tickets.satisfaction
    from tickets
    left join identity_map on tickets.record_id = identity_map.record_id
)

select * from resolved
