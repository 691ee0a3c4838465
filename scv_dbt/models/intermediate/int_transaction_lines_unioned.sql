{%- set columns = [
    "source", "source_id", "transaction_source_id", "product_id", "sku", "product_name", "category", "brand",
    "quantity", "unit_price", "discount_amount", "list_amount", "amount", "unit_cost", "person_source_id", "email",
    "occurred_at", "currency", "order_id", "transaction_type", "status", "channel", "first_load_id",
] -%}

with
files as (
    select * from {{ ref("stg_files__transaction_lines") }}
),

orders as (
    select * from {{ ref("stg_shopify__orders") }}
),

order_lines as (
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

described as (
    select
        order_lines.*,
        products.category,
        variants.cost as unit_cost
    from order_lines
    left join products on order_lines.product_id = products.product_id
    left join variants on order_lines.variant_id = variants.variant_id
),

from_order_lines as (
    select
        'shopify' as source,
        described.line_id as source_id,
        described.order_id as transaction_source_id,
        described.product_id,
        described.sku,
        described.product_name,
        described.category,
        described.brand,
        {{ to_money("described.quantity") }} as quantity,
        {{ without_tax("described.unit_price", "orders") }} as unit_price,
        {{ without_tax("described.discount_amount", "orders") }} as discount_amount,
        {{ without_tax("described.quantity * described.unit_price", "orders") }} as list_amount,
        described.unit_cost,
        {{ typed_nulls(["amount"]) -}}
        {{ typed_nulls(["person_source_id", "email", "currency", "order_id", "status", "channel"], "string") -}}
        {{ typed_nulls(["occurred_at"], "timestamp") -}}
        'sale' as transaction_type,
        described.first_load_id
    from described
    left join orders on described.order_id = orders.order_id
),

-- What came back is worth what was paid for it.
from_refund_lines as (
    select
        'shopify' as source,
        'return:' || refund_lines.refund_id || ':' || refund_lines.line_id as source_id,
        'return:' || refund_lines.refund_id as transaction_source_id,
        described.product_id,
        described.sku,
        described.product_name,
        described.category,
        described.brand,
        refund_lines.quantity,
        {{ without_tax("described.unit_price", "orders") }} as unit_price,
        {{ without_tax("refund_lines.subtotal_amount", "orders") }} as amount,
        described.unit_cost,
        {{ typed_nulls(["discount_amount", "list_amount"]) -}}
        {{ typed_nulls(["person_source_id", "email", "currency", "order_id", "status", "channel"], "string") -}}
        {{ typed_nulls(["occurred_at"], "timestamp") -}}
        'return' as transaction_type,
        refund_lines.first_load_id
    from refund_lines
    left join described on refund_lines.line_id = described.line_id
    left join orders on refund_lines.order_id = orders.order_id
),

unioned as (
    {% for relation in ["files", "from_order_lines", "from_refund_lines"] -%}
    select {{ columns | join(", ") }} from {{ relation }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
)

select * from unioned
