with
raw_customers as (
    {{ newest_rows("stripe", "customers", key="id") }}
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as customer_id,
        {{ clean_text("name") }} as full_name,
        {{ clean_text("email") }} as email,
        coalesce({{ clean_text("phone") }}, {{ clean_text(json_text("shipping", "phone")) }}) as phone,
        case when {{ clean_text(json_text("address", "line1")) }} is not null then address end as own_address,
        address,
        shipping,
        {{ clean_text(json_text("metadata", "shop_customer_id")) }} as shop_customer_id,
        {{ clean_text(json_text("metadata", "user_id")) }} as user_id,
        {{ clean_text(json_text("metadata", "account_id")) }} as account_id,
        {{ unix_seconds_to_timestamp("created") }} as created_at,
        coalesce(deleted, false) as is_deleted,
        first_load_id
    from raw_customers
),

-- One address, not parts of two: that of the bill where it has a street.
addressed as (
    select
        *,
        coalesce(own_address, {{ json_part("shipping", "address") }}, address) as known_address
    from cleaned
),

standardised as (
    select
        addressed.customer_id,
        {{ given_name_of("addressed.full_name") }} as given_name,
        {{ family_name_of("addressed.full_name") }} as family_name,
        addressed.full_name,
        addressed.email,
        addressed.phone,
        {{ clean_text(json_text("addressed.known_address", "line1")) }} as street,
        {{ clean_text(json_text("addressed.known_address", "city")) }} as city,
        {{ clean_text(json_text("addressed.known_address", "state")) }} as region,
        {{ clean_text(json_text("addressed.known_address", "postal_code")) }} as postcode,
        country_names.alpha2 as country,
        addressed.shop_customer_id,
        addressed.user_id,
        addressed.account_id,
        coalesce(addressed.account_id, {{ legal_form_of("addressed.full_name") }}) is not null as is_company,
        addressed.created_at,
        addressed.is_deleted,
        addressed.first_load_id
    from addressed
    left join country_names
        on {{ country_key(json_text("addressed.known_address", "country")) }} = country_names.name_key
)

select * from standardised
