{{ config(materialized="components") }}

with
records as (
    select * from {{ ref("source_records") }}
),

edges as (
    select * from {{ ref("edges") }}
    where status = 'kept'
),

-- A record that is linked to itself alone is a component of one.
links as (
    select
        record_id as record_a,
        record_id as record_b
    from records
    union all
    select
        record_a,
        record_b
    from edges
)

select * from links
