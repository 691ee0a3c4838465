with
raw_transactions as (
    {{ newest_rows("files", "transactions", key="source_id", updated_at="updated_at") }}
),

cleaned as (
    select
        source,
        {{ clean_text("source_id") }} as source_id,
        {{ clean_text("order_id") }} as order_id,
        {{ clean_word("transaction_type") }} as transaction_type,
        {{ clean_text("person_source_id") }} as person_source_id,
        {{ clean_text("email") }} as email,
        {{ utc_timestamp("occurred_at") }} as occurred_at,
        upper({{ clean_text("currency") }}) as currency,
        {{ to_money("gross_amount") }} as gross_amount,
        {{ to_money("discount_amount") }} as discount_amount,
        {{ to_money("tax_amount") }} as tax_amount,
        {{ to_money("shipping_amount") }} as shipping_amount,
        {{ to_money("refund_amount") }} as refund_amount,
        {{ to_money("cost_amount") }} as cost_amount,
        {{ clean_word("status") }} as status,
        {{ clean_word("channel") }} as channel,
        {{ clean_text("store_id") }} as store_id,
        {{ clean_text("seller_source_id") }} as seller_source_id,
        {{ clean_text("account_source_id") }} as account_source_id,
        {{ staged_custom_fields("transactions") -}}
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_transactions
)

select * from cleaned
