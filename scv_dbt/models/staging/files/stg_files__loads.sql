with
files as (
    select * from {{ source("files", "_loaded_files") }}
),

loads as (
    select * from {{ source("files", "_dlt_loads") }}
),

complete as (
    select
        files.source,
        files.entity,
        files.file,
        files.file_hash,
        loads.load_id,
        {{ utc_timestamp("loads.inserted_at") }} as loaded_at
    from files
    inner join loads on files._dlt_load_id = loads.load_id
    where loads.status = 0
),

newest as (
    select *
    from complete
    where true
    qualify row_number() over (partition by source, entity, file_hash order by load_id desc, file) = 1
)

select * from newest
