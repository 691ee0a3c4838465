{#- A timestamp with a zone as a naive timestamp in UTC, whatever the zone of the session. -#}
{% macro utc_timestamp(expression) -%}
    {{ return(adapter.dispatch("utc_timestamp", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__utc_timestamp(expression) -%}
    cast({{ expression }} at time zone 'UTC' as timestamp)
{%- endmacro %}

{% macro bigquery__utc_timestamp(expression) -%}
    cast({{ expression }} as timestamp)
{%- endmacro %}


{#- Whole days from one date to another. -#}
{% macro days_between(first_date, second_date) -%}
    {{ return(adapter.dispatch("days_between", "scv")(first_date, second_date)) }}
{%- endmacro %}

{% macro duckdb__days_between(first_date, second_date) -%}
    date_diff('day', {{ first_date }}, {{ second_date }})
{%- endmacro %}

{% macro bigquery__days_between(first_date, second_date) -%}
    date_diff({{ second_date }}, {{ first_date }}, day)
{%- endmacro %}


{#- Unix seconds as a naive timestamp in UTC. -#}
{% macro unix_seconds_to_timestamp(expression) -%}
    {{ return(adapter.dispatch("unix_seconds_to_timestamp", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__unix_seconds_to_timestamp(expression) -%}
    make_timestamp({{ expression }} * 1000000)
{%- endmacro %}

{% macro bigquery__unix_seconds_to_timestamp(expression) -%}
    timestamp_seconds({{ expression }})
{%- endmacro %}


{#- Whole seconds from one timestamp to another. -#}
{% macro seconds_between(first_timestamp, second_timestamp) -%}
    {{ return(adapter.dispatch("seconds_between", "scv")(first_timestamp, second_timestamp)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(first_timestamp, second_timestamp) -%}
    date_sub('second', {{ first_timestamp }}, {{ second_timestamp }})
{%- endmacro %}

{% macro bigquery__seconds_between(first_timestamp, second_timestamp) -%}
    timestamp_diff({{ second_timestamp }}, {{ first_timestamp }}, second)
{%- endmacro %}
