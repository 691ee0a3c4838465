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

described as (
    select
        products.*,
        cheapest.sku,
        cheapest.price,
        cheapest.cost,
        shop.currency
    from products
    cross join shop
    left join cheapest on products.product_id = cheapest.product_id
),

unioned as (
    select {{ as_entity("products", {}, from_relation="files") }}
    from files
    union all
    select
        {{ as_entity("products", {"source": "'shopify'"}, carried=[
            "product_id", "sku", "name", "category", "brand", "price", "cost", "currency", "first_load_id", "load_id",
        ]) }}
    from described
)

select * from unioned
