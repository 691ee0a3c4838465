{{ config(meta={"dagster": {"ref": {"name": "record_aliases"}}}) }}

select successors.old_record_id
from {{ ref("record_aliases") }} as successors
inner join {{ ref("record_aliases") }} as predecessors on successors.old_record_id = predecessors.new_record_id
