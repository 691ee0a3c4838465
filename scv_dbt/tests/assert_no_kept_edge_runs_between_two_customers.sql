{{ config(meta={"dagster": {"ref": {"name": "candidate_map"}}}) }}

select
    edges.record_a,
    edges.record_b,
    edges.rule
from {{ ref("edges") }} as edges
inner join {{ ref("candidate_map") }} as map_a on edges.record_a = map_a.record_id
inner join {{ ref("candidate_map") }} as map_b on edges.record_b = map_b.record_id
where
    edges.status = 'kept'
    and map_a.customer_id is distinct from map_b.customer_id
