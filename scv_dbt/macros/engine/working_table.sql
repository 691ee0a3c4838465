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


{% macro create_working_table(relation, select) -%}
    {{ return(adapter.dispatch("create_working_table", "scv")(relation, select)) }}
{%- endmacro %}

{% macro duckdb__create_working_table(relation, select) -%}
    {%- do run_query("create or replace temporary table " ~ relation ~ " as " ~ select) -%}
{%- endmacro %}

{#- The clock says only when BigQuery may drop it: no row depends on it. -#}
{% macro bigquery__create_working_table(relation, select) -%}
    {%- do run_query(
        "create or replace table " ~ relation
        ~ " options (expiration_timestamp = timestamp_add(current_timestamp(), interval 6 hour)) as " ~ select
    ) -%}
{%- endmacro %}
