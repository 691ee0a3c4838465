{{ config(materialized="components") }}

with
accounts as (
    select * from {{ ref("int_accounts") }}
),

edges as (
    select * from {{ ref("account_edges") }}
    where status = 'kept'
),

-- A record that is linked to itself alone is a component of one.
links as (
    select
        account_record_id as record_a,
        account_record_id as record_b
    from accounts
    union all
    select
        record_a,
        record_b
    from edges
)

select * from links
