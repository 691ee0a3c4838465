with
files as (
    select
        *,
        cast(null as string) as country
    from {{ ref("stg_files__accounts") }}
),

-- An account that was merged away or deleted is none.
crm_accounts as (
    select * from {{ ref("stg_salesforce__account") }}
    where not is_deleted and name is not null
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

located as (
    select
        crm_accounts.*,
        country_names.alpha2
    from crm_accounts
    left join country_names on {{ country_key("crm_accounts.country") }} = country_names.name_key
),

unioned as (
    select * from files
    union all
    select
        {{ as_entity("accounts", {
            "source": "'salesforce'", "source_id": "account_id", "domain": domain_of("website"),
            "parent_source_id": "parent_account_id",
        }, carried=["name", "industry", "employees", "updated_at", "first_load_id"]) }},
        alpha2 as country
    from located
),

identified as (
    select
        source || ':' || source_id as account_id,
        source || ':' || parent_source_id as parent_account_id,
        *
    from unioned
)

select * from identified
