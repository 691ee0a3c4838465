with
raw_rows as (
    {{ newest_rows("app_db", "sellers", key="seller_id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("seller_id") }} as seller_id,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("store_name") }} as store_name,
        {{ clean_text("vat_id") }} as vat_id,
        {{ clean_word("status") }} as status,
        {{ utc_timestamp("started_at") }} as started_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
