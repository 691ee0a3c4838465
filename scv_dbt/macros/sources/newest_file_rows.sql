{#- The rows of a raw entity that count, with `first_load_id`, the load that first brought the row.

    A file is read from its newest complete load only: a killed load is never seen, and a file loaded again under
    a new mapping replaces what it said before. Of the rows with one key the newest wins: by the source's own
    `updated_at` where the entity has one, then by load, file name and line, so that the order is total. -#}
{% macro newest_file_rows(entity, key=none, updated_at=none) -%}
    select
        raw_rows.*,
        {% if key -%}
        min(raw_rows._dlt_load_id) over (partition by raw_rows.source, {{ clean_text("raw_rows." ~ key) }})
        {%- else -%}
        raw_rows._dlt_load_id
        {%- endif %} as first_load_id
    from {{ source("files", entity) }} as raw_rows
    inner join {{ ref("stg_files__loads") }} as loads
        on
            raw_rows.source = loads.source
            and raw_rows._content_hash = loads.file_hash
            and raw_rows._dlt_load_id = loads.load_id
    where loads.entity = '{{ entity }}'
    {%- if key %}
    qualify row_number() over (
        partition by raw_rows.source, {{ clean_text("raw_rows." ~ key) }}
        order by
            {% if updated_at -%}
            raw_rows.{{ updated_at }} desc nulls last,
            {% endif -%}
            raw_rows._dlt_load_id desc,
            loads.file desc,
            raw_rows._line desc,
            raw_rows._content_hash desc
    ) = 1
    {%- endif %}
{%- endmacro %}
