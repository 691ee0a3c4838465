{#- A table that lives for one materialisation: temporary where the engine keeps those in a session, otherwise
    a table beside the model, which the materialisation drops; one that was killed leaves it for some hours. -#}
{% macro working_relation(name) -%}
    {{ return(adapter.dispatch("working_relation", "scv")(name)) }}
{%- endmacro %}

{% macro duckdb__working_relation(name) -%}
    {{ return(api.Relation.create(identifier=this.identifier ~ "__" ~ name, type="table")) }}
{%- endmacro %}

{% macro bigquery__working_relation(name) -%}
    {{ return(this.incorporate(path={"identifier": this.identifier ~ "__" ~ name}, type="table")) }}
{%- endmacro %}


{#- Adds to `script`, a list, the statement that makes the table. Statements are sent together, where an answer is needed:
    each sending is a job of BigQuery. -#}
{% macro create_working_table(script, relation, select) -%}
    {{ return(adapter.dispatch("create_working_table", "scv")(script, relation, select)) }}
{%- endmacro %}

{% macro duckdb__create_working_table(script, relation, select) -%}
    {%- do script.append("create or replace temporary table " ~ relation ~ " as " ~ select) -%}
{%- endmacro %}

{#- The clock says only when BigQuery may drop it: no row depends on it. -#}
{% macro bigquery__create_working_table(script, relation, select) -%}
    {%- do script.append(
        "create or replace table " ~ relation
        ~ " options (expiration_timestamp = timestamp_add(current_timestamp(), interval 6 hour)) as " ~ select
    ) -%}
{%- endmacro %}


{% macro drop_working_tables(script, relations) -%}
    {%- for relation in relations -%}
        {%- do script.append("drop table if exists " ~ relation) -%}
    {%- endfor -%}
{%- endmacro %}


{#- Sends the script, which is empty then, and tells the rows of the select. -#}
{% macro answer(script, select) -%}
    {%- set found = run_query((script + [select]) | join(";\n")) -%}
    {%- do script.clear() -%}
    {{ return(found) }}
{%- endmacro %}


{#- Sends the script, which is empty then, and tells how many rows the relation has. -#}
{% macro row_count(script, relation, condition="true") -%}
    {%- set found = answer(script, "select count(*) from " ~ relation ~ " where " ~ condition) -%}
    {{ return(found.columns[0].values()[0] | int) }}
{%- endmacro %}
