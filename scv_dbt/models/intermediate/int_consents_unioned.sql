with
files as (
    select * from {{ ref("stg_files__consents") }}
),

contacts as (
    select * from {{ ref("stg_salesforce__contact") }}
),

leads as (
    select * from {{ ref("stg_salesforce__lead") }}
),

shopify_customers as (
    select * from {{ ref("stg_shopify__customers") }}
),

unsubscriptions as (
    select * from {{ ref("int_events") }}
    where source = 'web_events' and event = 'Unsubscribed'
),

-- A box that is not ticked says nothing.
opt_outs as (
    select
        contact_id as person_source_id,
        updated_at,
        first_load_id
    from contacts
    where has_opted_out_of_email
    union all
    select
        lead_id as person_source_id,
        updated_at,
        first_load_id
    from leads
    where has_opted_out_of_email
),

shop_choices as (
    {% for channel in ["email", "sms"] -%}
    select
        customer_id as person_source_id,
        '{{ channel }}' as channel,
        case {{ channel }}_consent_state
            when 'subscribed' then 'granted'
            when 'unsubscribed' then 'denied'
        end as status,
        coalesce({{ channel }}_consent_at, updated_at) as occurred_at,
        first_load_id
    from shopify_customers
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

unsubscribed as (
    select
        coalesce(user_id, case when email is null then 'device:' || anonymous_id end) as person_source_id,
        email,
        occurred_at,
        first_load_id
    from unsubscriptions
),

unioned as (
    select * from files
    union all
    select
        {{ as_entity("consents", {
            "source": "'salesforce'", "purpose": "'email_marketing'", "channel": "'email'", "status": "'denied'",
            "occurred_at": "updated_at",
        }, carried=["person_source_id", "first_load_id"]) }}
    from opt_outs
    union all
    select
        {{ as_entity("consents", {
            "source": "'shopify'", "purpose": "channel || '_marketing'",
        }, carried=["person_source_id", "channel", "status", "occurred_at", "first_load_id"]) }}
    from shop_choices
    where status is not null
    union all
    select
        {{ as_entity("consents", {
            "source": "'web_events'", "purpose": "'email_marketing'", "channel": "'email'", "status": "'denied'",
        }, carried=["person_source_id", "email", "occurred_at", "first_load_id"]) }}
    from unsubscribed
)

select * from unioned
