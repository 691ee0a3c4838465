with
raw_rows as (
    {{ newest_rows("app_db", "users", key="user_id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("email") }} as email,
        {{ clean_text("phone") }} as phone,
        {{ clean_text("first_name") }} as given_name,
        {{ clean_text("last_name") }} as family_name,
        birth_date,
        {{ clean_word("gender") }} as gender,
        {{ clean_text("street") }} as street,
        {{ clean_text("city") }} as city,
        {{ clean_text("postcode") }} as postcode,
        {{ clean_text("country") }} as country,
        {{ clean_word("language") }} as language,
        {{ clean_text("shop_customer_id") }} as shop_customer_id,
        coalesce(is_deleted, false) as is_deleted,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
