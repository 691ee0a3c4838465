with
raw_people as (
    {{ newest_rows("files", "people", key="source_id", updated_at="updated_at") }}
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

cleaned as (
    select
        source,
        {{ clean_text("source_id") }} as source_id,
        {{ clean_text("given_name") }} as given_name,
        {{ clean_text("family_name") }} as family_name,
        {{ clean_text("full_name") }} as full_name,
        {{ clean_text("email") }} as email,
        {{ clean_text("phone") }} as phone,
        birth_date,
        {{ clean_word("gender") }} as gender,
        {{ clean_text("job_title") }} as job_title,
        {{ clean_text("street") }} as street,
        {{ clean_text("city") }} as city,
        {{ clean_text("region") }} as region,
        {{ clean_text("postcode") }} as postcode,
        {{ country_key("country") }} as country_key,
        {{ clean_word("language") }} as language,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("anonymous_id") }} as anonymous_id,
        {{ clean_text("national_id") }} as national_id,
        {{ clean_text("account_source_id") }} as account_source_id,
        {{ staged_custom_fields("people") -}}
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        coalesce(is_deleted, false) as is_deleted,
        first_load_id
    from raw_people
),

standardised as (
    select
        cleaned.source,
        cleaned.source_id,
        coalesce(cleaned.given_name, {{ given_name_of("cleaned.full_name") }}) as given_name,
        coalesce(cleaned.family_name, {{ family_name_of("cleaned.full_name") }}) as family_name,
        cleaned.full_name,
        cleaned.email,
        cleaned.phone,
        cleaned.birth_date,
        {{ gender_word("cleaned.gender") }} as gender,
        cleaned.job_title,
        cleaned.street,
        cleaned.city,
        cleaned.region,
        cleaned.postcode,
        country_names.alpha2 as country,
        cleaned.language,
        cleaned.user_id,
        cleaned.anonymous_id,
        cleaned.national_id,
        cleaned.account_source_id,
        {{ carried_custom_fields("people", "cleaned") -}}
        cleaned.created_at,
        cleaned.updated_at,
        cleaned.is_deleted,
        cleaned.first_load_id
    from cleaned
    left join country_names on cleaned.country_key = country_names.name_key
)

select * from standardised
