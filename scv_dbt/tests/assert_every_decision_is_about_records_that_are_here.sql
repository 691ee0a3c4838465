-- A record may come later; until then the decision waits.
{{ config(severity="warn", meta={"dagster": {"ref": {"name": "overrides"}}}) }}

select
    overrides.record_a,
    overrides.record_b,
    overrides.decision
from {{ ref("overrides") }} as overrides
left join {{ ref("source_records") }} as one on overrides.record_a = one.record_id
left join {{ ref("source_records") }} as other on overrides.record_b = other.record_id
where one.record_id is null or other.record_id is null
