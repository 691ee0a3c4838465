with
raw_refunds as (
    {{ newest_rows("stripe", "refunds", key="id") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as refund_id,
        {{ from_minor_units("amount", "currency") }} as amount,
        upper({{ clean_text("currency") }}) as currency,
        {{ clean_text("charge") }} as charge_id,
        {{ clean_text("payment_intent") }} as payment_intent_id,
        {{ clean_word("reason") }} as reason,
        {{ clean_word("status") }} as status,
        {{ clean_text(json_text("metadata", "refund_id")) }} as shop_refund_id,
        {{ unix_seconds_to_timestamp("created") }} as occurred_at,
        first_load_id
    from raw_refunds
)

select * from cleaned
