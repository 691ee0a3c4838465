{%- set columns = [
    "source", "source_id", "order_source", "order_id", "transaction_type", "person_source_id", "email", "occurred_at",
    "currency", "gross_amount", "discount_amount", "tax_amount", "shipping_amount", "refund_amount", "cost_amount",
    "status", "channel", "store_id", "seller_record_id", "account_source_id",
] + custom_fields("transactions") | map(attribute="name") | list + ["updated_at", "first_load_id"] -%}

with
files as (
    select * from {{ ref("stg_files__transactions") }}
),

orders as (
    select * from {{ ref("stg_shopify__orders") }}
),

shop_refunds as (
    select * from {{ ref("stg_shopify__refunds") }}
),

shop_refund_lines as (
    select * from {{ ref("stg_shopify__refund_lines") }}
),

sellers as (
    select * from {{ ref("stg_app_db__sellers") }}
),

deals as (
    select * from {{ ref("stg_salesforce__opportunity") }}
    where is_won and not is_deleted
),

invoices as (
    select * from {{ ref("stg_stripe__invoices") }}
),

payments as (
    select * from {{ ref("int_payments") }}
),

payment_refunds as (
    select * from {{ ref("int_payment_refunds") }}
),

refunded_goods as (
    select
        refund_id,
        sum(subtotal_amount) as subtotal_amount,
        max(case when is_restocked then 1 else 0 end) = 1 as is_restocked
    from shop_refund_lines
    group by refund_id
),

-- Each invoice with the order or the deal that states its sale, if one does.
stated_invoices as (
    select
        invoices.invoice_id,
        max(orders.order_id) as order_id,
        max(deals.opportunity_id) as opportunity_id
    from invoices
    left join orders on invoices.order_id = orders.order_id
    left join deals on invoices.opportunity_id = deals.opportunity_id
    group by invoices.invoice_id
    union all
    select
        invoice_id,
        order_id,
        opportunity_id
    from payments
    where invoice_id is not null
),

invoices_stated_elsewhere as (
    select distinct invoice_id
    from stated_invoices
    where order_id is not null or opportunity_id is not null
),

deals_stated_by_orders as (
    select opportunity_id
    from stated_invoices
    where order_id is not null and opportunity_id is not null
    union distinct
    select opportunity_id
    from payments
    where order_id is not null and opportunity_id is not null
),

from_files as (
    select
        source,
        source_id,
        {{ typed_nulls(["order_source"], "string") -}}
        order_id,
        transaction_type,
        person_source_id,
        email,
        occurred_at,
        currency,
        gross_amount,
        discount_amount,
        tax_amount,
        shipping_amount,
        refund_amount,
        cost_amount,
        status,
        channel,
        store_id,
        source || ':' || seller_source_id as seller_record_id,
        account_source_id,
        {{ carried_custom_fields("transactions", "files") -}}
        updated_at,
        first_load_id
    from files
),

from_orders as (
    select
        'shopify' as source,
        orders.order_id as source_id,
        'shopify' as order_source,
        orders.order_id,
        'sale' as transaction_type,
        orders.person_source_id,
        orders.email,
        orders.occurred_at,
        orders.currency,
        {{ without_tax("orders.goods_amount", "orders") }} as gross_amount,
        {{ without_tax("orders.discount_amount", "orders") }} as discount_amount,
        orders.tax_amount,
        {{ without_tax("orders.shipping_amount", "orders") }} as shipping_amount,
        orders.status,
        orders.channel,
        'app_db:' || sellers.user_id as seller_record_id,
        orders.updated_at,
        {{ typed_nulls(["refund_amount", "cost_amount"]) -}}
        {{ typed_nulls(["store_id", "account_source_id"], "string") -}}
        {{ absent_custom_fields("transactions") -}}
        orders.first_load_id
    from orders
    left join sellers on orders.seller_id = sellers.seller_id
),

from_deals as (
    select
        'salesforce' as source,
        deals.opportunity_id as source_id,
        'salesforce' as order_source,
        deals.opportunity_id as order_id,
        'sale' as transaction_type,
        deals.contact_id as person_source_id,
        coalesce(cast(deals.close_date as timestamp), deals.created_at) as occurred_at,
        deals.currency,
        deals.amount as gross_amount,
        'won' as status,
        'sales' as channel,
        deals.account_id as account_source_id,
        deals.updated_at,
        {{ typed_nulls(["discount_amount", "tax_amount", "shipping_amount", "refund_amount", "cost_amount"]) -}}
        {{ typed_nulls(["email", "store_id", "seller_record_id"], "string") -}}
        {{ absent_custom_fields("transactions") -}}
        deals.first_load_id
    from deals
    left join deals_stated_by_orders on deals.opportunity_id = deals_stated_by_orders.opportunity_id
    where deals_stated_by_orders.opportunity_id is null
),

