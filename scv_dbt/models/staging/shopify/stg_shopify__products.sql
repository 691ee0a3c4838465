with
raw_products as (
    {{ newest_rows("shopify", "products", key="id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as product_id,
        {{ clean_text("title") }} as name,
        {{ clean_text("vendor") }} as brand,
        {{ clean_text("product_type") }} as category,
        {{ clean_word("status") }} as status,
        {{ clean_text("tags") }} as tags,
        variants,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id,
        _dlt_load_id as load_id
    from raw_products
)

select * from cleaned
