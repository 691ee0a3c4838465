with
raw_products as (
    {{ newest_rows("files", "products", key="product_id") }}
),

cleaned as (
    select
        source,
        {{ clean_text("product_id") }} as product_id,
        {{ clean_text("sku") }} as sku,
        {{ clean_text("name") }} as name,
        {{ clean_text("category") }} as category,
        {{ clean_text("brand") }} as brand,
        {{ to_money("price") }} as price,
        {{ to_money("cost") }} as cost,
        upper({{ clean_text("currency") }}) as currency,
        first_load_id,
        _dlt_load_id as load_id
    from raw_products
)

select * from cleaned
