with
accounts as (
    select * from {{ ref("int_accounts") }}
),

published as (
    select
        account_id,
        name,
        domain,
        industry,
        employees,
        country,
        parent_account_id,
        source
    from accounts
)

select * from published
