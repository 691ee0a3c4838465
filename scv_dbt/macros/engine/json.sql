{#- What a vendor nests is text of JSON, and so are its parts: no loader writes JSON into BigQuery. Models read it
    through these macros only; a path is 'a' or 'a.b'. A number that is read as text is written as the engine writes it:
    1.10 is 1.1 on DuckDB. -#}

{#- The text of a scalar at a path; null where there is none. Without a path, of the column itself. -#}
{% macro json_text(column, path="") -%}
    {{ return(adapter.dispatch("json_text", "scv")(column, json_path(path))) }}
{%- endmacro %}

{% macro duckdb__json_text(column, path) -%}
    (json_value({{ column }}, '{{ path }}') ->> '$')
{%- endmacro %}

{% macro bigquery__json_text(column, path) -%}
    json_value({{ column }}, '{{ path }}')
{%- endmacro %}


{#- The part of a JSON column at a path, as text of JSON; null where there is none, or a null. -#}
{% macro json_part(column, path) -%}
    {{ return(adapter.dispatch("json_part", "scv")(column, json_path(path))) }}
{%- endmacro %}

{% macro duckdb__json_part(column, path) -%}
    nullif(cast(json_extract({{ column }}, '{{ path }}') as varchar), 'null')
{%- endmacro %}

{#- The cast says what it is already, to readers that take every part for JSON. -#}
{% macro bigquery__json_part(column, path) -%}
    nullif(cast(json_query({{ column }}, '{{ path }}') as string), 'null')
{%- endmacro %}


{#- The number at a path, as dlt's decimal; null where it is none. -#}
{% macro json_number(column, path="") -%}
    {{ number_or_null(json_text(column, path)) }}
{%- endmacro %}

{#- The amount at a path as decimal(18, 4); null where it is none. -#}
{% macro json_money(column, path="") -%}
    {{ money_or_null(json_text(column, path)) }}
{%- endmacro %}

{#- The date at a path, with or without a time behind it; null where it is none. -#}
{% macro json_date(column, path="") -%}
    {{ date_or_null(json_text(column, path)) }}
{%- endmacro %}

{#- The ISO 8601 moment at a path as a naive timestamp in UTC; null where it is none. -#}
{% macro json_timestamp(column, path="") -%}
    {{ utc_timestamp_or_null(json_text(column, path)) }}
{%- endmacro %}


{#- A join that gives one row per element of the JSON array at a path; the element is the column `element`, text of
    JSON. Rows without elements fall away. -#}
{% macro join_json_elements(column, element, path="") -%}
    {{ return(adapter.dispatch("join_json_elements", "scv")(column, element, json_path(path))) }}
{%- endmacro %}

{% macro duckdb__join_json_elements(column, element, path) -%}
    cross join unnest(json_extract({{ column }}, '{{ path }}[*]')) as {{ element }}_rows ({{ element }})
{%- endmacro %}

{% macro bigquery__join_json_elements(column, element, path) -%}
    cross join unnest(json_query_array({{ column }}, '{{ path }}')) as {{ element }}
{%- endmacro %}


{#- Aggregates rows into a JSON array of objects. `fields` maps keys to expressions; nulls come last in the order. -#}
{% macro json_objects(fields, order_by) -%}
    {{ return(adapter.dispatch("json_objects", "scv")(fields, order_by)) }}
{%- endmacro %}

{% macro duckdb__json_objects(fields, order_by) -%}
    to_json(list({
        {%- for key, expression in fields.items() -%}
            '{{ key }}': {{ expression }}{{ ", " if not loop.last }}
        {%- endfor -%}
    } order by {{ nulls_last(order_by) }}))
{%- endmacro %}

{% macro bigquery__json_objects(fields, order_by) -%}
    to_json(array_agg(struct(
        {%- for key, expression in fields.items() -%}
            {{ expression }} as {{ key }}{{ ", " if not loop.last }}
        {%- endfor -%}
    ) order by {{ nulls_last(order_by) }}))
{%- endmacro %}


{% macro json_path(path) -%}
    {{ return("$." ~ path if path else "$") }}
{%- endmacro %}


{#- A value as a type, null where it is none; of the rows of unit tests. dbt's own casts text to JSON, which BigQuery
    does not. -#}
{% macro bigquery__safe_cast(field, type) -%}
    {%- if type | lower == "json" -%}
        parse_json({{ field }})
    {%- else -%}
        {{ return(dbt.bigquery__safe_cast(field, type)) }}
    {%- endif -%}
{%- endmacro %}
