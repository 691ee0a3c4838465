with
rejected as (
    select * from {{ source("files", "_rejected_rows") }}
),

loads as (
    select * from {{ ref("stg_files__loads") }}
),

newest as (
    select
        rejected.source,
        rejected.table_name,
        rejected.file,
        rejected.line,
        rejected.reason,
        rejected.raw,
        {{ utc_timestamp("rejected.loaded_at") }} as loaded_at
    from rejected
    inner join loads
        on
            rejected.source = loads.source
            and rejected.table_name = loads.entity
            and rejected.file = loads.file
            and rejected._dlt_load_id = loads.load_id
)

select * from newest
