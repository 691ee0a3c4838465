with
identifiers as (
    select * from {{ ref("int_identifiers_unioned") }}
),

phones as (
    select * from {{ ref("int_phones") }}
    where country is null
),

normalised as (
    select
        identifiers.source,
        identifiers.source || ':' || identifiers.person_source_id as record_id,
        identifiers.person_source_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        case identifiers.identifier_type
            when 'email' then {{ email_normalised("identifiers.identifier_value") }}
            when 'phone' then phones.phone_e164
            else identifiers.identifier_value
        end as identifier_normalised,
        identifiers.observed_at,
        identifiers.first_load_id
    from identifiers
    left join phones
        on
            identifiers.identifier_type = 'phone'
            and identifiers.identifier_value = phones.phone
)

select * from normalised
