{#- The sources that read files from a landing folder and so have a ledger of them. -#}
{% macro landing_sources() -%}
    {{ return(["files", "salesforce", "shopify", "stripe", "web_events", "zendesk"]) }}
{%- endmacro %}


{#- The newest complete load of every file of a source: the only one that is read. -#}
{% macro newest_loads(source_name) -%}
    with
    files as (
        select * from {{ source(source_name, "_loaded_files") }}
    ),

    loads as (
        select * from {{ source(source_name, "_dlt_loads") }}
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
{%- endmacro %}


{#- The rows of a raw table that count, with `first_load_id`, the load that first brought the row.

    Only complete loads are read: a killed load is never seen. A file is read from its newest complete load, so that
    one loaded again under a new mapping replaces what it said before. Of the rows with one key the newest wins: by
    the source's own `updated_at` where the table has one, then by load, file name and line, so that the order is
    total. In no-code files a key belongs to the source that the row names. -#}
{% macro newest_rows(source_name, table, key=none, updated_at=none) -%}
    {%- set lands = source_name in landing_sources() -%}
    {%- if source_name == "files" -%}
        {%- set same_key = "raw_rows.source, " ~ clean_text("raw_rows." ~ key) -%}
    {%- else -%}
        {#- Vendors' ids are made by machines: they are compared as they are, which is much faster. -#}
        {%- set same_key = "raw_rows." ~ key -%}
    {%- endif -%}
    select
        raw_rows.*,
        {% if key -%}
        min(raw_rows._dlt_load_id) over (partition by {{ same_key }})
        {%- else -%}
        raw_rows._dlt_load_id
        {%- endif %} as first_load_id
    from {{ source(source_name, table) }} as raw_rows
    {% if lands -%}
    inner join {{ ref("stg_" ~ source_name ~ "__loads") }} as loads
        on
            raw_rows._content_hash = loads.file_hash
            and raw_rows._dlt_load_id = loads.load_id
            {% if source_name == "files" -%}
            and raw_rows.source = loads.source
            {% endif -%}
    where loads.entity = '{{ table }}'
    {%- else -%}
    inner join {{ source(source_name, "_dlt_loads") }} as loads on raw_rows._dlt_load_id = loads.load_id
    where loads.status = 0
    {%- endif %}
    {%- if key %}
    qualify row_number() over (
        partition by {{ same_key }}
        order by
            {% if updated_at -%}
            raw_rows.{{ updated_at }} desc nulls last,
            {% endif -%}
            raw_rows._dlt_load_id desc
            {%- if lands %},
            loads.file desc,
            raw_rows._line desc,
            raw_rows._content_hash desc
            {%- endif %}
    ) = 1
    {%- endif %}
{%- endmacro %}
