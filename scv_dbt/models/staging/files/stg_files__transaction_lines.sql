with
raw_lines as (
    {{ newest_rows("files", "transaction_lines", key="source_id") }}
),

cleaned as (
    select
        source,
        {{ clean_text("source_id") }} as source_id,
        {{ clean_text("transaction_source_id") }} as transaction_source_id,
        {{ clean_text("product_id") }} as product_id,
        {{ clean_text("sku") }} as sku,
        {{ clean_text("product_name") }} as product_name,
        {{ clean_text("category") }} as category,
        {{ clean_text("brand") }} as brand,
        {{ to_money("quantity") }} as quantity,
        {{ to_money("unit_price") }} as unit_price,
        {{ to_money("discount_amount") }} as discount_amount,
        -- Of the file's own digits: a price may have more than four of them after the point.
        {{ to_money("cast(coalesce(quantity, 1) * unit_price as " ~ raw_type("decimal") ~ ")") }} as list_amount,
        {{ to_money("amount") }} as amount,
        {{ to_money("unit_cost") }} as unit_cost,
        {{ clean_text("person_source_id") }} as person_source_id,
        {{ clean_text("email") }} as email,
        {{ utc_timestamp("occurred_at") }} as occurred_at,
        upper({{ clean_text("currency") }}) as currency,
        {{ clean_text("order_id") }} as order_id,
        {{ clean_word("transaction_type") }} as transaction_type,
        {{ clean_word("status") }} as status,
        {{ clean_word("channel") }} as channel,
        first_load_id
    from raw_lines
)

select * from cleaned
