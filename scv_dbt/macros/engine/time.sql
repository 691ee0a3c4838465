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


{#- Unix seconds as a naive timestamp in UTC; null outside the years 1 to 9999, as for milliseconds: BigQuery knows no
    other, and fails. -#}
{% macro unix_seconds_to_timestamp(expression) -%}
    case
        when {{ expression }} between -62135596800 and 253402300799
            then {{ adapter.dispatch("unix_seconds_to_timestamp", "scv")(expression) }}
    end
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


{#- The date that a text is, with or without a time behind it; null where it is none. -#}
{% macro date_or_null(expression) -%}
    {{ return(adapter.dispatch("date_or_null", "scv")(
        regexp_capture("replace(" ~ expression ~ ", '/', '-')", "^\\s*([1-9]\\d{3}-\\d{1,2}-\\d{1,2})(?:[T ].*)?$")
    )) }}
{%- endmacro %}

{% macro duckdb__date_or_null(expression) -%}
    try_cast({{ expression }} as date)
{%- endmacro %}

{% macro bigquery__date_or_null(expression) -%}
    safe_cast({{ expression }} as date)
{%- endmacro %}


{#- The moment of a text in ISO 8601 as a naive timestamp in UTC; null where it is none. Without a zone it is in UTC. -#}
{% macro utc_timestamp_or_null(expression) -%}
    {%- set time = "(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d+)?)?" -%}
    {%- set zone = "(?:Z|[+-]\\d{2}(?::?\\d{2})?)?" -%}
    {{ return(adapter.dispatch("utc_timestamp_or_null", "scv")(
        regexp_capture(expression, "^\\s*([1-9]\\d{3}-\\d{2}-\\d{2}(?:[T ]" ~ time ~ zone ~ ")?)\\s*$")
    )) }}
{%- endmacro %}

{% macro duckdb__utc_timestamp_or_null(expression) -%}
    cast(try_cast({{ expression }} as timestamp with time zone) at time zone 'UTC' as timestamp)
{%- endmacro %}

{#- BigQuery asks for the seconds, and refuses what is less than a microsecond. -#}
{% macro bigquery__utc_timestamp_or_null(expression) -%}
    safe_cast(
        regexp_replace(
            regexp_replace({{ expression }}, r'^(.{10}[T ]\d{2}:\d{2})([^:]|$)', r'\1:00\2'), r'(\.\d{6})\d+', r'\1'
        ) as timestamp
    )
{%- endmacro %}
