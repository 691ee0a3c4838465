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

addresses as (
    select distinct
        identifier_value as email,
        {{ email_mailbox("identifier_value") }} as mailbox
    from observed
    where identifier_type = 'email'
),

-- A mailbox that has one address alone says no more than the address.
mailboxes as (
    select
        email,
        mailbox
    from addresses
    where mailbox is not null
    qualify count(*) over (partition by mailbox) > 1
),

observed_mailboxes as (
    select
        observed.record_id,
        observed.source,
        'email_mailbox' as identifier_type,
        mailboxes.mailbox as identifier_value,
        min(observed.first_seen_at) as first_seen_at
    from observed
    inner join mailboxes on observed.identifier_value = mailboxes.email
    where observed.identifier_type = 'email'
    group by observed.record_id, observed.source, mailboxes.mailbox
),

all_observed as (
    select * from observed
    union all
    select * from observed_mailboxes
),

distinct_values as (
    select distinct
        identifier_type,
        identifier_value,
        case identifier_type when 'email_mailbox' then 'email' else identifier_type end as listed_type
    from all_observed
),

parts as (
    select
        *,
        'value' as part,
        identifier_value as word
    from distinct_values
    union all
    select
        *,
        'mailbox' as part,
        {{ regexp_replace_all(dbt.split_part("identifier_value", "'@'", 1), "[^\\p{L}]+", "") }} as word
    from distinct_values
    where listed_type = 'email'
    union all
    select
        *,
        'domain' as part,
        {{ dbt.split_part("identifier_value", "'@'", 2) }} as word
    from distinct_values
    where listed_type = 'email'
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
            parts.listed_type = blocklist.identifier_type
            and parts.part = blocklist.part
            and parts.word = blocklist.word
    group by parts.identifier_type, parts.identifier_value
),

judged as (
    select
        all_observed.record_id,
        all_observed.source,
        all_observed.identifier_type,
        all_observed.identifier_value,
        {{ sha256_hex("all_observed.identifier_type || ':' || all_observed.identifier_value") }} as key_hash,
        all_observed.first_seen_at,
        blocked.blocked_as,
        blocked.blocked_because
    from all_observed
    left join blocked
        on
            all_observed.identifier_type = blocked.identifier_type
            and all_observed.identifier_value = blocked.identifier_value
)

select * from judged
