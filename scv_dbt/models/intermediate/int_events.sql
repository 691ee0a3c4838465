with
events as (
    select * from {{ ref("stg_files__events") }}
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
        {{ person_record_id("source", "person_source_id", "email_normalised") }} as record_id,
        *
    from normalised
)

select * from identified
