with
transactions as (
    select * from {{ ref("int_transactions") }}
),

lines as (
    select * from {{ ref("int_transaction_lines") }}
),

shop_orders as (
    select * from {{ ref("stg_shopify__orders") }}
),

tickets as (
    select * from {{ ref("int_tickets") }}
),

subscriptions as (
    select * from {{ ref("int_subscriptions") }}
    where is_counted
),

-- A lead that was merged away or deleted is none.
leads as (
    select * from {{ ref("stg_salesforce__lead") }}
    where not is_deleted
),

deals as (
    select * from {{ ref("stg_salesforce__opportunity") }}
    where not is_deleted
),

campaigns as (
    select * from {{ ref("stg_salesforce__campaign") }}
),

campaign_members as (
    select * from {{ ref("stg_salesforce__campaign_member") }}
    where has_responded and not is_deleted
),

baskets as (
    select
        transaction_id,
        case when count(distinct category) = 1 then min(category) end as category,
        {{ list_of_items(
            "quantity", "coalesce(product_name, sku, product_id, 'item')", order_by=["transaction_line_id"]
        ) }} as products,
        {{ json_items(
            {"name": "product_name", "price": "unit_price"}, order_by=["transaction_line_id"]
        ) }} as items
    from lines
    group by transaction_id
),

-- A test is no order, and an attempt that failed or a draft never became one; what was cancelled had been placed.
orders as (
    select
        transactions.*,
        transactions.transaction_type = 'sale'
        and not transactions.is_counted
        and transactions.status in ('cancelled', 'canceled', 'void', 'voided') as is_cancelled,
        coalesce(shop_orders.cancelled_at, transactions.updated_at, transactions.occurred_at) as cancelled_at,
        baskets.products,
        baskets.items,
        baskets.category
    from transactions
    left join shop_orders
        on
            transactions.source = 'shopify'
            and transactions.source_id = shop_orders.order_id
    left join baskets on transactions.transaction_id = baskets.transaction_id
    -- A deal that was won is told by the CRM below.
    where transactions.source != 'salesforce'
),

order_events as (
    select
        *,
        case transaction_type
            when 'sale' then 'Order Completed'
            when 'refund' then 'Order Refunded'
            when 'return' then 'Return Received'
        end as event,
        occurred_at as happened_at
    from orders
    where is_counted or is_cancelled
    union all
    select
        *,
        'Order Cancelled' as event,
        greatest(cancelled_at, occurred_at) as happened_at
    from orders
    where is_cancelled
),

-- The CRM may not say when a record was made; then nothing tells when it came to be.
deal_events as (
    select *, 'Opportunity Created' as event, created_at as happened_at from deals
    where created_at is not null
    union all
    select
        *,
        case when is_won then 'Opportunity Won' else 'Opportunity Lost' end as event,
        -- A day has no hour; a deal does not close before it begins.
        {{ greater("cast(close_date as timestamp)", "created_at") }} as happened_at
    from deals
    where is_closed and close_date is not null
),

lead_events as (
    select *, 'Lead Created' as event, created_at as happened_at from leads
    where created_at is not null
    union all
    select
        *,
        'Lead Converted' as event,
        {{ greater("cast(converted_date as timestamp)", "created_at") }} as happened_at
    from leads
    where is_converted and converted_date is not null
),

ticket_events as (
    select *, 'Ticket Created' as event, created_at as happened_at from tickets
    union all
    select *, 'Ticket Solved' as event, solved_at as happened_at from tickets
    where solved_at is not null
),

subscription_events as (
    select *, 'Subscription Started' as event, started_at as happened_at from subscriptions
    union all
    select
        *,
        'Subscription Cancelled' as event,
        coalesce(cancelled_at, ended_at) as happened_at
    from subscriptions
    where coalesce(cancelled_at, ended_at) is not null
),

told as (
    select
        transaction_id as subject_id,
        record_id,
        source,
        event,
        happened_at as occurred_at,
        products as event_value,
        items,
        channel,
        cast(null as string) as campaign,
        category,
        {{ to_money("abs(net_amount_base)") }} as value,
        substr(order_id, strpos(order_id, ':') + 1) as order_number
    from order_events
    union all
    select
        ticket_id as subject_id,
        record_id,
        source,
        event,
        happened_at as occurred_at,
        subject as event_value,
        cast(null as json) as items,
        channel,
        cast(null as string) as campaign,
        cast(null as string) as category,
        {{ to_money("null") }} as value,
        cast(null as string) as order_number
    from ticket_events
    union all
    select
        subscription_id as subject_id,
        record_id,
        source,
        event,
        happened_at as occurred_at,
        plan as event_value,
        cast(null as json) as items,
        'subscription' as channel,
        cast(null as string) as campaign,
        cast(null as string) as category,
        mrr_base as value,
        cast(null as string) as order_number
    from subscription_events
    union all
    select
        'salesforce:' || lead_id as subject_id,
        'salesforce:' || lead_id as record_id,
        'salesforce' as source,
        event,
        happened_at as occurred_at,
        coalesce(company, lead_source) as event_value,
        cast(null as json) as items,
        'sales' as channel,
        cast(null as string) as campaign,
        cast(null as string) as category,
        {{ to_money("null") }} as value,
        cast(null as string) as order_number
    from lead_events
    union all
    select
        'salesforce:' || deal_events.opportunity_id as subject_id,
        'salesforce:' || deal_events.contact_id as record_id,
        'salesforce' as source,
        deal_events.event,
        deal_events.happened_at as occurred_at,
        deal_events.name as event_value,
        cast(null as json) as items,
        'sales' as channel,
        campaigns.name as campaign,
        cast(null as string) as category,
        case
            when coalesce(deal_events.currency, {{ base_currency() }}) = {{ base_currency() }} then deal_events.amount
        end as value,
        cast(null as string) as order_number
    from deal_events
    left join campaigns on deal_events.campaign_id = campaigns.campaign_id
    union all
    select
        'salesforce:' || members.campaign_member_id as subject_id,
        'salesforce:' || coalesce(members.contact_id, members.lead_id) as record_id,
        'salesforce' as source,
        'Campaign Responded' as event,
        cast(members.first_responded_date as timestamp) as occurred_at,
        campaigns.name as event_value,
        cast(null as json) as items,
        'sales' as channel,
        campaigns.name as campaign,
        cast(null as string) as category,
        {{ to_money("null") }} as value,
        cast(null as string) as order_number
    from campaign_members as members
    left join campaigns on members.campaign_id = campaigns.campaign_id
    where members.first_responded_date is not null
),

identified as (
    select
        subject_id || ':' || lower(replace(event, ' ', '_')) as event_id,
        *
    from told
)

select * from identified
