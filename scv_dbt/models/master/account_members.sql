with
-- A company at the payment provider is an account, and no member of one. Ids of other sources' people and accounts may
-- be the same and mean two.
people as (
    select people.*
    from {{ ref("int_people") }} as people
    left join {{ ref("int_accounts") }} as accounts
        on people.record_id = accounts.account_record_id and people.source = 'stripe'
    where not people.is_deleted and accounts.account_record_id is null
),

identifiers as (
    select * from {{ ref("identifiers") }}
    where identifier_type = 'email' and blocked_as is distinct from 'placeholder'
),

identity_map as (
    select * from {{ ref("identity_map") }}
    where customer_id is not null
),

account_records as (
    select * from {{ ref("int_accounts") }}
    where not is_deleted
),

account_map as (
    select * from {{ ref("account_map") }}
),

linked as (
    select
        account_map.account_id,
        identity_map.customer_id,
        'link' as known_by,
        people.record_id,
        people.source,
        people.job_title,
        people.created_at,
        people.updated_at
    from people
    inner join identity_map on people.record_id = identity_map.record_id
    inner join account_map on people.source || ':' || people.account_source_id = account_map.account_record_id
),

domains as (
    select
        account_map.account_id,
        coalesce(account_records.domain, account_records.people_domain) as domain,
        min(case when account_records.domain is null then 2 else 1 end) as claim
    from account_records
    inner join account_map on account_records.account_record_id = account_map.account_record_id
    where account_records.domain is not null or account_records.people_domain is not null
    group by account_map.account_id, coalesce(account_records.domain, account_records.people_domain)
),

ranked_domains as (
    select
        *,
        rank() over (partition by domain order by claim) as claim_rank
    from domains
),

-- A domain that several accounts have is nobody's, that of a parent and its subsidiary too.
owned_domains as (
    select
        domain,
        min(account_id) as account_id
    from ranked_domains
    where claim_rank = 1
    group by domain
    having count(*) = 1
),

linked_customers as (
    select distinct customer_id from linked
),

found as (
    select
        owned_domains.account_id,
        identity_map.customer_id,
        'domain' as known_by,
        people.record_id,
        people.source,
        people.job_title,
        people.created_at,
        people.updated_at
    from identifiers
    inner join owned_domains on {{ email_domain("identifiers.identifier_value") }} = owned_domains.domain
    inner join people on identifiers.record_id = people.record_id
    inner join identity_map on identifiers.record_id = identity_map.record_id
    left join linked_customers on identity_map.customer_id = linked_customers.customer_id
    where linked_customers.customer_id is null
),

memberships as (
    select * from linked
    union all
    select * from found
),

ranked as (
    select
        *,
        row_number() over (
            partition by account_id, customer_id
            order by updated_at desc nulls last, created_at desc nulls last, record_id
        ) as survivorship_rank
    from memberships
),

members as (
    select
        account_id,
        customer_id,
        {{ newest_value("job_title") }} as job_title,
        min(known_by) as known_by,
        string_agg(distinct source, ', ' order by source) as sources
    from ranked
    group by account_id, customer_id
)

select * from members
