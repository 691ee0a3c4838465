with
consents as (
    select * from {{ ref("int_consents_unioned") }}
),

phones as (
    select * from {{ ref("int_phones") }}
    where country is null
),

normalised as (
    select
        consents.source,
        consents.person_source_id,
        consents.email,
        consents.phone,
        {{ email_normalised("consents.email") }} as email_normalised,
        phones.phone_e164,
        consents.purpose,
        consents.channel,
        consents.status,
        consents.occurred_at,
        consents.first_load_id
    from consents
    left join phones on consents.phone = phones.phone
),

identified as (
    select
        {{ person_record_id("source", "person_source_id", "email_normalised") }} as record_id,
        *
    from normalised
)

select * from identified
