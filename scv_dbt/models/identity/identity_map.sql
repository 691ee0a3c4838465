with
records as (
    select * from {{ ref("source_records") }}
),

assignments as (
    select * from {{ ref("assignments") }}
),

published as (
    {{ newest_assignments("assignments") }}
),

known as (
    select
        records.record_id,
        records.source,
        records.source_id,
        published.customer_id
    from records
    left join published on records.record_id = published.record_id
)

select * from known
