with
headers as (
    select * from {{ ref("int_transactions_unioned") }}
),

lines as (
    select * from {{ ref("int_transaction_lines") }}
),

-- A line that was cancelled alone does not count; where all were, the transaction keeps their sum.
surveyed_lines as (
    select
        *,
        max(case when is_counted then 1 else 0 end) over (partition by transaction_id) = 1 as part_is_counted,
        min(person_source_id) over (partition by transaction_id) as transaction_person
    from lines
),

line_parts as (
    select
        source,
        transaction_source_id as source_id,
        transaction_id,
        transaction_type,
        part_is_counted as is_counted,
        sum(amount + discount_amount) as goods_amount,
        sum(discount_amount) as discount_amount,
        case when count(*) = count(cost_amount) then sum(cost_amount) end as cost_amount,
        min(order_id) as order_id,
        min(person_source_id) as person_source_id,
        -- The e-mail of another line's person would join the two.
        min(case when person_source_id is null or person_source_id = transaction_person then email end) as email,
        min(occurred_at) as occurred_at,
        -- XXX is ISO 4217 for no currency: a sum over several has no base amount.
        case when count(distinct currency) > 1 then 'XXX' else min(currency) end as currency,
        min(status) as status,
        min(channel) as channel,
        min(first_load_id) as first_load_id
    from surveyed_lines
    where is_counted or not part_is_counted
    group by source, transaction_source_id, transaction_id, transaction_type, part_is_counted
),

line_totals as (
    select
        source,
        source_id,
        count(*) > 1 as goes_both_ways,
        min(transaction_type) as transaction_type,
        max(case when is_counted then 1 else 0 end) = 1 as is_counted,
        sum(goods_amount) as goods_amount,
        sum(discount_amount) as discount_amount,
        sum(cost_amount) as cost_amount
    from line_parts
    group by source, source_id
),

surveyed_headers as (
    select
        headers.source,
        headers.source_id,
        abs(headers.gross_amount) as gross_amount,
        abs(headers.discount_amount) as discount_amount,
        abs(headers.refund_amount) as refund_amount,
        abs(coalesce(headers.cost_amount, line_totals.cost_amount)) as cost_amount,
        line_totals.goods_amount as lines_goods_amount,
        line_totals.discount_amount as lines_discount_amount,
        coalesce(line_totals.goes_both_ways, false) as goes_both_ways,
        {{ status_counts("headers.status") }} and coalesce(line_totals.is_counted, true) as is_counted,
        headers.transaction_type in ('refund', 'return') as is_declared_back,
        case
            when headers.transaction_type in ('refund', 'return') then headers.transaction_type
            when headers.gross_amount < 0 then 'return'
            when headers.gross_amount is null and line_totals.source is not null then line_totals.transaction_type
            when headers.transaction_type = 'sale' or headers.gross_amount > 0 then 'sale'
            when headers.refund_amount != 0 then 'refund'
            else 'sale'
        end as transaction_type
    from headers
    left join line_totals
        on
            headers.source = line_totals.source
            and headers.source_id = line_totals.source_id
),

-- A transaction without a header, or one whose lines go both ways, is what its lines sum to.
parts_from_lines as (
    select
        line_parts.source,
        line_parts.source_id,
        line_parts.transaction_id,
        line_parts.transaction_id as line_part_id,
        line_parts.transaction_type,
        line_parts.is_counted,
        case when line_parts.transaction_type = 'sale' then line_parts.goods_amount else 0 end as gross_amount,
        case
            when line_parts.transaction_type = 'sale'
                then coalesce(nullif(surveyed_headers.discount_amount, 0), line_parts.discount_amount)
            else 0
        end as discount_amount,
        case when line_parts.transaction_type = 'sale' then 0 else line_parts.goods_amount end as refund_amount,
        line_parts.cost_amount,
        false as is_from_sale
    from line_parts
    left join surveyed_headers
        on
            line_parts.source = surveyed_headers.source
            and line_parts.source_id = surveyed_headers.source_id
    where surveyed_headers.source is null or surveyed_headers.goes_both_ways
),

