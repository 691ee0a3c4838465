with
lines as (
    select * from {{ ref("int_transaction_lines_unioned") }}
),

headers as (
    select * from {{ ref("int_transactions_unioned") }}
),

products as (
    select * from {{ ref("int_products") }}
),

-- What the header and the catalogue say about a line that is silent.
completed as (
    select
        lines.source,
        lines.source_id,
        lines.transaction_source_id,
        lines.order_id,
        lines.person_source_id,
        lines.email,
        {{ email_normalised("lines.email") }} as email_normalised,
        lines.occurred_at,
        lines.currency,
        lines.channel,
        lines.status,
        {{ status_counts("lines.status") }} and {{ status_counts("headers.status") }} as is_counted,
        headers.source_id is not null as has_header,
        lines.product_id,
        lines.sku,
        coalesce(lines.product_name, products.name) as product_name,
        coalesce(lines.category, products.category) as category,
        coalesce(lines.brand, products.brand) as brand,
        lines.quantity,
        lines.unit_price,
        abs(coalesce(lines.discount_amount, 0)) as discount_amount,
        lines.list_amount,
        lines.amount,
        coalesce(
            lines.unit_cost,
            -- No currency is the base currency.
            case
                when
                    coalesce(products.currency, {{ base_currency() }})
                    = coalesce(lines.currency, headers.currency, {{ base_currency() }})
                    then products.cost
            end
        ) as unit_cost,
        coalesce(
            lines.transaction_type,
            headers.transaction_type,
            case when headers.gross_amount < 0 then 'return' end,
            'sale'
        ) as declared_type,
        lines.first_load_id
    from lines
    left join headers
        on
            lines.source = headers.source
            and lines.transaction_source_id = headers.source_id
    left join products on lines.product_id = products.product_id
),

-- `amount` is what the line cost after its discount, with the sign of the file.
valued as (
    select
        *,
        coalesce(
            amount,
            case when list_amount < 0 then list_amount + discount_amount else list_amount - discount_amount end,
            0
        ) as signed_amount
    from completed
),

-- The sign of the money decides. That of the quantity does where the money has none of its own: the file writes
-- amounts without signs, or the line is worth nothing.
directed as (
    select
        *,
        case
            when signed_amount < 0 then -1
            when quantity < 0 and (amount is not null or signed_amount = 0) then -1
            when signed_amount > 0 then 1
            else 0
        end as direction
    from valued
),

surveyed as (
    select
        *,
        min(direction) over (partition by source, transaction_source_id, declared_type) as least_direction,
        max(direction) over (partition by source, transaction_source_id, declared_type) as greatest_direction
    from directed
),

-- The sign decides inside a sale; inside a return or refund it does so only where the file uses signs at all.
typed as (
    select
        *,
        case
            when declared_type = 'sale' and direction < 0 then 'return'
            when declared_type = 'sale' and direction = 0 and least_direction < 0 and greatest_direction = 0
                then 'return'
            when declared_type != 'sale' and direction > 0 and least_direction < 0 then 'sale'
            else declared_type
        end as transaction_type
    from surveyed
),

-- A transaction that goes both ways becomes one row per way; the first of sale, return, refund keeps its id.
parted as (
    select
        *,
        min(case transaction_type when 'sale' then 1 when 'return' then 2 else 3 end)
            over (partition by source, transaction_source_id)
        = case transaction_type when 'sale' then 1 when 'return' then 2 else 3 end as keeps_id
    from typed
),

signed as (
    select
        source || ':' || source_id as transaction_line_id,
        source || ':' || transaction_source_id || case when keeps_id then '' else ':' || transaction_type end
            as transaction_id,
        {{ person_record_id("source", "person_source_id", "email_normalised") }} as record_id,
        source,
        source_id,
        transaction_source_id,
        order_id,
        transaction_type,
        person_source_id,
        email,
        email_normalised,
        occurred_at,
        currency,
        channel,
        status,
        is_counted,
        has_header,
        product_id,
        sku,
        product_name,
        category,
        brand,
        abs(quantity) as quantity,
        abs(unit_price) as unit_price,
        {{ to_money("case when transaction_type = 'sale' then discount_amount else 0 end") }} as discount_amount,
        {{ to_money("abs(signed_amount)") }} as amount,
        {{ to_money("abs(coalesce(quantity, 1)) * unit_cost") }} as cost_amount,
        first_load_id
    from parted
)

select * from signed
