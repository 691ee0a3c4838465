{%- set columns = [
    "source", "product_id", "sku", "name", "category", "brand", "price", "cost", "currency", "first_load_id", "load_id",
] -%}

with
files as (
    select * from {{ ref("stg_files__products") }}
),

products as (
    select * from {{ ref("stg_shopify__products") }}
),

variants as (
    select * from {{ ref("stg_shopify__variants") }}
),

-- Of several variants the cheapest stands for the product.
cheapest as (
    select *
    from variants
    where true
    qualify row_number() over (partition by product_id order by price nulls last, variant_id) = 1
),

-- The catalogue names no currency: its prices are in that of the shop, which the orders name.
shop as (
    select max(currency) as currency
    from {{ ref("stg_shopify__orders") }}
),

from_shop as (
    select
        'shopify' as source,
        products.product_id,
        cheapest.sku,
        products.name,
        products.category,
        products.brand,
        cheapest.price,
        cheapest.cost,
        shop.currency,
        products.first_load_id,
        products.load_id
    from products
    cross join shop
    left join cheapest on products.product_id = cheapest.product_id
),

unioned as (
    select {{ columns | join(", ") }} from files
    union all
    select {{ columns | join(", ") }} from from_shop
)

select * from unioned
