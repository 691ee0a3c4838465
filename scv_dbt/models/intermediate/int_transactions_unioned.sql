with
files as (
    select * from {{ ref("stg_files__transactions") }}
),

shop_orders as (
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

-- A deal of which nobody noted the amount states no sale.
won_deals as (
    select * from {{ ref("stg_salesforce__opportunity") }}
    where is_won and not is_deleted and amount is not null
),

invoices as (
    select * from {{ ref("stg_stripe__invoices") }}
),

payments as (
    select * from {{ ref("int_payments") }}
),

paying_companies as (
    select customer_id as company_id from {{ ref("stg_stripe__customers") }}
    where is_company
),

payment_refunds as (
    select * from {{ ref("int_payment_refunds") }}
),

-- What invoices and payments say of orders and deals that are known.
statements as (
    select
        invoices.invoice_id,
        shop_orders.order_id,
        won_deals.opportunity_id
    from invoices
    left join shop_orders on invoices.order_id = shop_orders.order_id
    left join won_deals on invoices.opportunity_id = won_deals.opportunity_id
    union all
    select
        invoice_id,
        order_id,
        opportunity_id
    from payments
),

invoices_of_others as (
    select distinct invoice_id
    from statements
    where invoice_id is not null and (order_id is not null or opportunity_id is not null)
),

deals_of_orders as (
    select distinct opportunity_id
    from statements
    where order_id is not null and opportunity_id is not null
),

-- The subtotal of the shop is goods after discount; its discounts may be on the shipping too.
orders as (
    select
        shop_orders.*,
        {{ without_tax("shop_orders.goods_amount", "shop_orders") }} as gross_amount,
        {{ without_tax(
            "coalesce(shop_orders.goods_amount - shop_orders.subtotal_amount, shop_orders.discount_amount)",
            "shop_orders",
        ) }} as goods_discount_amount,
        {{ without_tax("shop_orders.shipping_amount", "shop_orders") }} as net_shipping_amount,
        sellers.user_id as seller_user_id
    from shop_orders
    left join sellers on shop_orders.seller_id = sellers.seller_id
),

deals as (
    select won_deals.*
    from won_deals
    left join deals_of_orders on won_deals.opportunity_id = deals_of_orders.opportunity_id
    where deals_of_orders.opportunity_id is null
),

own_invoices as (
    select
        invoices.*,
        paying_companies.company_id
    from invoices
    left join invoices_of_others on invoices.invoice_id = invoices_of_others.invoice_id
    left join paying_companies on invoices.customer_id = paying_companies.company_id
    where invoices_of_others.invoice_id is null
),

-- Money that came for nothing that another source states. An attempt that failed is no sale.
bare_payments as (
    select
        payments.*,
        paying_companies.company_id
    from payments
    left join paying_companies on payments.customer_id = paying_companies.company_id
    where payments.sale_id is null and payments.is_collected
),

refunded_goods as (
    select
        refund_id,
        sum(subtotal_amount) as subtotal_amount,
        max(case when is_restocked then 1 else 0 end) = 1 as is_restocked
    from shop_refund_lines
    group by refund_id
),

-- What the lines came to, and what was given beyond them, but no shipping.
refunds as (
    select
        shop_refunds.*,
        shop_orders.currency,
        shop_orders.channel,
        coalesce(refunded_goods.is_restocked, false) as has_goods_back,
        greatest(
            {{ without_tax(
                "coalesce(refunded_goods.subtotal_amount, 0) + shop_refunds.discrepancy_amount", "shop_orders"
            ) }}, 0
        ) as goods_amount
    from shop_refunds
    left join refunded_goods on shop_refunds.refund_id = refunded_goods.refund_id
    left join shop_orders on shop_refunds.order_id = shop_orders.order_id
),

goods_back as (
    select *
    from refunds
    where has_goods_back
),

payment_refunds_of_their_own as (
    select *
    from payment_refunds
    where not is_stated_by_shop
),

unioned as (
    select
        {{ as_entity("transactions", {
            "order_source": "cast(null as string)", "seller_record_id": "source || ':' || seller_source_id",
        }, from_relation="files") }}
    from files
    union all
    select
        {{ as_entity("transactions", {
            "source": "'shopify'", "source_id": "order_id", "order_source": "'shopify'", "transaction_type": "'sale'",
            "discount_amount": "goods_discount_amount", "shipping_amount": "net_shipping_amount",
            "seller_record_id": "'app_db:' || seller_user_id",
        }, carried=[
            "order_id", "person_source_id", "email", "occurred_at", "currency", "gross_amount", "tax_amount", "status",
            "channel", "updated_at", "first_load_id",
        ]) }}
    from orders
    union all
    select
        {{ as_entity("transactions", {
            "source": "'salesforce'", "source_id": "opportunity_id", "order_source": "'salesforce'",
            "order_id": "opportunity_id", "transaction_type": "'sale'", "person_source_id": "contact_id",
            "occurred_at": "coalesce(cast(close_date as timestamp), created_at, updated_at)", "gross_amount": "amount",
            "status": "'won'", "channel": "'sales'", "account_source_id": "account_id",
        }, carried=["currency", "updated_at", "first_load_id"]) }}
    from deals
    union all
    select
        {{ as_entity("transactions", {
            "source": "'stripe'", "source_id": "invoice_id", "order_source": "'stripe'", "order_id": "invoice_id",
            "transaction_type": "'sale'", "person_source_id": "customer_id", "gross_amount": "goods_amount",
            "status": "case when is_test then 'test' when status = 'open' then 'awaiting_payment' else status end",
            "channel": "case when subscription_id is not null then 'subscription' else 'invoice' end",
            "account_source_id": "company_id",
        }, carried=["email", "occurred_at", "currency", "discount_amount", "tax_amount", "first_load_id"]) }}
    from own_invoices
    union all
    select
        {{ as_entity("transactions", {
            "source": "'stripe'", "source_id": "charge_id", "order_source": "'stripe'", "order_id": "charge_id",
            "transaction_type": "'sale'", "person_source_id": "customer_id", "gross_amount": "amount",
            "status": "case when is_test then 'test' else status end", "channel": "'payment'",
            "account_source_id": "company_id",
        }, carried=["email", "occurred_at", "currency", "first_load_id"]) }}
    from bare_payments
    union all
    -- Their money is on the refund.
    select
        {{ as_entity("transactions", {
            "source": "'shopify'", "source_id": "'return:' || refund_id", "order_source": "'shopify'",
            "transaction_type": "'return'", "refund_amount": to_money("0"),
        }, carried=["order_id", "occurred_at", "currency", "channel", "first_load_id"]) }}
    from goods_back
    union all
    select
        {{ as_entity("transactions", {
            "source": "'shopify'", "source_id": "'refund:' || refund_id", "order_source": "'shopify'",
            "transaction_type": "'refund'", "refund_amount": "goods_amount",
            "status": "case when has_failed then 'failed' end",
        }, carried=["order_id", "occurred_at", "currency", "channel", "first_load_id"]) }}
    from refunds
    union all
    select
        {{ as_entity("transactions", {
            "source": "'stripe'", "source_id": "refund_id", "order_source": "sale_source",
            "order_id": "sale_source_id", "transaction_type": "'refund'", "currency": "sale_currency",
            "refund_amount": "goods_amount", "channel": "'payment'",
        }, carried=["occurred_at", "status", "first_load_id"]) }}
    from payment_refunds_of_their_own
)

select * from unioned
