with
tickets as (
    select * from {{ ref("int_tickets_unioned") }}
),

normalised as (
    select
        *,
        {{ email_normalised("email") }} as email_normalised
    from tickets
),

identified as (
    select
        source || ':' || source_id as ticket_id,
        {{ person_record_id("source", "person_source_id", "email_normalised") }} as record_id,
        *
    from normalised
)

select * from identified
