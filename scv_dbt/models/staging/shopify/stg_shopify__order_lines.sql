with
raw_lines as (
    {{ newest_rows("shopify", "order_lines", key="id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as line_id,
        {{ clean_text("order_id") }} as order_id,
        {{ clean_text("product_id") }} as product_id,
        {{ clean_text("variant_id") }} as variant_id,
        {{ clean_text("sku") }} as sku,
        {{ clean_text("title") }} as product_name,
        {{ clean_text("vendor") }} as brand,
        quantity,
        {{ to_money("price") }} as unit_price,
        {{ to_money("total_discount") }} as discount_amount,
        coalesce(gift_card, false) as is_gift_card,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_lines
)

select * from cleaned
