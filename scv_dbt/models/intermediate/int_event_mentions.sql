with
events as (
    select * from {{ ref("int_events") }}
),

web_calls as (
    {% for call in ["identify", "group", "alias"] -%}
    select user_id, anonymous_id, occurred_at, first_load_id from {{ ref("stg_web_events__" ~ call) }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

named as (
    select record_id, source, person_source_id, user_id, anonymous_id, email_normalised, occurred_at, first_load_id
    from events
    union all
    select
        coalesce('web_events:' || user_id, {{ device_record_id("'web_events'", "anonymous_id") }}) as record_id,
        'web_events' as source,
        user_id as person_source_id,
        user_id,
        anonymous_id,
        null as email_normalised,
        occurred_at,
        first_load_id
    from web_calls
),

mentions as (
    select
        record_id,
        source,
        person_source_id,
        user_id,
        anonymous_id,
        email_normalised,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        min(first_load_id) as first_load_id
    from named
    group by record_id, source, person_source_id, user_id, anonymous_id, email_normalised
)

select * from mentions
