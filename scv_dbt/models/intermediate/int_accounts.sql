with
files as (
    select * from {{ ref("stg_files__accounts") }}
),

crm_accounts as (
    select * from {{ ref("stg_salesforce__account") }}
),

opportunities as (
    select * from {{ ref("stg_salesforce__opportunity") }}
),

stripe_customers as (
    select * from {{ ref("stg_stripe__customers") }}
),

payments as (
    select * from {{ ref("int_payments") }}
),

-- Traits are kept until a later call changes them.
ranked_groups as (
    select
        *,
        row_number() over (partition by group_id order by occurred_at desc, message_id desc) as survivorship_rank
    from {{ ref("stg_web_events__group") }}
    where group_id is not null
),

web_groups as (
    select
        group_id,
        {% for trait in ["name", "website", "industry", "employees"] -%}
        {{ newest_value(trait) }} as {{ trait }},
        {% endfor -%}
        min(occurred_at) as created_at,
        max(occurred_at) as updated_at,
        min(first_load_id) as first_load_id
    from ranked_groups
    group by group_id
),

people as (
    select * from {{ ref("int_people") }}
),

transactions as (
    select * from {{ ref("int_transactions") }}
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

shared_domains as (
    select domain from {{ ref("shared_domains") }}
    union distinct
    select word as domain from {{ ref("identity_blocklist") }}
    where part = 'domain'
),

-- Social networks, whose hosts of countries count, too.
page_domains as (
    select domain from {{ ref("shared_domains") }}
    where reason = 'pages of many'
),

-- Who pays for deals of several accounts is none of them.
paid_accounts as (
    select
        payments.customer_id,
        min(opportunities.account_id) as account_id
    from payments
    inner join opportunities on payments.opportunity_id = opportunities.opportunity_id
    group by payments.customer_id
    having count(distinct opportunities.account_id) = 1
),

paying_companies as (
    select
        stripe_customers.*,
        {{ email_domain(email_normalised("stripe_customers.email")) }} as domain,
        coalesce(stripe_customers.account_id, paid_accounts.account_id) as crm_account_id
    from stripe_customers
    left join paid_accounts on stripe_customers.customer_id = paid_accounts.customer_id
    where stripe_customers.is_company
),

described as (
    select
        {{ as_entity("accounts", {"domain": domain_of("domain")}, carried=[
            "source", "source_id", "name", "industry", "employees", "parent_source_id", "updated_at", "first_load_id",
        ]) }},
        cast(null as string) as country,
        cast(null as timestamp) as created_at,
        false as is_deleted,
        cast(null as string) as same_as_record_id
    from files
    union all
    select
        {{ as_entity("accounts", {
            "source": "'salesforce'", "source_id": "account_id", "domain": domain_of("website"),
            "parent_source_id": "parent_account_id",
        }, carried=["name", "industry", "employees", "updated_at", "first_load_id"]) }},
        country,
        created_at,
        is_deleted,
        'salesforce:' || master_record_id as same_as_record_id
    from crm_accounts
    union all
    -- A name without a legal form may be a person's.
    select
        {{ as_entity("accounts", {
            "source": "'stripe'", "source_id": "customer_id",
            "name": "case when " ~ legal_form_of("full_name") ~ " is not null then full_name end",
        }, carried=["domain", "first_load_id"]) }},
        country,
        created_at,
        is_deleted,
        'salesforce:' || crm_account_id as same_as_record_id
    from paying_companies
    union all
    select
        {{ as_entity("accounts", {
            "source": "'web_events'", "source_id": "group_id", "domain": domain_of("website"),
        }, carried=["name", "industry", "employees", "updated_at", "first_load_id"]) }},
        cast(null as string) as country,
        created_at,
        false as is_deleted,
        cast(null as string) as same_as_record_id
    from web_groups
),

identified as (
    select
        source || ':' || source_id as account_record_id,
        source || ':' || parent_source_id as parent_account_record_id,
        *
    from described
),

-- What facts and people name and no source describes is an account of which nothing is known.
mentions as (
    select source, account_source_id, first_load_id from people
    union all
    select source, account_source_id, first_load_id from transactions
),

mentioned as (
    select
        source || ':' || account_source_id as account_record_id,
        source,
        account_source_id as source_id,
        min(first_load_id) as first_load_id
    from mentions
    where account_source_id is not null
    group by source, account_source_id
),

-- The one domain that all the addresses of its people have, but for those that anybody may have.
people_domains as (
    select
        people.source || ':' || people.account_source_id as account_record_id,
        min({{ email_domain("people.email_normalised") }}) as people_domain,
        count(distinct people.email_normalised) as people_address_count
    from people
    left join shared_domains on {{ email_domain("people.email_normalised") }} = shared_domains.domain
    where
        people.account_source_id is not null
        and people.email_normalised is not null
        and not people.is_deleted
        and shared_domains.domain is null
    group by people.source, people.account_source_id
    having count(distinct {{ email_domain("people.email_normalised") }}) = 1
),

accounts as (
    select
        coalesce(identified.account_record_id, mentioned.account_record_id) as account_record_id,
        coalesce(identified.source, mentioned.source) as source,
        coalesce(identified.source_id, mentioned.source_id) as source_id,
        identified.name,
        case when coalesce(shared_domains.domain, page_domains.domain) is null then identified.domain end as domain,
        people_domains.people_domain,
        people_domains.people_address_count,
        identified.industry,
        identified.employees,
        country_names.alpha2 as country,
        identified.parent_account_record_id,
        identified.same_as_record_id,
        identified.created_at,
        identified.updated_at,
        coalesce(identified.is_deleted, false) as is_deleted,
        {{ lesser("identified.first_load_id", "mentioned.first_load_id") }} as first_load_id
    from identified
    full outer join mentioned on identified.account_record_id = mentioned.account_record_id
    left join people_domains
        on coalesce(identified.account_record_id, mentioned.account_record_id) = people_domains.account_record_id
    left join shared_domains on identified.domain = shared_domains.domain
    left join page_domains
        on {{ regexp_capture("identified.domain", "([^.]+[.][^.]+)$") }} = page_domains.domain
    left join country_names on {{ country_key("identified.country") }} = country_names.name_key
)

select * from accounts
