with
refunds as (
    select * from {{ ref("stg_shopify__refunds") }}
),

elements as (
    select
        refunds.refund_id,
        refunds.order_id,
        refunds.first_load_id,
        {{ clean_text(json_text("refund_line", "line_item_id")) }} as line_id,
        -- `no_restock` is goods that stay with the customer, or were lost.
        coalesce({{ clean_word(json_text("refund_line", "restock_type")) }} != 'no_restock', refunds.is_restocked)
            as is_restocked,
        {{ json_number("refund_line", "quantity") }} as quantity,
        {{ json_number("refund_line", "subtotal") }} as subtotal_amount
    from refunds
    {{ join_json_elements("refunds.refund_line_items", "refund_line") }}
),

lines as (
    select
        refund_id,
        order_id,
        line_id,
        is_restocked,
        {{ to_money("sum(quantity)") }} as quantity,
        {{ to_money("sum(subtotal_amount)") }} as subtotal_amount,
        first_load_id
    from elements
    group by refund_id, order_id, line_id, is_restocked, first_load_id
)

select * from lines
