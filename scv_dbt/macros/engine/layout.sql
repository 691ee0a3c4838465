{#- How dbt_project.yml lays out the large tables is meant for BigQuery: DuckDB has one file. -#}
{% macro duckdb__get_partitioned_by(relation, temporary) -%}
    {{ return(none) }}
{%- endmacro %}
