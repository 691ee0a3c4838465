{#- How `dbt_project.yml` lays tables out is meant for BigQuery: a DuckDB file has no partitions. -#}
{% macro duckdb__get_partitioned_by(relation, temporary) -%}
    {{ return(none) }}
{%- endmacro %}
