{{ config(meta={"dagster": {"ref": {"name": "identity_map"}}}) }}

select source_records.record_id
from {{ ref("source_records") }} as source_records
left join {{ ref("identity_map") }} as identity_map on source_records.record_id = identity_map.record_id
where identity_map.record_id is null
