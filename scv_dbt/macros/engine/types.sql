{#- The engine's type of a raw column, from dlt's name of it: what dlt itself would create. JSON is text there. A table
    that Python owns has naive timestamps: utc_timestamp. -#}
{% macro raw_type(data_type) -%}
    {{ return(adapter.dispatch("raw_type", "scv")(data_type)) }}
{%- endmacro %}

{% macro duckdb__raw_type(data_type) -%}
    {{ return({
        "text": "varchar", "decimal": "decimal(38, 9)", "double": "double", "bigint": "bigint", "bool": "boolean",
        "date": "date", "timestamp": "timestamp with time zone", "utc_timestamp": "timestamp", "json": "varchar",
    }[data_type]) }}
{%- endmacro %}

{% macro bigquery__raw_type(data_type) -%}
    {{ return({
        "text": "string", "decimal": "numeric", "double": "float64", "bigint": "int64", "bool": "bool",
        "date": "date", "timestamp": "timestamp", "utc_timestamp": "timestamp", "json": "string",
    }[data_type]) }}
{%- endmacro %}


{#- An amount, a price or a quantity as decimal(18, 4), rounded half away from zero. -#}
{% macro to_money(expression) -%}
    {{ return(adapter.dispatch("to_money", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__to_money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{#- BigQuery takes the digits of a type in columns, but not in a cast. -#}
{% macro bigquery__to_money(expression) -%}
    round(cast({{ expression }} as numeric), 4)
{%- endmacro %}


{#- One number by another as a decimal with nine digits after the point, rounded half away from zero. -#}
{% macro quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch("quotient", "scv")(dividend, divisor)) }}
{%- endmacro %}

{#- DuckDB divides decimals as floats, whose halves do not round as those of decimals do. -#}
{% macro duckdb__quotient(dividend, divisor) -%}
    cast(({{ dividend }}) / ({{ divisor }}) as decimal(38, 9))
{%- endmacro %}

{% macro bigquery__quotient(dividend, divisor) -%}
    cast({{ dividend }} as numeric) / ({{ divisor }})
{%- endmacro %}


{#- The number that a text is, as dlt's decimal; null where it is none. -#}
{% macro number_or_null(expression) -%}
    {{ return(adapter.dispatch("number_or_null", "scv")(without_grouping(expression))) }}
{%- endmacro %}

{% macro duckdb__number_or_null(expression) -%}
    try_cast({{ expression }} as decimal(38, 9))
{%- endmacro %}

{% macro bigquery__number_or_null(expression) -%}
    safe_cast({{ expression }} as numeric)
{%- endmacro %}


{#- The amount that a text is, as decimal(18, 4); null where it is none. -#}
{% macro money_or_null(expression) -%}
    {{ return(adapter.dispatch("money_or_null", "scv")(without_grouping(expression))) }}
{%- endmacro %}

{% macro duckdb__money_or_null(expression) -%}
    try_cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{% macro bigquery__money_or_null(expression) -%}
    case
        when abs(safe_cast({{ expression }} as numeric)) < 1e14 then round(safe_cast({{ expression }} as numeric), 4)
    end
{%- endmacro %}


{#- To DuckDB 1_000 is a thousand, to BigQuery it is no number. -#}
{% macro without_grouping(expression) -%}
    replace({{ expression }}, '_', '?')
{%- endmacro %}
