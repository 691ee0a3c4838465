{#- The columns of a contract as a select without rows, whose types are compared with those of the model. BigQuery takes
    the digits of a type in the columns of a table, which it checks when it writes, but not in a cast. -#}
{% macro bigquery__get_empty_schema_sql(columns) -%}
    {%- set plain = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do plain.update({name: dict(column)}) -%}
        {%- if column["data_type"] -%}
            {%- do plain[name].update({"data_type": modules.re.sub("\\(.*\\)", "", column["data_type"])}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(dbt.bigquery__get_empty_schema_sql(plain)) }}
{%- endmacro %}
