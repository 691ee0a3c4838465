{{ config(materialized="incremental", full_refresh=false) }}

-- depends_on: {{ ref("publish_gate") }}
with
candidates as (
    select * from {{ ref("candidate_map") }}
),

edges as (
    select * from {{ ref("edges") }}
),

loads as (
    select * from {{ ref("int_loads") }}
),

published as (
    {{ newest_assignments(this if is_incremental() else none) }}
),

records as (
    {{ records_before_and_after("candidates", "published") }}
),

changed as (
    select *
    from records
    where {{ is_changed() }}
),

moved as (
    select *
    from changed
    where customer_id is not null and former_customer_id is not null
),

-- The records whose names customers bear.
namers as (
    select
        customer_id,
        former_customer_id,
        own_customer_id != former_own_customer_id as is_alias
    from records
    where customer_id = own_customer_id
),

edge_ends as (
    select
        record_a as record_id,
        record_b as other_record_id,
        level,
        rule,
        status,
        reason
    from edges
    union all
    select
        record_b as record_id,
        record_a as other_record_id,
        level,
        rule,
        status,
        reason
    from edges
),

-- Of the links that lead out of what was one customer, or that were refused inside of it, the strongest.
evidence as (
    select
        moved.former_customer_id,
        moved.customer_id,
        edge_ends.status,
        case edge_ends.status when 'kept' then 'linked: ' || edge_ends.rule else 'refused: ' || edge_ends.reason end
            as cause
    from edge_ends
    inner join moved on edge_ends.record_id = moved.record_id
    inner join records as others on edge_ends.other_record_id = others.record_id
    where
        case edge_ends.status
            when 'kept' then others.former_customer_id is distinct from moved.former_customer_id
            else
                others.former_customer_id is not distinct from moved.former_customer_id
                and others.customer_id is distinct from moved.customer_id
        end
    qualify
        row_number() over (
            partition by moved.former_customer_id, moved.customer_id, edge_ends.status
            order by edge_ends.level, edge_ends.rule, edge_ends.reason
        ) = 1
),

judged as (
    select
        changed.record_id,
        changed.customer_id,
        changed.own_customer_id,
        case
            when changed.is_gone then 'gone'
            when changed.customer_id is null then 'visitor'
            when changed.is_new then 'arrived'
            when changed.former_customer_id is null then 'returned'
            when namers.is_alias then 'alias'
            else coalesce(evidence.cause, 'no link left')
        end as cause
    from changed
    left join namers on changed.customer_id = namers.customer_id
    left join evidence
        on
            changed.former_customer_id = evidence.former_customer_id
            and changed.customer_id = evidence.customer_id
            -- A part that leaves, under the name that a record of it bears, does so for what was refused.
            and case when changed.former_customer_id = namers.former_customer_id then 'refused' else 'kept' end
            = evidence.status
),

stamped as (
    select
        record_id,
        customer_id,
        own_customer_id,
        {% if is_incremental() -%}
        (select coalesce(max(this_table.generation), 0) from {{ this }} as this_table)
        {%- else -%}
        0
        {%- endif %} + 1 as generation,
        (select max(loads.loaded_at) from loads) as assigned_at,
        cause
    from judged
)

select * from stamped
