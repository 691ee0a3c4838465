with
consents as (
    select * from {{ ref("int_consents") }}
),

identity_map as (
    select * from {{ ref("identity_map") }}
),

identifier_map as (
    select * from {{ ref("identifier_map") }}
    where identifier_type = 'phone'
),

resolved as (
    select
        coalesce(identity_map.customer_id, identifier_map.customer_id) as customer_id,
        consents.purpose,
        coalesce(consents.channel, 'any') as channel,
        consents.status,
        consents.occurred_at,
        consents.source
    from consents
    left join identity_map on consents.record_id = identity_map.record_id
    left join identifier_map
        on
            consents.record_id is null
            and consents.phone_e164 = identifier_map.identifier_value
),

-- In the same moment no is stronger than yes.
newest as (
    select *
    from resolved
    where customer_id is not null
    qualify row_number() over (
        partition by customer_id, purpose, channel
        order by occurred_at desc, case when status = 'granted' then 1 else 0 end, source
    ) = 1
)

select * from newest
