{%- set name = ["given_name", "family_name"] -%}
{%- set contact = ["email", "phone"] -%}
{%- set address = ["street", "city", "region", "postcode", "country"] -%}
{%- set times = ["created_at", "updated_at", "first_load_id"] -%}

with
files as (
    select * from {{ ref("stg_files__people") }}
),

contacts as (
    select * from {{ ref("stg_salesforce__contact") }}
),

leads as (
    select * from {{ ref("stg_salesforce__lead") }}
),

stripe_customers as (
    select * from {{ ref("stg_stripe__customers") }}
),

shopify_customers as (
    select * from {{ ref("stg_shopify__customers") }}
),

shopify_guests as (
    select * from {{ ref("int_shopify_guests") }}
),

-- Agents and admins are no customers.
end_users as (
    select * from {{ ref("stg_zendesk__users") }}
    where role = 'end-user'
),

app_users as (
    select * from {{ ref("stg_app_db__users") }}
),

web_people as (
    select * from {{ ref("int_web_people") }}
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

vendors as (
    select
        {{ as_entity("people", {
            "source": "'salesforce'", "source_id": "contact_id", "phone": "coalesce(mobile_phone, phone)",
            "account_source_id": "account_id",
        }, carried=name + ["email", "birth_date", "job_title"] + address + times + ["is_deleted"]) }}
    from contacts
    union all
    select
        {{ as_entity("people", {
            "source": "'salesforce'", "source_id": "lead_id", "account_source_id": "converted_account_id",
        }, carried=name + contact + ["job_title"] + address + times + ["is_deleted"]) }}
    from leads
    union all
    select
        {{ as_entity("people", {
            "source": "'stripe'", "source_id": "customer_id",
        }, carried=name + ["full_name"] + contact + address + ["user_id", "created_at", "is_deleted", "first_load_id"]) }}
    from stripe_customers
    union all
    select
        {{ as_entity("people", {
            "source": "'shopify'", "source_id": "customer_id", "is_deleted": "false",
        }, carried=name + contact + address + times) }}
    from shopify_customers
    union all
    select
        {{ as_entity("people", {
            "source": "'shopify'", "is_deleted": "false",
        }, carried=["source_id"] + name + contact + address + times) }}
    from shopify_guests
    union all
    select
        {{ as_entity("people", {
            "source": "'zendesk'", "source_id": "user_id", "user_id": "external_id", "is_deleted": "not is_active",
            "language": dbt.split_part("locale", "'-'", 1),
        }, carried=["full_name"] + contact + times) }}
    from end_users
    union all
    select
        {{ as_entity("people", {
            "source": "'app_db'", "source_id": "user_id",
        }, carried=["user_id", "language", "birth_date", "gender"]
            + name + contact + ["street", "city", "postcode", "country"] + times + ["is_deleted"]) }}
    from app_users
    union all
    select
        {{ as_entity("people", {
            "source": "'web_events'", "is_deleted": "false", "language": dbt.split_part("locale", "'-'", 1),
            "account_source_id": "group_id",
        }, carried=["source_id", "user_id", "full_name", "birth_date", "gender", "job_title"]
            + name + contact + address + times) }}
    from web_people
),

-- Names split and countries as codes, as they are in the people of files.
standardised as (
    select
        {{ as_entity("people", {
            "given_name": "coalesce(vendors.given_name, " ~ given_name_of("vendors.full_name") ~ ")",
            "family_name": "coalesce(vendors.family_name, " ~ family_name_of("vendors.full_name") ~ ")",
            "gender": gender_word("vendors.gender"),
            "country": "country_names.alpha2",
        }, from_relation="vendors") }}
    from vendors
    left join country_names on {{ country_key("vendors.country") }} = country_names.name_key
),

unioned as (
    select * from files
    union all
    select * from standardised
)

select * from unioned
