with
charges as (
    select * from {{ ref("stg_stripe__charges") }}
),

invoices as (
    select * from {{ ref("stg_stripe__invoices") }}
),

orders as (
    select order_id from {{ ref("stg_shopify__orders") }}
),

-- A deal of which nobody noted the amount states no sale.
deals as (
    select opportunity_id
    from {{ ref("stg_salesforce__opportunity") }}
    where is_won and not is_deleted and amount is not null
),

invoice_payments as (
    select
        invoices.invoice_id,
        {{ json_text("invoice_payment", "payment.payment_intent") }} as payment_intent_id,
        {{ json_text("invoice_payment", "payment.charge") }} as charge_id
    from invoices
    {{ join_json_elements("invoices.payments", "invoice_payment") }}
),

-- Older versions of the API say on the charge which invoice it pays, newer ones on the invoice.
invoice_references as (
    select
        charges.charge_id,
        invoices.invoice_id
    from charges
    inner join invoices on charges.invoice_id = invoices.invoice_id
    union distinct
    select
        charges.charge_id,
        invoice_payments.invoice_id
    from charges
    inner join invoice_payments on charges.payment_intent_id = invoice_payments.payment_intent_id
    union distinct
    select
        charges.charge_id,
        invoice_payments.invoice_id
    from charges
    inner join invoice_payments on charges.charge_id = invoice_payments.charge_id
),

charge_invoices as (
    select
        charge_id,
        min(invoice_id) as invoice_id,
        count(*) as invoices
    from invoice_references
    group by charge_id
),

-- What is known of what a charge names itself.
referred as (
    select
        charges.*,
        orders.order_id as known_order_id,
        deals.opportunity_id as known_opportunity_id,
        charge_invoices.invoice_id as known_invoice_id,
        charge_invoices.invoices
    from charges
    left join orders on charges.order_id = orders.order_id
    left join deals on charges.opportunity_id = deals.opportunity_id
    left join charge_invoices on charges.charge_id = charge_invoices.charge_id
),

-- An invoice passes on what it or any of its payments names.
invoice_claims as (
    select
        invoices.invoice_id,
        orders.order_id,
        deals.opportunity_id
    from invoices
    left join orders on invoices.order_id = orders.order_id
    left join deals on invoices.opportunity_id = deals.opportunity_id
    union all
    select
        known_invoice_id as invoice_id,
        known_order_id as order_id,
        known_opportunity_id as opportunity_id
    from referred
    where known_invoice_id is not null
),

invoice_sales as (
    select
        invoice_id,
        min(order_id) as order_id,
        min(opportunity_id) as opportunity_id
    from invoice_claims
    group by invoice_id
),

matched as (
    select
        referred.*,
        coalesce(referred.known_order_id, invoice_sales.order_id) as paid_order_id,
        coalesce(referred.known_opportunity_id, invoice_sales.opportunity_id) as paid_opportunity_id,
        -- Two orders, two deals or two invoices: the references contradict each other.
        coalesce(referred.known_order_id != invoice_sales.order_id, false)
        or coalesce(referred.known_opportunity_id != invoice_sales.opportunity_id, false)
        or coalesce(referred.invoices, 0) > 1 as is_contradictory
    from referred
    left join invoice_sales on referred.known_invoice_id = invoice_sales.invoice_id
),

-- A shop order states a sale before a won deal does, a deal before an invoice.
payments as (
    select
        'stripe:' || charge_id as payment_id,
        charge_id,
        case
            when paid_order_id is not null then 'shopify:' || paid_order_id
            when paid_opportunity_id is not null then 'salesforce:' || paid_opportunity_id
            when known_invoice_id is not null then 'stripe:' || known_invoice_id
        end as sale_id,
        case
            when paid_order_id is not null then 'shopify'
            when paid_opportunity_id is not null then 'salesforce'
            when known_invoice_id is not null then 'stripe'
        end as sale_source,
        coalesce(paid_order_id, paid_opportunity_id, known_invoice_id) as sale_source_id,
        case
            when known_order_id is not null then 'order_id'
            when paid_order_id is not null then 'invoice'
            when known_opportunity_id is not null then 'opportunity_id'
            when known_invoice_id is not null then 'invoice'
        end as matched_by,
        is_contradictory,
        -- A reference, but none that leads to anything.
        coalesce(paid_order_id, paid_opportunity_id, known_invoice_id) is null
        and coalesce(order_id, opportunity_id, invoice_id) is not null as is_lost,
        paid_order_id as order_id,
        paid_opportunity_id as opportunity_id,
        known_invoice_id as invoice_id,
        customer_id,
        email,
        payment_intent_id,
        amount,
        currency,
        status,
        is_collected,
        is_test,
        occurred_at,
        first_load_id
    from matched
)

select * from payments
