with
loads as (
    {% for source_name in landing_sources() + ["app_db"] -%}
    select
        load_id,
        inserted_at
    from {{ source(source_name, "_dlt_loads") }}
    where status = 0
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

complete as (
    select
        load_id,
        {{ utc_timestamp("min(inserted_at)") }} as loaded_at
    from loads
    group by load_id
)

select * from complete
