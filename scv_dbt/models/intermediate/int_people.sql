with
people as (
    select * from {{ ref("int_people_unioned") }}
),

mentions as (
    select * from {{ ref("int_person_mentions") }}
),

phones as (
    select * from {{ ref("int_phones") }}
),

-- What the facts say of a person: when it was seen, and the address it was seen with last.
mentioned as (
    select
        record_id,
        source,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(first_load_id) as first_load_id
    from mentions
    group by record_id, source
),

last_emails as (
    select
        record_id,
        email_normalised
    from mentions
    where email_normalised is not null
    qualify row_number() over (partition by record_id order by last_seen_at desc nulls last, email_normalised) = 1
),

registered as (
    select
        source || ':' || source_id as record_id,
        {{ record_type_of("source_id", "person") }} as record_type,
        *
    from people
),

named as (
    select
        *,
        substr(record_id, length(source) + 2) as source_id
    from mentioned
),

unregistered as (
    select
        mentioned.record_id,
        {{ record_type_of("mentioned.source_id", "reference") }} as record_type,
        mentioned.source,
        mentioned.source_id,
        {% for column in ["given_name", "family_name", "full_name", "email", "phone"] -%}
        cast(null as string) as {{ column }},
        {% endfor -%}
        cast(null as date) as birth_date,
        {% for column in [
            "gender", "job_title", "street", "city", "region", "postcode", "country", "language", "user_id",
            "anonymous_id", "national_id", "account_source_id",
        ] -%}
        cast(null as string) as {{ column }},
        {% endfor -%}
        {% for field in custom_fields("people") -%}
        {{ custom_field_null(field.type) }} as {{ field.name }},
        {% endfor -%}
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        false as is_deleted,
        mentioned.first_load_id
    from named as mentioned
    left join registered on mentioned.record_id = registered.record_id
    where registered.record_id is null
),

people_and_mentioned as (
    select * from registered
    union all
    select * from unregistered
),

normalised as (
    select
        records.record_id,
        records.record_type,
        records.source,
        records.source_id,
        records.given_name,
        records.family_name,
        records.full_name,
        coalesce(records.email, last_emails.email_normalised) as email,
        records.phone,
        records.birth_date,
        records.gender,
        records.job_title,
        records.street,
        records.city,
        records.region,
        records.postcode,
        records.country,
        records.language,
        records.user_id,
        coalesce(
            records.anonymous_id, case when records.record_type = 'device' then substr(records.source_id, 8) end
        ) as anonymous_id,
        records.national_id,
        records.account_source_id,
        {{ carried_custom_fields("people", "records") -}}
        coalesce({{ email_normalised("records.email") }}, last_emails.email_normalised) as email_normalised,
        phones.phone_e164,
        {{ name_normalised("records.given_name") }} as given_name_normalised,
        {{ name_normalised("records.family_name") }} as family_name_normalised,
        {{ postcode_normalised("records.postcode", "records.country") }} as postcode_normalised,
        {{ address_normalised("records.street") }} as address_normalised,
        records.created_at,
        records.updated_at,
        records.is_deleted,
        {{ lesser("records.created_at", "mentioned.first_seen_at") }} as first_seen_at,
        {{ greater(greater("records.created_at", "records.updated_at"), "mentioned.last_seen_at") }} as last_seen_at,
        {{ lesser("records.first_load_id", "mentioned.first_load_id") }} as first_load_id
    from people_and_mentioned as records
    left join mentioned on records.record_id = mentioned.record_id
    left join last_emails on records.record_id = last_emails.record_id
    left join phones
        on
            records.phone = phones.phone
            and records.country is not distinct from phones.country
)

select * from normalised
