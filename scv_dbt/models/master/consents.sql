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

identifiers as (
    select * from {{ ref("identifiers") }}
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

-- A no that names nobody but an address or a number is the no of everybody who has it.
denials_by_identifier as (
    select
        consents.*,
        'email' as identifier_type,
        consents.email_normalised as identifier_value
    from consents
    where consents.status = 'denied' and consents.person_source_id is null
    union all
    select
        consents.*,
        'phone' as identifier_type,
        consents.phone_e164 as identifier_value
    from consents
    where consents.status = 'denied' and consents.person_source_id is null
),

denied as (
    select
        identity_map.customer_id,
        denials.purpose,
        coalesce(denials.channel, 'any') as channel,
        denials.status,
        denials.occurred_at,
        denials.source
    from denials_by_identifier as denials
    inner join identifiers
        on
            denials.identifier_type = identifiers.identifier_type
            and denials.identifier_value = identifiers.identifier_value
    inner join identity_map on identifiers.record_id = identity_map.record_id
    where coalesce(identifiers.blocked_as, '') != 'placeholder'
),

statements as (
    select * from resolved
    union all
    select * from denied
),

-- In the same moment no is stronger than yes.
newest as (
    select *
    from statements
    where customer_id is not null
    qualify row_number() over (
        partition by customer_id, purpose, channel
        order by occurred_at desc, case when status = 'granted' then 1 else 0 end, source
    ) = 1
)

select * from newest