-- Any other is what its header says; of goods that the header is silent about, what its lines sum to.
parts_from_headers as (
    select
        source,
        source_id,
        source || ':' || source_id as transaction_id,
        source || ':' || source_id as line_part_id,
        transaction_type,
        is_counted,
        case when transaction_type = 'sale' then coalesce(gross_amount, lines_goods_amount, 0) else 0 end
            as gross_amount,
        case
            when transaction_type != 'sale' then 0
            -- Goods that are taken from lines come with their discounts; a header's zero does not deny them.
            when gross_amount is null then coalesce(nullif(discount_amount, 0), lines_discount_amount, 0)
            else coalesce(discount_amount, lines_discount_amount, 0)
        end as discount_amount,
        case
            when transaction_type = 'sale' then 0
            else coalesce(
                case when is_declared_back then refund_amount else nullif(refund_amount, 0) end,
                case when gross_amount is not null then greatest(gross_amount - coalesce(discount_amount, 0), 0) end,
                lines_goods_amount,
                0
            )
        end as refund_amount,
        cost_amount,
        false as is_from_sale
    from surveyed_headers
    where not goes_both_ways
),

-- Money given back on the row of the sale itself is a refund of its own.
refunds_from_headers as (
    select
        source,
        source_id,
        source || ':' || source_id || ':refund' as transaction_id,
        source || ':' || source_id as line_part_id,
        'refund' as transaction_type,
        is_counted,
        0 as gross_amount,
        0 as discount_amount,
        refund_amount,
        {{ to_money("null") }} as cost_amount,
        true as is_from_sale
    from surveyed_headers
    where
        not goes_both_ways
        and transaction_type = 'sale'
        and refund_amount != 0
),

parts as (
    select * from parts_from_lines
    union all
    select * from parts_from_headers
    union all
    select * from refunds_from_headers
),

completed as (
    select
        parts.transaction_id,
        parts.source,
        parts.source_id,
        parts.transaction_type,
        parts.is_counted,
        parts.is_from_sale,
        headers.order_source,
        coalesce(headers.order_id, line_parts.order_id) as order_number,
        coalesce(headers.person_source_id, line_parts.person_source_id) as person_source_id,
        coalesce(
            headers.email,
            case
                when
                    headers.person_source_id is null
                    or line_parts.person_source_id is null
                    or headers.person_source_id = line_parts.person_source_id
                    then line_parts.email
            end
        ) as email,
        coalesce(headers.occurred_at, line_parts.occurred_at) as occurred_at,
        coalesce(headers.currency, line_parts.currency) as currency,
        parts.gross_amount,
        parts.discount_amount,
        parts.refund_amount,
        case when parts.transaction_id = parts.source || ':' || parts.source_id then abs(headers.tax_amount) end
            as tax_amount,
        case when parts.transaction_id = parts.source || ':' || parts.source_id then abs(headers.shipping_amount) end
            as shipping_amount,
        parts.cost_amount,
        coalesce(headers.status, line_parts.status) as status,
        coalesce(headers.channel, line_parts.channel) as channel,
        headers.store_id,
        headers.seller_record_id,
        headers.account_source_id,
        {{ carried_custom_fields("transactions", "headers") -}}
        headers.updated_at,
        coalesce(headers.first_load_id, line_parts.first_load_id) as first_load_id
    from parts
    left join headers
        on
            parts.source = headers.source
            and parts.source_id = headers.source_id
    left join line_parts on parts.line_part_id = line_parts.transaction_id
    -- Lines that came before their header wait for it.
    where headers.occurred_at is not null or line_parts.occurred_at is not null
),

-- Refunds and returns may come from another source than the sale. Where they do not say which, they belong to its
-- order when only one source has a sale of that number.
order_owners as (
    select
        coalesce(order_number, source_id) as order_number,
        min(source) as owner
    from completed
    where transaction_type = 'sale'
    group by coalesce(order_number, source_id)
    having count(distinct source) = 1
),

