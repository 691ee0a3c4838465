with
products as (
    select * from {{ ref("stg_shopify__products") }}
),

elements as (
    select
        products.product_id,
        {{ clean_text(json_text("variant", "id")) }} as variant_id,
        {{ clean_text(json_text("variant", "sku")) }} as sku,
        {{ to_money(json_number("variant", "price")) }} as price,
        {{ to_money(json_number("variant", "inventory_item.cost")) }} as cost
    from products
    {{ join_json_elements("products.variants", "variant") }}
),

-- A variant is listed once; were it listed under two products, the lesser product has it.
variants as (
    select *
    from elements
    where variant_id is not null
    qualify row_number() over (
        partition by variant_id order by product_id, sku nulls last, price nulls last, cost nulls last
    ) = 1
)

select * from variants
