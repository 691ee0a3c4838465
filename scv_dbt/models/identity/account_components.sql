{{ config(materialized="components") }}

with
nodes as (
    select * from {{ ref("account_nodes") }}
),

edges as (
    select * from {{ ref("account_edges") }}
    where status = 'kept'
),

links as (
    select
        record_id as record_a,
        component_id as record_b
    from nodes
    union all
    select
        record_a,
        record_b
    from edges
)

select * from links
