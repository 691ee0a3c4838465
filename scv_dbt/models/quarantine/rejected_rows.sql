{#- The tables of the application database, each with its key. -#}
{%- set database_tables = {"users": "user_id", "sign_ins": "sign_in_id", "sellers": "seller_id"} -%}

with
-- What a file says is read whatever else comes under its name, but what was wrong with it is over then.
{% for source_name in landing_sources() -%}
newest_of_{{ source_name }} as (
    select
        source,
        entity,
        file,
        load_id
    from {{ ref("stg_" ~ source_name ~ "__loads") }}
    where true
    qualify row_number() over (partition by source, entity, file order by load_id desc, file_hash) = 1
),

{% endfor -%}
of_files as (
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
    inner join newest_of_{{ source_name }} as loads
        on
            rejected.source = loads.source
            and rejected.table_name = loads.entity
            and rejected.file = loads.file
            and rejected._dlt_load_id = loads.load_id
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

-- A row of a table has no file to deliver again: it leaves when a later version of it could be loaded.
of_tables as (
    {% for table, key in database_tables.items() -%}
    select
        rejected.source,
        rejected.table_name,
        rejected.file,
        rejected.line,
        rejected.reason,
        rejected.raw,
        {{ utc_timestamp("rejected.loaded_at") }} as loaded_at
    from {{ source("app_db", "_rejected_rows") }} as rejected
    inner join {{ source("app_db", "_dlt_loads") }} as loads
        on rejected._dlt_load_id = loads.load_id
    where
        loads.status = 0
        and rejected.table_name = '{{ table }}'
        and not exists (
            select 1
            from {{ source("app_db", table) }} as later
            where
                later.{{ key }} = {{ json_text("rejected.raw", key) }}
                and later._dlt_load_id > rejected._dlt_load_id
        )
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

rejected_rows as (
    select * from of_files
    union all
    select * from of_tables
)

select * from rejected_rows
