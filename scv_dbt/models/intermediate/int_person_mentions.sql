with
transactions as (
    select * from {{ ref("int_transactions") }}
),

lines as (
    select * from {{ ref("int_transaction_lines") }}
),

events as (
    select * from {{ ref("int_event_mentions") }}
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

-- The application names devices by the ids that web events have.
devices as (
    select
        case source when 'app_db' then 'web_events' else source end as source,
        'device:' || anonymous_id as person_source_id,
        first_seen_at,
        last_seen_at,
        first_load_id
    from events
    where anonymous_id is not null
),

facts as (
    select source, person_source_id, email_normalised, occurred_at as seen_at, first_load_id from transactions
    union all
    select source, person_source_id, email_normalised, occurred_at as seen_at, first_load_id from lines
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

spans as (
    select
        source,
        person_source_id,
        email_normalised,
        seen_at as first_seen_at,
        seen_at as last_seen_at,
        first_load_id
    from facts
    union all
    select source, person_source_id, email_normalised, first_seen_at, last_seen_at, first_load_id from events
    union all
    select source, person_source_id, null as email_normalised, first_seen_at, last_seen_at, first_load_id from devices
),

mentions as (
    select
        source,
        person_source_id,
        email_normalised,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(first_load_id) as first_load_id
    from spans
    where person_source_id is not null or email_normalised is not null
    group by source, person_source_id, email_normalised
),

identified as (
    select
        {{ person_record_id("source", "person_source_id", "email_normalised") }} as record_id,
        *
    from mentions
)

select * from identified
