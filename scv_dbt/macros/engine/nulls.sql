{#- The lesser of two values, or the one that is not null (BigQuery's LEAST is null when either is). -#}
{% macro lesser(first, second) -%}
    least(coalesce({{ first }}, {{ second }}), coalesce({{ second }}, {{ first }}))
{%- endmacro %}

{#- The greater of two values, or the one that is not null. -#}
{% macro greater(first, second) -%}
    greatest(coalesce({{ first }}, {{ second }}), coalesce({{ second }}, {{ first }}))
{%- endmacro %}


{#- The columns as the order of an aggregate, in which nulls come last. BigQuery puts them first, and takes `nulls last`
    in windows only. -#}
{% macro nulls_last(columns) -%}
    {{ return(adapter.dispatch("nulls_last", "scv")(columns)) }}
{%- endmacro %}

{% macro duckdb__nulls_last(columns) -%}
    {{ columns | join(" nulls last, ") }} nulls last
{%- endmacro %}

{% macro bigquery__nulls_last(columns) -%}
    {%- for column in columns -%}
        {{ column }} is null, {{ column }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#- Of the rows that have a rank, the value of the one with the least. -#}
{% macro value_of_least(value, rank) -%}
    {{ return(adapter.dispatch("value_of_least", "scv")(value, rank)) }}
{%- endmacro %}

{% macro duckdb__value_of_least(value, rank) -%}
    min_by({{ value }}, {{ rank }})
{%- endmacro %}

{#- Where no row has a rank, BigQuery takes the value of any. -#}
{% macro bigquery__value_of_least(value, rank) -%}
    any_value(case when {{ rank }} is not null then {{ value }} end having min {{ rank }})
{%- endmacro %}
