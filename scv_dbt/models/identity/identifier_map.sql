with
identifiers as (
    select * from {{ ref("identifiers") }}
    where blocked_as is null
),

identity_map as (
    select * from {{ ref("identity_map") }}
    where customer_id is not null
),

owned as (
    select
        identifiers.identifier_type,
        identifiers.identifier_value,
        min(identity_map.customer_id) as customer_id
    from identifiers
    inner join identity_map on identifiers.record_id = identity_map.record_id
    group by identifiers.identifier_type, identifiers.identifier_value
    having min(identity_map.customer_id) = max(identity_map.customer_id)
)

select * from owned
