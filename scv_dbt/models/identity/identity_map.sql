with
records as (
    select * from {{ ref("source_records") }}
),

components as (
    select * from {{ ref("components") }}
),

registry as (
    select * from {{ ref("record_registry") }}
),

members as (
    select
        records.record_id,
        records.source,
        records.source_id,
        components.component_id,
        first_value(records.record_id)
            over (partition by components.component_id order by registry.birth_seq) as oldest_record_id,
        min(case when records.is_anonymous then 1 else 0 end) over (partition by components.component_id) = 1
            as is_visitor
    from records
    inner join components on records.record_id = components.record_id
    inner join registry on records.record_id = registry.record_id
),

named as (
    select
        record_id,
        source,
        source_id,
        case when not is_visitor then {{ customer_id_of("oldest_record_id") }} end as customer_id
    from members
)

select * from named
