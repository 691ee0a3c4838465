{#- The columns of a contract as a select without rows, whose types are compared with those of the model. BigQuery takes
    the digits of a type in the columns of a table, which it checks when it writes, but not in a cast. -#}
{% macro bigquery__get_empty_schema_sql(columns) -%}
    {%- set plain = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do plain.update({name: dict(column, data_type=modules.re.sub("\\(.*\\)", "", column["data_type"] or ""))}) -%}
    {%- endfor -%}
    {{ return(dbt.default__get_empty_schema_sql(plain)) }}
{%- endmacro %}
