with
events as (
    select * from {{ ref("int_events_unioned") }}
),

-- What an event lists: its products, in words of the Segment Spec.
baskets as (
    select
        source,
        message_id,
        {{ json_part("properties", "products") }} as products
    from events
    where {{ json_part("properties", "products") }} is not null
),

-- Of an item no more is read than what an order has, in the same form: a site may put anything into its properties.
listed as (
    select
        baskets.source,
        baskets.message_id,
        {% for key in ["product_id", "sku", "name", "category"] -%}
        {{ clean_text(json_text("product", key)) }} as {{ key }},
        {% endfor -%}
        {{ json_money("product", "price") }} as price,
        {{ json_money("product", "quantity") }} as quantity
    from baskets
    {{ join_json_elements("baskets.products", "product") }}
),

lists as (
    select
        source,
        message_id,
        {{ list_of_items("quantity", "name", order_by=["name", "quantity"]) }} as products,
        {{ json_items({}, order_by=["name", "quantity", "product_id", "sku", "category", "price"]) }} as items
    from listed
    where coalesce(product_id, sku, name) is not null
    group by source, message_id
),

described as (
    select
        events.*,
        {{ email_normalised("events.email") }} as email_normalised,
        case
            when events.event = 'Page Viewed'
                then coalesce({{ clean_text(json_text("events.properties", "path")) }}, events.page_url)
            when events.event = 'Screen Viewed' then events.page_url
            else coalesce(
                lists.products,
                {% for property in ["name", "query", "email_subject", "subject", "title"] -%}
                {{ clean_text(json_text("events.properties", property)) }},
                {% endfor -%}
                events.category,
                events.campaign
            )
        end as event_value,
        lists.items,
        case
            when events.event in ('Order Completed', 'Order Cancelled', 'Order Refunded')
                then {{ clean_text(json_text("events.properties", "order_id")) }}
        end as order_number
    from events
    left join lists
        on
            events.source = lists.source
            and events.message_id = lists.message_id
),

identified as (
    select
        source || ':' || message_id as event_id,
        coalesce(
            {{ person_record_id("source", "person_source_id", "email_normalised") }},
            case when user_id is null then {{ device_record_id("source", "anonymous_id") }} end
        ) as record_id,
        *
    from described
)

select * from identified
