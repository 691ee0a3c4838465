{{ config(meta={"dagster": {"ref": {"name": "components"}}}) }}

select
    overrides.record_a,
    overrides.record_b,
    overrides.decision
from {{ ref("overrides") }} as overrides
inner join {{ ref("components") }} as one on overrides.record_a = one.record_id
inner join {{ ref("components") }} as other on overrides.record_b = other.record_id
where (one.component_id = other.component_id) != (overrides.decision = 'link')
