{%- set session_timeout = var("session_timeout_minutes") * 60 -%}
{#- So many seconds apart, web site and application tell of one sign-in. -#}
{%- set same_sign_in = 60 -%}

with
events as (
    select * from {{ ref("int_events") }}
),

recorded_events as (
    select * from {{ ref("int_recorded_events") }}
),

-- A won deal is no order.
transactions as (
    select * from {{ ref("int_transactions") }}
    where source != 'salesforce'
),

identity_map as (
    select * from {{ ref("identity_map") }}
),

users as (
    select * from {{ ref("identifier_map") }}
    where identifier_type = 'user_id'
),

devices as (
    select * from {{ ref("identifier_map") }}
    where identifier_type = 'anonymous_id'
),

sign_ins as (
    select * from {{ ref("int_events") }}
    where event = 'Signed In'
),

-- A sign-in that the application tells is told by it alone.
repeated_sign_ins as (
    select distinct web.event_id
    from sign_ins as web
    inner join sign_ins as app
        on
            web.user_id = app.user_id
            and web.anonymous_id = app.anonymous_id
            and abs({{ seconds_between("web.occurred_at", "app.occurred_at") }}) <= {{ same_sign_in }}
    where web.source = 'web_events' and app.source = 'app_db'
),

-- An order that the shop knows is told by the shop, or by nobody: a test is no order, whatever the web site says of it.
-- A number that two sources use tells nothing.
known_orders as (
    select substr(order_id, strpos(order_id, ':') + 1) as order_number
    from transactions
    group by substr(order_id, strpos(order_id, ':') + 1)
    having count(distinct order_id) = 1
),

recorded_orders as (
    select
        event,
        order_number,
        min(event_id) as event_id
    from recorded_events
    where order_number is not null
    group by event, order_number
),

surveyed_events as (
    select
        events.*,
        known_orders.order_number is not null as is_of_known_order,
        recorded_orders.event_id as order_event_id
    from events
    left join repeated_sign_ins on events.event_id = repeated_sign_ins.event_id
    left join known_orders on events.order_number = known_orders.order_number
    left join recorded_orders
        on
            known_orders.order_number = recorded_orders.order_number
            and events.event = recorded_orders.event
    where repeated_sign_ins.event_id is null
),

-- What the web site knows of such an order besides: device, user and campaign.
web_orders as (
    select
        order_event_id,
        anonymous_id,
        user_id,
        campaign
    from surveyed_events
    where order_event_id is not null
    qualify row_number() over (partition by order_event_id order by occurred_at, event_id) = 1
),

told as (
    select
        event_id,
        record_id,
        user_id,
        anonymous_id,
        event,
        event_value,
        items,
        occurred_at,
        source,
        channel,
        campaign,
        category,
        case when coalesce(currency, {{ base_currency() }}) = {{ base_currency() }} then value end as value
    from surveyed_events
    where not is_of_known_order
    union all
    select
        recorded_events.event_id,
        recorded_events.record_id,
        web_orders.user_id,
        web_orders.anonymous_id,
        recorded_events.event,
        recorded_events.event_value,
        recorded_events.items,
        recorded_events.occurred_at,
        recorded_events.source,
        recorded_events.channel,
        coalesce(recorded_events.campaign, web_orders.campaign) as campaign,
        recorded_events.category,
        recorded_events.value
    from recorded_events
    left join web_orders on recorded_events.event_id = web_orders.order_event_id
),

-- Whoever an id belongs to today did what was done under it before.
resolved as (
    select
        told.*,
        coalesce(identity_map.customer_id, users.customer_id, devices.customer_id) as customer_id
    from told
    left join identity_map on told.record_id = identity_map.record_id
    left join users
        on
            told.record_id is null
            and told.user_id = users.identifier_value
    left join devices
        on
            told.record_id is null
            and users.customer_id is null
            and told.anonymous_id = devices.identifier_value
),

-- A session is what people do on a device or signed in; mails and the back office open none.
followed as (
    select
        *,
        coalesce(customer_id, record_id, event_id) as subject_id,
        coalesce(channel, '') != 'email' and (anonymous_id is not null or user_id is not null) as is_in_session
    from resolved
),

ordered as (
    select
        *,
        row_number() over (partition by subject_id order by occurred_at, event_id) as event_sequence,
        {{ seconds_between(
            "lag(occurred_at) over (partition by subject_id order by occurred_at, event_id)", "occurred_at"
        ) }} as seconds_since_previous,
        max(case when is_in_session then occurred_at end) over (
            partition by subject_id
            order by occurred_at, event_id
            rows between unbounded preceding and 1 preceding
        ) as last_active_at
    from followed
),

opened as (
    select
        *,
        case
            when
                is_in_session
                and (
                    last_active_at is null
                    or {{ seconds_between("last_active_at", "occurred_at") }} > {{ session_timeout }}
                )
                then event_id
        end as opened_session_id
    from ordered
),

sessioned as (
    select
        event_id,
        customer_id,
        anonymous_id,
        event,
        event_value,
        items,
        occurred_at,
        source,
        channel,
        campaign,
        category,
        value,
        event_sequence,
        case
            when is_in_session
                then last_value(opened_session_id ignore nulls) over (
                    partition by subject_id
                    order by occurred_at, event_id
                    rows between unbounded preceding and current row
                )
        end as session_id,
        seconds_since_previous
    from opened
)

select * from sessioned
