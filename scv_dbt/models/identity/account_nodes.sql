{{ config(materialized="components") }}

with
accounts as (
    select * from {{ ref("int_accounts") }}
),

-- A record that is linked to itself alone is a node of one.
links as (
    select
        account_record_id as record_a,
        account_record_id as record_b
    from accounts
    union all
    select
        accounts.account_record_id as record_a,
        others.account_record_id as record_b
    from accounts
    inner join accounts as others on accounts.same_as_record_id = others.account_record_id
)

select * from links
