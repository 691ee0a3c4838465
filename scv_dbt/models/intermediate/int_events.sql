with
events as (
    select * from {{ ref("int_events_unioned") }}
),

normalised as (
    select
        *,
        {{ email_normalised("email") }} as email_normalised
    from events
),

identified as (
    select
        source || ':' || message_id as event_id,
        coalesce(
            {{ person_record_id("source", "person_source_id", "email_normalised") }},
            case when user_id is null then {{ device_record_id("source", "anonymous_id") }} end
        ) as record_id,
        *
    from normalised
)

select * from identified