from_invoices as (
    select
        'stripe' as source,
        invoices.invoice_id as source_id,
        'stripe' as order_source,
        invoices.invoice_id as order_id,
        'sale' as transaction_type,
        invoices.customer_id as person_source_id,
        invoices.email,
        invoices.occurred_at,
        invoices.currency,
        invoices.goods_amount as gross_amount,
        invoices.discount_amount,
        invoices.tax_amount,
        case
            when invoices.is_test then 'test'
            -- Issued and not paid yet.
            when invoices.status = 'open' then 'awaiting_payment'
            else invoices.status
        end as status,
        case when invoices.subscription_id is not null then 'subscription' else 'invoice' end as channel,
        {{ typed_nulls(["shipping_amount", "refund_amount", "cost_amount"]) -}}
        {{ typed_nulls(["store_id", "seller_record_id", "account_source_id"], "string") -}}
        {{ typed_nulls(["updated_at"], "timestamp") -}}
        {{ absent_custom_fields("transactions") -}}
        invoices.first_load_id
    from invoices
    left join invoices_stated_elsewhere on invoices.invoice_id = invoices_stated_elsewhere.invoice_id
    where invoices_stated_elsewhere.invoice_id is null
),

-- Money that came for nothing that another source states. An attempt that failed is no sale.
from_payments as (
    select
        'stripe' as source,
        charge_id as source_id,
        'stripe' as order_source,
        charge_id as order_id,
        'sale' as transaction_type,
        customer_id as person_source_id,
        email,
        occurred_at,
        currency,
        amount as gross_amount,
        case when is_test then 'test' else status end as status,
        'payment' as channel,
        {{ typed_nulls(["discount_amount", "tax_amount", "shipping_amount", "refund_amount", "cost_amount"]) -}}
        {{ typed_nulls(["store_id", "seller_record_id", "account_source_id"], "string") -}}
        {{ typed_nulls(["updated_at"], "timestamp") -}}
        {{ absent_custom_fields("transactions") -}}
        first_load_id
    from payments
    where
        sale_id is null
        and is_collected
),

-- Goods that came back. Their money is on the refund.
from_shop_returns as (
    select
        'shopify' as source,
        'return:' || shop_refunds.refund_id as source_id,
        'shopify' as order_source,
        shop_refunds.order_id,
        'return' as transaction_type,
        shop_refunds.occurred_at,
        orders.currency,
        {{ to_money("0") }} as refund_amount,
        orders.channel,
        {{ typed_nulls(["gross_amount", "discount_amount", "tax_amount", "shipping_amount", "cost_amount"]) -}}
        {{ typed_nulls(
            ["person_source_id", "email", "status", "store_id", "seller_record_id", "account_source_id"], "string"
        ) -}}
        {{ typed_nulls(["updated_at"], "timestamp") -}}
        {{ absent_custom_fields("transactions") -}}
        shop_refunds.first_load_id
    from shop_refunds
    inner join refunded_goods on shop_refunds.refund_id = refunded_goods.refund_id
    left join orders on shop_refunds.order_id = orders.order_id
    where refunded_goods.is_restocked
),

-- Money that the shop gave back: what the lines came to, and what was given beyond them, but no shipping.
from_shop_refunds as (
    select
        'shopify' as source,
        'refund:' || shop_refunds.refund_id as source_id,
        'shopify' as order_source,
        shop_refunds.order_id,
        'refund' as transaction_type,
        shop_refunds.occurred_at,
        orders.currency,
        greatest(
            {{ without_tax("coalesce(refunded_goods.subtotal_amount, 0) + shop_refunds.discrepancy_amount", "orders") }},
            0
        ) as refund_amount,
        case when shop_refunds.has_failed then 'failed' end as status,
        orders.channel,
        {{ typed_nulls(["gross_amount", "discount_amount", "tax_amount", "shipping_amount", "cost_amount"]) -}}
        {{ typed_nulls(["person_source_id", "email", "store_id", "seller_record_id", "account_source_id"], "string") -}}
        {{ typed_nulls(["updated_at"], "timestamp") -}}
        {{ absent_custom_fields("transactions") -}}
        shop_refunds.first_load_id
    from shop_refunds
    left join refunded_goods on shop_refunds.refund_id = refunded_goods.refund_id
    left join orders on shop_refunds.order_id = orders.order_id
),

-- Money that the payment provider gave back for a sale, where the shop does not tell of it.
from_payment_refunds as (
    select
        'stripe' as source,
        refund_id as source_id,
        sale_source as order_source,
        sale_source_id as order_id,
        'refund' as transaction_type,
        occurred_at,
        sale_currency as currency,
        goods_amount as refund_amount,
        case when status = 'requires_action' then 'awaiting_payment' else status end as status,
        'payment' as channel,
        {{ typed_nulls(["gross_amount", "discount_amount", "tax_amount", "shipping_amount", "cost_amount"]) -}}
        {{ typed_nulls(["person_source_id", "email", "store_id", "seller_record_id", "account_source_id"], "string") -}}
        {{ typed_nulls(["updated_at"], "timestamp") -}}
        {{ absent_custom_fields("transactions") -}}
        first_load_id
    from payment_refunds
    where not is_stated_by_shop
),

unioned as (
    {% for relation in [
        "from_files", "from_orders", "from_deals", "from_invoices", "from_payments", "from_shop_returns",
        "from_shop_refunds", "from_payment_refunds",
    ] -%}
    select {{ columns | join(", ") }} from {{ relation }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
)

select * from unioned
