with
files as (
    select * from {{ ref("stg_files__transaction_lines") }}
),

orders as (
    select * from {{ ref("stg_shopify__orders") }}
),

shop_lines as (
    select * from {{ ref("stg_shopify__order_lines") }}
),

refund_lines as (
    select * from {{ ref("stg_shopify__refund_lines") }}
    where is_restocked
),

variants as (
    select * from {{ ref("stg_shopify__variants") }}
),

products as (
    select * from {{ ref("stg_shopify__products") }}
),

order_lines as (
    select
        shop_lines.line_id,
        shop_lines.order_id,
        shop_lines.product_id,
        shop_lines.sku,
        shop_lines.product_name,
        products.category,
        shop_lines.brand,
        {{ to_money("shop_lines.quantity") }} as quantity,
        {{ without_tax("shop_lines.unit_price", "orders") }} as unit_price,
        {{ without_tax("shop_lines.discount_amount", "orders") }} as discount_amount,
        {{ without_tax("shop_lines.quantity * shop_lines.unit_price", "orders") }} as list_amount,
        variants.cost as unit_cost,
        shop_lines.first_load_id
    from shop_lines
    left join orders on shop_lines.order_id = orders.order_id
    left join products on shop_lines.product_id = products.product_id
    left join variants on shop_lines.variant_id = variants.variant_id
),

-- What came back is worth what was paid for it.
lines_back as (
    select
        'return:' || refund_lines.refund_id as transaction_source_id,
        refund_lines.line_id,
        order_lines.product_id,
        order_lines.sku,
        order_lines.product_name,
        order_lines.category,
        order_lines.brand,
        refund_lines.quantity,
        order_lines.unit_price,
        {{ without_tax("refund_lines.subtotal_amount", "orders") }} as amount,
        order_lines.unit_cost,
        refund_lines.first_load_id
    from refund_lines
    left join orders on refund_lines.order_id = orders.order_id
    left join order_lines on refund_lines.line_id = order_lines.line_id
),

unioned as (
    select {{ as_entity("transaction_lines", {}, from_relation="files") }}
    from files
    union all
    select
        {{ as_entity("transaction_lines", {
            "source": "'shopify'", "source_id": "line_id", "transaction_source_id": "order_id",
            "transaction_type": "'sale'",
        }, carried=[
            "product_id", "sku", "product_name", "category", "brand", "quantity", "unit_price", "discount_amount",
            "list_amount", "unit_cost", "first_load_id",
        ]) }}
    from order_lines
    union all
    select
        {{ as_entity("transaction_lines", {
            "source": "'shopify'", "source_id": "transaction_source_id || ':' || line_id",
            "transaction_type": "'return'",
        }, carried=[
            "transaction_source_id", "product_id", "sku", "product_name", "category", "brand", "quantity",
            "unit_price", "amount", "unit_cost", "first_load_id",
        ]) }}
    from lines_back
)

select * from unioned
