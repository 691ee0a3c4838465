{{ config(meta={"dagster": {"ref": {"name": "candidate_map"}}}) }}

select source_records.record_id
from {{ ref("source_records") }} as source_records
left join {{ ref("candidate_map") }} as candidate_map on source_records.record_id = candidate_map.record_id
where candidate_map.record_id is null
