{#- A registry: the order in which the records of a relation came, as (<key>, birth_seq, registered_at). Rows are added,
    never changed; inside a load the record comes first that its source created first. -#}
{% macro records_as_they_come(relation, key) -%}
with
records as (
    select * from {{ relation }}
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
    left join registered on records.{{ key }} = registered.{{ key }}
    where registered.{{ key }} is null
),
{%- else -%}
newborn as (
    select * from records
),
{%- endif %}

born as (
    select
        newborn.{{ key }},
        {% if is_incremental() -%}
        (select coalesce(max(registered.birth_seq), 0) from registered)
        {%- else -%}
        0
        {%- endif %} + row_number() over (
            order by newborn.first_load_id, newborn.created_at nulls last, newborn.{{ key }}
        ) as birth_seq,
        loads.loaded_at as registered_at
    from newborn
    left join loads on newborn.first_load_id = loads.load_id
)

select * from born
{%- endmacro %}
