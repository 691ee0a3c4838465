with
refunds as (
    select * from {{ ref("stg_stripe__refunds") }}
),

payments as (
    select * from {{ ref("int_payments") }}
),

orders as (
    select * from {{ ref("stg_shopify__orders") }}
),

shop_refunds as (
    select distinct order_id
    from {{ ref("stg_shopify__refunds") }}
    where not has_failed
),

invoices as (
    select * from {{ ref("stg_stripe__invoices") }}
),

deals as (
    select * from {{ ref("stg_salesforce__opportunity") }}
),

-- A refund may name the payment as a whole, of which one attempt at most was collected.
collected as (
    select
        payment_intent_id,
        min(charge_id) as charge_id
    from payments
    where is_collected and payment_intent_id is not null
    group by payment_intent_id
),

-- What the customer owes for a sale, and what of it is goods.
sales as (
    select
        'shopify:' || orders.order_id as sale_id,
        orders.currency,
        orders.total_amount,
        {{ without_tax("orders.subtotal_amount", "orders") }} as net_amount
    from orders
    union all
    select
        'stripe:' || invoice_id as sale_id,
        currency,
        total_amount,
        goods_amount - discount_amount as net_amount
    from invoices
    union all
    select
        'salesforce:' || opportunity_id as sale_id,
        currency,
        {{ to_money("null") }} as total_amount,
        amount as net_amount
    from deals
),

paid as (
    select
        sale_id,
        currency,
        sum(amount) as amount
    from payments
    where is_collected
    group by sale_id, currency
),

found as (
    select
        'stripe:' || refunds.refund_id as payment_refund_id,
        refunds.refund_id,
        payments.charge_id,
        coalesce(payments.sale_id, payments.payment_id) as sale_id,
        coalesce(payments.sale_source, 'stripe') as sale_source,
        coalesce(payments.sale_source_id, payments.charge_id) as sale_source_id,
        payments.sale_id is null as is_of_bare_charge,
        shop_refunds.order_id is not null as is_stated_by_shop,
        refunds.amount,
        refunds.currency,
        refunds.reason,
        case when refunds.status = 'requires_action' then 'awaiting_payment' else refunds.status end as status,
        refunds.occurred_at,
        refunds.first_load_id
    from refunds
    left join collected
        on
            refunds.charge_id is null
            and refunds.payment_intent_id = collected.payment_intent_id
    -- Who lets an authorised card go says so in a refund, though no money came.
    inner join payments
        on
            coalesce(refunds.charge_id, collected.charge_id) = payments.charge_id
            and payments.is_collected
    left join shop_refunds
        on
            payments.sale_source = 'shopify'
            and payments.sale_source_id = shop_refunds.order_id
),

-- What was paid beyond what was owed, as by a second payment of the same order, is given back before any goods are.
compared as (
    select
        found.*,
        sales.currency as owed_currency,
        sales.total_amount as owed_amount,
        sales.net_amount,
        paid.amount as paid_amount,
        case
            when found.currency = sales.currency then coalesce(greatest(paid.amount - sales.total_amount, 0), 0)
            else 0
        end as excess_amount,
        coalesce(
            sum(
                case
                    when {{ status_counts("found.status") }} and not found.is_stated_by_shop then found.amount
                    else 0
                end
            )
                over (
                    partition by found.sale_id, found.currency
                    order by
                        case when found.reason = 'duplicate' then 0 else 1 end,
                        found.occurred_at,
                        found.refund_id
                    rows between unbounded preceding and 1 preceding
                ),
            0
        ) as earlier_amount
    from found
    left join sales on found.sale_id = sales.sale_id
    left join paid
        on
            found.sale_id = paid.sale_id
            and found.currency = paid.currency
),

reduced as (
    select
        *,
        amount - least(amount, greatest(excess_amount - earlier_amount, 0)) as owed_back_amount
    from compared
),

-- Goods without tax and shipping, pro rata: of what was owed where the currency is that of the sale, else of what was
-- paid in the currency of the refund. The result is in the currency of the sale.
valued as (
    select
        payment_refund_id,
        refund_id,
        charge_id,
        sale_id,
        sale_source,
        sale_source_id,
        is_of_bare_charge,
        is_stated_by_shop,
        amount,
        currency,
        case when is_of_bare_charge then currency else owed_currency end as sale_currency,
        case
            when is_of_bare_charge then amount
            when currency = owed_currency and owed_amount > 0
                then {{ to_money(quotient("owed_back_amount * net_amount", "owed_amount")) }}
            -- An instalment says nothing of the rest of the sale: no more is given back than was.
            when currency = owed_currency and paid_amount > 0
                then {{ to_money(quotient(
                    "owed_back_amount * " ~ lesser("net_amount", "paid_amount"), "paid_amount"
                )) }}
            when paid_amount > 0 then {{ to_money(quotient("amount * net_amount", "paid_amount")) }}
        end as goods_amount,
        status,
        occurred_at,
        first_load_id
    from reduced
)

select * from valued
