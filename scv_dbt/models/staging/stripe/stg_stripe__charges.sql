with
raw_charges as (
    {{ newest_rows("stripe", "charges", key="id") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as charge_id,
        {{ from_minor_units("amount", "currency") }} as amount,
        {{ from_minor_units("amount_refunded", "currency") }} as refunded_amount,
        upper({{ clean_text("currency") }}) as currency,
        {{ clean_text("customer") }} as customer_id,
        {{ clean_text("payment_intent") }} as payment_intent_id,
        {{ clean_text("invoice") }} as invoice_id,
        {{ clean_text("description") }} as description,
        coalesce({{ clean_text(json_text("billing_details", "email")) }}, {{ clean_text("receipt_email") }}) as email,
        {{ clean_text(json_text("billing_details", "name")) }} as full_name,
        {{ clean_text(json_text("billing_details", "phone")) }} as phone,
        {{ clean_text(json_text("metadata", "order_id")) }} as order_id,
        {{ clean_text(json_text("metadata", "opportunity_id")) }} as opportunity_id,
        {{ clean_word("status") }} as status,
        {{ clean_word("status") }} = 'succeeded' and coalesce(paid, true) and coalesce(captured, true) as is_collected,
        {{ clean_word("failure_code") }} as failure_code,
        not coalesce(livemode, true) as is_test,
        {{ unix_seconds_to_timestamp("created") }} as occurred_at,
        first_load_id
    from raw_charges
)

select * from cleaned
