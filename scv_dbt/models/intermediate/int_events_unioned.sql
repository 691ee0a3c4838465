{%- set ids = ["message_id", "user_id", "anonymous_id", "occurred_at", "received_at"] -%}
{%- set web = {"source": "'web_events'", "person_source_id": "user_id"} -%}

with
files as (
    select * from {{ ref("stg_files__events") }}
),

track_calls as (
    select * from {{ ref("stg_web_events__track") }}
),

page_calls as (
    select * from {{ ref("stg_web_events__page") }}
),

screen_calls as (
    select * from {{ ref("stg_web_events__screen") }}
),

sign_ins as (
    select * from {{ ref("stg_app_db__sign_ins") }}
),

unioned as (
    select * from files
    union all
    select
        {{ as_entity("events", dict(web, **{
            "channel": "case when event like 'Email %' or event = 'Unsubscribed' then 'email' else 'web' end",
            "category": clean_text(json_text("properties", "category")),
            "value": "coalesce(" ~ json_money("properties", "value") ~ ", " ~ json_money("properties", "revenue")
                ~ ", " ~ json_money("properties", "total") ~ ")",
            "currency": "upper(" ~ clean_text(json_text("properties", "currency")) ~ ")",
            "campaign": "coalesce(campaign, " ~ clean_text(json_text("properties", "campaign_name")) ~ ")",
        }), carried=ids + ["event", "email", "page_url", "properties", "first_load_id"]) }}
    from track_calls
    union all
    select
        {{ as_entity("events", dict(web, **{
            "event": "'Page Viewed'", "channel": "'web'",
            "category": "coalesce(category, " ~ clean_text(json_text("properties", "category")) ~ ")",
        }), carried=ids + ["page_url", "campaign", "properties", "first_load_id"]) }}
    from page_calls
    union all
    select
        {{ as_entity("events", dict(web, **{
            "event": "'Screen Viewed'", "channel": "'app'", "page_url": "name",
            "category": clean_text(json_text("properties", "category")),
        }), carried=ids + ["campaign", "properties", "first_load_id"]) }}
    from screen_calls
    union all
    select
        {{ as_entity("events", {
            "source": "'app_db'", "message_id": "'sign_in:' || sign_in_id", "event": "'Signed In'",
            "person_source_id": "user_id", "occurred_at": "signed_in_at", "channel": "'app'",
        }, carried=["user_id", "anonymous_id", "first_load_id"]) }}
    from sign_ins
)

select * from unioned
