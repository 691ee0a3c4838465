with
people as (
    select * from {{ ref("int_people") }}
),

placeholders as (
    select * from {{ ref("identifiers") }}
    where blocked_as = 'placeholder'
),

records as (
    select
        people.record_id,
        people.record_type,
        people.source,
        people.source_id,
        people.given_name,
        people.family_name,
        people.given_name_normalised,
        people.family_name_normalised,
        {{ folded_name("people.given_name_normalised") }} as given_name_folded,
        {{ folded_name("people.family_name_normalised") }} as family_name_folded,
        case when emails.record_id is null then people.email_normalised end as email,
        case when phones.record_id is null then people.phone_e164 end as phone,
        people.birth_date,
        {{ birth_date_either_way("people.birth_date") }} as birth_date_either_way,
        people.gender,
        people.job_title,
        people.street,
        people.city,
        people.region,
        people.postcode,
        people.postcode_normalised,
        people.address_normalised,
        people.country,
        people.language,
        {{ carried_custom_fields("people", "people") -}}
        people.created_at,
        people.updated_at,
        people.first_seen_at,
        people.last_seen_at,
        people.is_deleted,
        people.record_type = 'device'
        or (
            people.record_type = 'guest'
            and (
                emails.record_id is not null
                or coalesce(people.email_normalised, people.phone_e164, people.given_name, people.family_name) is null
            )
        ) as is_anonymous,
        people.first_load_id
    from people
    left join placeholders as emails
        on
            people.record_id = emails.record_id
            and people.email_normalised = emails.identifier_value
            and emails.identifier_type = 'email'
    left join placeholders as phones
        on
            people.record_id = phones.record_id
            and people.phone_e164 = phones.identifier_value
            and phones.identifier_type = 'phone'
)

select * from records
