{#- The engine's type of a raw column, from dlt's name of it: what dlt itself would create. -#}
{% macro raw_type(data_type) -%}
    {{ return(adapter.dispatch("raw_type", "scv")(data_type)) }}
{%- endmacro %}

{% macro duckdb__raw_type(data_type) -%}
    {{ return({
        "text": "varchar", "decimal": "decimal(38, 9)", "bigint": "bigint", "bool": "boolean",
        "date": "date", "timestamp": "timestamp with time zone", "json": "json",
    }[data_type]) }}
{%- endmacro %}

{% macro bigquery__raw_type(data_type) -%}
    {{ return({
        "text": "string", "decimal": "numeric(38, 9)", "bigint": "int64", "bool": "bool",
        "date": "date", "timestamp": "timestamp", "json": "json",
    }[data_type]) }}
{%- endmacro %}


{#- An amount, a price or a quantity as decimal(18, 4), rounded half away from zero. -#}
{% macro to_money(expression) -%}
    {{ return(adapter.dispatch("to_money", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__to_money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{% macro bigquery__to_money(expression) -%}
    round(cast({{ expression }} as numeric), 4)
{%- endmacro %}


{#- The value in a type that `raw_type` names; null where it has none. -#}
{% macro cast_or_null(expression, type) -%}
    {{ return(adapter.dispatch("cast_or_null", "scv")(expression, type)) }}
{%- endmacro %}

{% macro duckdb__cast_or_null(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro bigquery__cast_or_null(expression, type) -%}
    safe_cast({{ expression }} as {{ type }})
{%- endmacro %}
