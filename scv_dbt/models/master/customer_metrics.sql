{%- set windows = [30, 90, 365] -%}

with
customers as (
    select * from {{ ref("customers") }}
),

transactions as (
    select
        *,
        {{ days_between("cast(occurred_at as date)", as_of()) }} as days_ago
    from {{ ref("transactions") }}
    where
        is_counted
        and customer_id is not null
        and cast(occurred_at as date) <= {{ as_of() }}
),

lines as (
    select * from {{ ref("transaction_lines") }}
    where
        is_counted
        and customer_id is not null
        and cast(occurred_at as date) <= {{ as_of() }}
),

sold_lines as (
    select * from lines
    where transaction_type = 'sale'
),

-- What runs on the day: begun and not ended, and neither unpaid nor paused now.
running_subscriptions as (
    select
        *,
        coalesce(cast(trial_end as date) > {{ as_of() }}, false) as is_on_trial
    from {{ ref("subscriptions") }}
    where
        is_counted
        and customer_id is not null
        and status not in ('unpaid', 'paused')
        and cast(started_at as date) <= {{ as_of() }}
        and coalesce(cast(ended_at as date) > {{ as_of() }}, true)
),

tickets as (
    select * from {{ ref("tickets") }}
    where
        customer_id is not null
        and cast(created_at as date) <= {{ as_of() }}
),

events as (
    select * from {{ ref("events") }}
    where
        customer_id is not null
        and cast(occurred_at as date) <= {{ as_of() }}
),

totals as (
    select
        customer_id,
        {{ count_orders() }} as orders,
        {{ count_orders("net_amount_base is not null") }} as valued_orders,
        sum(case when net_amount_base is not null then gross_amount end) as gross_revenue,
        sum(case when net_amount_base is not null then gross_amount - discount_amount end) as sold_revenue,
        sum(case when net_amount_base is not null then refund_amount end) as refunds,
        sum(net_amount_base) as net_revenue,
        sum(margin_amount_base) as margin,
        min(case when transaction_type = 'sale' then occurred_at end) as first_order_at,
        max(case when transaction_type = 'sale' then occurred_at end) as last_order_at,
        {% for days in windows -%}
        {{ count_orders("days_ago < " ~ days) }} as orders_{{ days }}d,
        sum(case when days_ago < {{ days }} then net_amount_base end) as net_revenue_{{ days }}d,
        {% endfor -%}
        min(case when transaction_type = 'sale' then days_ago end) as days_since_last_order
    from transactions
    group by customer_id
),

-- Bought in most orders; then for most money; then first by name.
favourite_categories as (
    select
        customer_id,
        category
    from sold_lines
    where category is not null
    group by customer_id, category
    qualify row_number() over (
        partition by customer_id
        order by count(distinct transaction_id) desc, sum(amount_base) desc nulls last, category
    ) = 1
),

favourite_products as (
    select
        customer_id,
        product_id
    from sold_lines
    where product_id is not null
    group by customer_id, product_id
    qualify row_number() over (
        partition by customer_id
        order by count(distinct transaction_id) desc, sum(amount_base) desc nulls last, product_id
    ) = 1
),

piece_counts as (
    select
        customer_id,
        sum(case when transaction_type = 'sale' then quantity end) as sold,
        sum(case when transaction_type = 'return' then quantity end) as returned
    from lines
    group by customer_id
),

subscription_counts as (
    select
        customer_id,
        count(*) as active_subscriptions,
        sum(case when not is_on_trial then mrr_base end) as mrr
    from running_subscriptions
    group by customer_id
),

ticket_counts as (
    select
        customer_id,
        count(*) as tickets
    from tickets
    group by customer_id
),

last_events as (
    select
        customer_id,
        max(occurred_at) as last_event_at
    from events
    group by customer_id
),

metrics as (
    select
        customers.customer_id,
        {{ as_of() }} as as_of,
        cast({{ age_on("customers.birth_date", as_of()) }} as bigint) as age,
        coalesce(totals.orders, 0) as orders,
        {{ to_money("coalesce(totals.gross_revenue, 0)") }} as gross_revenue,
        {{ to_money("coalesce(totals.refunds, 0)") }} as refunds,
        {{ to_money("coalesce(totals.net_revenue, 0)") }} as net_revenue,
        {{ to_money("totals.margin") }} as margin,
        {{ to_money(quotient("totals.sold_revenue", "nullif(totals.valued_orders, 0)")) }} as average_order_value,
        {{ to_money(quotient("totals.refunds", "nullif(totals.sold_revenue, 0)")) }} as return_rate,
        {{ to_money(quotient("coalesce(piece_counts.returned, 0)", "nullif(piece_counts.sold, 0)")) }}
            as returned_pieces_rate,
        totals.first_order_at,
        totals.last_order_at,
        totals.days_since_last_order,
        favourite_categories.category as favourite_category,
        favourite_products.product_id as favourite_product_id,
        coalesce(subscription_counts.active_subscriptions, 0) as active_subscriptions,
        {{ to_money("coalesce(subscription_counts.mrr, 0)") }} as mrr,
        coalesce(ticket_counts.tickets, 0) as tickets,
        {% for days in windows -%}
        coalesce(totals.orders_{{ days }}d, 0) as orders_{{ days }}d,
        {{ to_money("coalesce(totals.net_revenue_" ~ days ~ "d, 0)") }} as net_revenue_{{ days }}d,
        {% endfor -%}
        last_events.last_event_at
    from customers
    left join totals on customers.customer_id = totals.customer_id
    left join favourite_categories on customers.customer_id = favourite_categories.customer_id
    left join favourite_products on customers.customer_id = favourite_products.customer_id
    left join piece_counts on customers.customer_id = piece_counts.customer_id
    left join subscription_counts on customers.customer_id = subscription_counts.customer_id
    left join ticket_counts on customers.customer_id = ticket_counts.customer_id
    left join last_events on customers.customer_id = last_events.customer_id
)

select * from metrics
