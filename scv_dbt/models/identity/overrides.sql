with
seed_decisions as (
    select * from {{ ref("identity_overrides") }}
),

steward_decisions as (
    select * from {{ source("identity", "steward_decisions") }}
),

-- What was decided about a record that is gone holds for the one that took its place.
successors as (
    select
        aliases.old_record_id,
        aliases.new_record_id
    from {{ ref("record_aliases") }} as aliases
    left join {{ ref("source_records") }} as records on aliases.old_record_id = records.record_id
    where records.record_id is null
),

all_decisions as (
    {% for origin in ["seed", "steward"] -%}
    select
        coalesce(successors_a.new_record_id, decisions.record_a) as one_record_id,
        coalesce(successors_b.new_record_id, decisions.record_b) as other_record_id,
        coalesce(successors_a.new_record_id, successors_b.new_record_id) is not null as has_successor,
        decisions.decision,
        decisions.decided_by,
        decisions.reason,
        decisions.decided_at,
        '{{ origin }}' as origin
    from {{ origin }}_decisions as decisions
    left join successors as successors_a on decisions.record_a = successors_a.old_record_id
    left join successors as successors_b on decisions.record_b = successors_b.old_record_id
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

decisions as (
    select
        {{ lesser("one_record_id", "other_record_id") }} as record_a,
        {{ greater("one_record_id", "other_record_id") }} as record_b,
        decision,
        decided_by,
        reason,
        decided_at,
        origin
    from all_decisions
    -- A record and its successor are one record by now.
    where not (has_successor and one_record_id is not distinct from other_record_id)
),

-- A link and an unlink of one moment both stay, and contradict each other.
newest as (
    select *
    from decisions
    where true
    qualify rank() over (partition by record_a, record_b order by decided_at desc nulls first) = 1
),

in_force as (
    select *
    from newest
    where true
    qualify
        row_number() over (
            partition by record_a, record_b, decision order by decided_by nulls last, reason nulls last, origin
        ) = 1
)

select * from in_force
