{{ config(materialized="incremental", full_refresh=false) }}

with
records as (
    select * from {{ ref("source_records") }}
),

loads as (
    select * from {{ ref("int_loads") }}
),

{% if is_incremental() -%}
registered as (
    select * from {{ this }}
),

newborn as (
    select records.*
    from records
    left join registered on records.record_id = registered.record_id
    where registered.record_id is null
),
{%- else -%}
newborn as (
    select * from records
),
{%- endif %}

born as (
    select
        newborn.record_id,
        {% if is_incremental() -%}
        (select coalesce(max(registered.birth_seq), 0) from registered)
        {%- else -%}
        0
        {%- endif %} + row_number() over (
            order by newborn.first_load_id, newborn.created_at nulls last, newborn.record_id
        ) as birth_seq,
        loads.loaded_at as registered_at
    from newborn
    left join loads on newborn.first_load_id = loads.load_id
)

select * from born
