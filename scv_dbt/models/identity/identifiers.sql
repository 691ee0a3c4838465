with
people as (
    select * from {{ ref("int_people") }}
),

mentions as (
    select * from {{ ref("int_person_mentions") }}
),

events as (
    select * from {{ ref("int_event_mentions") }}
    where record_id is not null
),

consents as (
    select * from {{ ref("int_consents") }}
    where record_id is not null
),

given_identifiers as (
    select * from {{ ref("int_identifiers") }}
),

blocklist as (
    select * from {{ ref("identity_blocklist") }}
),

observations as (
    {% for type, column in {
        "email": "email_normalised",
        "phone": "phone_e164",
        "user_id": "user_id",
        "anonymous_id": "anonymous_id",
        "national_id": "national_id",
    }.items() -%}
    select
        record_id,
        source,
        '{{ type }}' as identifier_type,
        {{ column }} as identifier_value,
        first_seen_at as seen_at
    from people
    union all
    {% endfor -%}
    select record_id, source, 'email' as identifier_type, email_normalised as identifier_value, first_seen_at as seen_at
    from mentions
    union all
    select record_id, source, 'user_id' as identifier_type, user_id as identifier_value, first_seen_at as seen_at
    from events
    union all
    select record_id, source, 'anonymous_id' as identifier_type, anonymous_id as identifier_value, first_seen_at
    from events
    union all
    select record_id, source, 'phone' as identifier_type, phone_e164 as identifier_value, occurred_at as seen_at
    from consents
    union all
    select record_id, source, identifier_type, identifier_normalised as identifier_value, observed_at as seen_at
    from given_identifiers
),

observed as (
    select
        record_id,
        source,
        identifier_type,
        identifier_value,
        min(seen_at) as first_seen_at
    from observations
    where identifier_value is not null
    group by record_id, source, identifier_type, identifier_value
),

distinct_values as (
    select distinct
        identifier_type,
        identifier_value
    from observed
),

parts as (
    select
        identifier_type,
        identifier_value,
        'value' as part,
        identifier_value as word
    from distinct_values
    union all
    select
        identifier_type,
        identifier_value,
        'mailbox' as part,
        {{ regexp_replace_all(dbt.split_part("identifier_value", "'@'", 1), "[^\\p{L}]+", "") }} as word
    from distinct_values
    where identifier_type = 'email'
    union all
    select
        identifier_type,
        identifier_value,
        'domain' as part,
        {{ dbt.split_part("identifier_value", "'@'", 2) }} as word
    from distinct_values
    where identifier_type = 'email'
),

blocked as (
    select
        parts.identifier_type,
        parts.identifier_value,
        -- A value that is both is a placeholder, the stronger of the two.
        min(blocklist.kind) as blocked_as,
        min(blocklist.reason) as blocked_because
    from parts
    inner join blocklist
        on
            parts.identifier_type = blocklist.identifier_type
            and parts.part = blocklist.part
            and parts.word = blocklist.word
    group by parts.identifier_type, parts.identifier_value
),

judged as (
    select
        observed.record_id,
        observed.source,
        observed.identifier_type,
        observed.identifier_value,
        {{ sha256_hex("observed.identifier_type || ':' || observed.identifier_value") }} as key_hash,
        observed.first_seen_at,
        blocked.blocked_as,
        blocked.blocked_because
    from observed
    left join blocked
        on
            observed.identifier_type = blocked.identifier_type
            and observed.identifier_value = blocked.identifier_value
)

select * from judged
