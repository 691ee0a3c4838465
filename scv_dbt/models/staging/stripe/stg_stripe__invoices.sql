with
raw_invoices as (
    {{ newest_rows("stripe", "invoices", key="id") }}
),

discounts as (
    select
        {{ clean_text("raw_invoices.id") }} as invoice_id,
        sum({{ json_number("discount", "amount") }}) as discount_amount
    from raw_invoices
    {{ join_json_elements("raw_invoices.total_discount_amounts", "discount") }}
    group by {{ clean_text("raw_invoices.id") }}
),

taxes as (
    select
        {{ clean_text("raw_invoices.id") }} as invoice_id,
        sum({{ json_number("tax", "amount") }}) as tax_amount,
        sum(case when {{ json_text("tax", "tax_behavior") }} = 'inclusive' then {{ json_number("tax", "amount") }} end)
            as inclusive_tax_amount
    from raw_invoices
    {{ join_json_elements("raw_invoices.total_taxes", "tax") }}
    group by {{ clean_text("raw_invoices.id") }}
),

cleaned as (
    select
        {{ clean_text("raw_invoices.id") }} as invoice_id,
        {{ clean_text("raw_invoices.number") }} as invoice_number,
        {{ clean_text("raw_invoices.customer") }} as customer_id,
        {{ clean_text("raw_invoices.customer_email") }} as email,
        {{ clean_word("raw_invoices.status") }} as status,
        upper({{ clean_text("raw_invoices.currency") }}) as currency,
        {{ from_minor_units(
            "raw_invoices.subtotal - coalesce(taxes.inclusive_tax_amount, 0)", "raw_invoices.currency"
        ) }} as goods_amount,
        {{ from_minor_units("coalesce(discounts.discount_amount, 0)", "raw_invoices.currency") }} as discount_amount,
        {{ from_minor_units("coalesce(taxes.tax_amount, 0)", "raw_invoices.currency") }} as tax_amount,
        {{ from_minor_units("raw_invoices.total", "raw_invoices.currency") }} as total_amount,
        {{ from_minor_units("raw_invoices.amount_paid", "raw_invoices.currency") }} as paid_amount,
        {{ clean_word("raw_invoices.billing_reason") }} as billing_reason,
        {{ clean_text(json_text("raw_invoices.parent", "subscription_details.subscription")) }} as subscription_id,
        {{ clean_text(json_text("raw_invoices.metadata", "order_id")) }} as order_id,
        {{ clean_text(json_text("raw_invoices.metadata", "opportunity_id")) }} as opportunity_id,
        {{ json_part("raw_invoices.payments", "data") }} as payments,
        not coalesce(raw_invoices.livemode, true) as is_test,
        {{ unix_seconds_to_timestamp("raw_invoices.created") }} as created_at,
        coalesce(
            {{ unix_seconds_to_timestamp(
                "cast(" ~ json_number("raw_invoices.status_transitions", "finalized_at") ~ " as bigint)"
            ) }},
            {{ unix_seconds_to_timestamp("raw_invoices.created") }}
        ) as occurred_at,
        raw_invoices.first_load_id
    from raw_invoices
    left join discounts on {{ clean_text("raw_invoices.id") }} = discounts.invoice_id
    left join taxes on {{ clean_text("raw_invoices.id") }} = taxes.invoice_id
)

select * from cleaned
