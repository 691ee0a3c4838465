with
transactions as (
    select * from {{ ref("int_transactions") }}
),

lines as (
    select * from {{ ref("int_transaction_lines") }}
),

events as (
    select * from {{ ref("int_events") }}
),

tickets as (
    select * from {{ ref("int_tickets") }}
),

consents as (
    select * from {{ ref("int_consents") }}
),

identifiers as (
    select * from {{ ref("int_identifiers") }}
),

facts as (
    select source, person_source_id, email_normalised, occurred_at as seen_at, first_load_id from transactions
    union all
    select source, person_source_id, email_normalised, occurred_at as seen_at, first_load_id from lines
    union all
    select source, person_source_id, email_normalised, occurred_at as seen_at, first_load_id from events
    union all
    select source, person_source_id, email_normalised, created_at as seen_at, first_load_id from tickets
    union all
    select source, person_source_id, email_normalised, occurred_at as seen_at, first_load_id from consents
    union all
    select
        source,
        person_source_id,
        case when identifier_type = 'email' then identifier_normalised end as email_normalised,
        observed_at as seen_at,
        first_load_id
    from identifiers
),

mentions as (
    select
        source,
        person_source_id,
        email_normalised,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at,
        min(first_load_id) as first_load_id
    from facts
    where person_source_id is not null or email_normalised is not null
    group by source, person_source_id, email_normalised
),

identified as (
    select
        {{ person_record_id("source", "person_source_id", "email_normalised") }} as record_id,
        person_source_id is null as is_guest,
        *
    from mentions
)

select * from identified
