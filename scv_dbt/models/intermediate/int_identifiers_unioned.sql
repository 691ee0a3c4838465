{#- What a record says of itself and of records elsewhere: who says it, the kind of identifier, and its column. -#}
{%- set statements = [
    {"from": "contacts", "source": "salesforce", "person": "contact_id", "type": "salesforce_id", "value": "contact_id"},
    {"from": "contacts", "source": "salesforce", "person": "contact_id", "type": "salesforce_id", "value": "master_record_id"},
    {"from": "contacts", "source": "salesforce", "person": "contact_id", "type": "shopify_customer_id", "value": "shop_customer_id"},
    {"from": "contacts", "source": "salesforce", "person": "contact_id", "type": "phone", "value": "phone"},
    {"from": "leads", "source": "salesforce", "person": "lead_id", "type": "salesforce_id", "value": "lead_id"},
    {"from": "leads", "source": "salesforce", "person": "lead_id", "type": "salesforce_id", "value": "master_record_id"},
    {"from": "leads", "source": "salesforce", "person": "lead_id", "type": "salesforce_id", "value": "converted_contact_id"},
    {"from": "shopify_customers", "source": "shopify", "person": "customer_id", "type": "shopify_customer_id", "value": "customer_id"},
    {"from": "stripe_customers", "source": "stripe", "person": "customer_id", "type": "shopify_customer_id", "value": "shop_customer_id"},
    {"from": "app_users", "source": "app_db", "person": "user_id", "type": "shopify_customer_id", "value": "shop_customer_id"},
    {"from": "aliases", "source": "web_events", "person": "user_id", "type": "anonymous_id", "value": "previous_device"},
    {"from": "aliases", "source": "web_events", "person": "user_id", "type": "user_id", "value": "previous_user"},
] -%}

with
files as (
    select * from {{ ref("stg_files__identifiers") }}
),

contacts as (
    select *, updated_at as observed_at from {{ ref("stg_salesforce__contact") }}
),

leads as (
    select *, updated_at as observed_at from {{ ref("stg_salesforce__lead") }}
),

shopify_customers as (
    select *, updated_at as observed_at from {{ ref("stg_shopify__customers") }}
),

stripe_customers as (
    select *, created_at as observed_at from {{ ref("stg_stripe__customers") }}
),

app_users as (
    select *, updated_at as observed_at from {{ ref("stg_app_db__users") }}
),

-- The other id is a user where the application knows it as one, else a device.
aliases as (
    select
        calls.user_id,
        previous.user_id as previous_user,
        case when previous.user_id is null then calls.previous_id end as previous_device,
        calls.occurred_at as observed_at,
        calls.first_load_id
    from {{ ref("stg_web_events__alias") }} as calls
    left join app_users as previous on calls.previous_id = previous.user_id
    where calls.user_id is not null
),

unioned as (
    select * from files
    {% for statement in statements -%}
    union all
    select
        '{{ statement.source }}' as source,
        {{ statement.person }} as person_source_id,
        '{{ statement.type }}' as identifier_type,
        {{ statement.value }} as identifier_value,
        observed_at,
        first_load_id
    from {{ statement.from }}
    where {{ statement.value }} is not null and {{ statement.person }} is not null
    {% endfor %}
)

select * from unioned