addressed as (
    select
        *,
        {{ email_normalised("email") }} as email_normalised,
        -- A part of a row that is a sale belongs to it; the id of any other return or refund is no order number.
        max(case when transaction_type = 'sale' then 1 else 0 end) over (partition by source, source_id) = 1
        or order_number is not null as has_order
    from completed
),

ordered as (
    select
        addressed.*,
        case
            when addressed.has_order
                then
                    coalesce(addressed.order_source, order_owners.owner, addressed.source)
                    || ':' || coalesce(addressed.order_number, addressed.source_id)
            else addressed.source || '::' || addressed.source_id
        end as order_id,
        {{ person_record_id("addressed.source", "addressed.person_source_id", "addressed.email_normalised") }}
            as own_record_id,
        addressed.source || ':' || addressed.account_source_id as own_account_record_id
    from addressed
    left join order_owners on addressed.order_number = order_owners.order_number
),

surveyed_orders as (
    select
        *,
        count(case when transaction_type = 'sale' then 1 end) over (partition by order_id) as order_sales,
        count(case when transaction_type = 'sale' and is_counted then 1 end) over (partition by order_id)
            as order_counted_sales,
        count(case when transaction_type = 'refund' and is_counted and refund_amount > 0 then 1 end)
            over (partition by order_id) as order_counted_refunds,
        count(
            case when transaction_type = 'refund' and is_counted and refund_amount > 0 and not is_from_sale then 1 end
        ) over (partition by order_id) as order_own_refunds,
        count(case when transaction_type = 'sale' then cost_amount end) over (partition by order_id)
            as order_known_costs,
        count(case when transaction_type = 'return' and is_counted then cost_amount end) over (partition by order_id)
            as order_returned_costs,
        min(case when transaction_type = 'sale' then own_record_id end) over (partition by order_id)
            as order_record_id,
        min(case when transaction_type = 'sale' then own_account_record_id end) over (partition by order_id)
            as order_account_record_id
    from ordered
),

settled as (
    select
        transaction_id,
        order_id,
        transaction_type,
        coalesce(own_record_id, order_record_id) as record_id,
        source,
        source_id,
        person_source_id,
        email,
        email_normalised,
        occurred_at,
        currency,
        {{ to_money("gross_amount") }} as gross_amount,
        {{ to_money("discount_amount") }} as discount_amount,
        {{ to_money("tax_amount") }} as tax_amount,
        {{ to_money("shipping_amount") }} as shipping_amount,
        -- Goods that came back are worth what was refunded for them, once.
        case
            when transaction_type = 'return' and order_counted_refunds > 0 then {{ to_money("0") }}
            when is_from_sale and order_own_refunds > 0 then {{ to_money("0") }}
            else {{ to_money("refund_amount") }}
        end as refund_amount,
        -- Their cost comes back once, too.
        case
            when transaction_type = 'refund' and order_returned_costs > 0 then {{ to_money("null") }}
            else {{ to_money("cost_amount") }}
        end as cost_amount,
        order_known_costs > 0 as has_known_cost,
        status,
        -- What reverses a cancelled sale would reverse what was never counted.
        is_counted and (order_counted_sales > 0 or order_sales = 0) as is_counted,
        channel,
        store_id,
        seller_record_id,
        account_source_id,
        coalesce(own_account_record_id, order_account_record_id) as account_record_id,
        {{ carried_custom_fields("transactions", "surveyed_orders") -}}
        updated_at,
        first_load_id
    from surveyed_orders
),

netted as (
    select
        *,
        {{ to_money("gross_amount - discount_amount - refund_amount") }} as net_amount,
        case
            when currency is null or currency = {{ base_currency() }}
                then {{ to_money("gross_amount - discount_amount - refund_amount") }}
        end as net_amount_base
    from settled
)

select * from netted
