with
raw_customers as (
    {{ newest_rows("shopify", "customers", key="id", updated_at="updated_at") }}
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as customer_id,
        {{ clean_text("first_name") }} as given_name,
        {{ clean_text("last_name") }} as family_name,
        {{ clean_text("email") }} as email,
        coalesce({{ clean_text("phone") }}, {{ clean_text(json_text("default_address", "phone")) }}) as phone,
        {{ clean_text(json_text("default_address", "address1")) }} as street,
        {{ clean_text(json_text("default_address", "city")) }} as city,
        {{ clean_text(json_text("default_address", "province")) }} as region,
        {{ clean_text(json_text("default_address", "zip")) }} as postcode,
        {{ country_key(json_text("default_address", "country_code")) }} as country_key,
        {{ clean_word("state") }} as state,
        coalesce(verified_email, false) as has_verified_email,
        upper({{ clean_text("currency") }}) as currency,
        {{ clean_text("tags") }} as tags,
        {{ clean_text("note") }} as note,
        {{ clean_word(json_text("email_marketing_consent", "state")) }} as email_consent_state,
        {{ json_timestamp("email_marketing_consent", "consent_updated_at") }} as email_consent_at,
        {{ clean_word(json_text("sms_marketing_consent", "state")) }} as sms_consent_state,
        {{ json_timestamp("sms_marketing_consent", "consent_updated_at") }} as sms_consent_at,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_customers
),

standardised as (
    select
        cleaned.customer_id,
        cleaned.given_name,
        cleaned.family_name,
        cleaned.email,
        cleaned.phone,
        cleaned.street,
        cleaned.city,
        cleaned.region,
        cleaned.postcode,
        country_names.alpha2 as country,
        cleaned.state,
        cleaned.has_verified_email,
        cleaned.currency,
        cleaned.tags,
        cleaned.note,
        cleaned.email_consent_state,
        cleaned.email_consent_at,
        cleaned.sms_consent_state,
        cleaned.sms_consent_at,
        cleaned.created_at,
        cleaned.updated_at,
        cleaned.first_load_id
    from cleaned
    left join country_names on cleaned.country_key = country_names.name_key
)

select * from standardised
