with
newest as (
    {% for source_name in landing_sources() -%}
    select
        rejected.source,
        rejected.table_name,
        rejected.file,
        rejected.line,
        rejected.reason,
        rejected.raw,
        {{ utc_timestamp("rejected.loaded_at") }} as loaded_at
    from {{ source(source_name, "_rejected_rows") }} as rejected
    inner join {{ ref("stg_" ~ source_name ~ "__loads") }} as loads
        on
            rejected.source = loads.source
            and rejected.table_name = loads.entity
            and rejected.file = loads.file
            and rejected._dlt_load_id = loads.load_id
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
)

select * from newest
