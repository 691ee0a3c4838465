{#- Creates every raw schema, table and column that a source YAML declares and the warehouse lacks, with the types
    that dlt would give them; with a selection, of what the selected nodes read. So models build before the first load,
    and after a table has gained a column. -#}
{% macro create_missing_raw_tables() -%}
    {#- Compiling must not need a warehouse, let alone change one. -#}
    {%- if execute and flags.WHICH in ["build", "run", "run-operation", "seed", "snapshot", "test"] -%}
        {#- An operation selects nothing, and finds there what an earlier command of the process selected. -#}
        {%- set selected = [] if flags.WHICH == "run-operation" else selected_resources -%}
        {%- set read = [] -%}
        {%- for unique_id in selected if unique_id in graph.nodes -%}
            {%- do read.extend(graph.nodes[unique_id].depends_on.nodes) -%}
        {%- endfor -%}
        {%- for source in graph.sources.values() if not selected or source.unique_id in read -%}
            {%- set columns = raw_columns(source) -%}
            {%- set existing = adapter.get_relation(source.database, source.schema, source.identifier) -%}
            {%- if existing is none -%}
                {%- set relation = api.Relation.create(source.database, source.schema, source.identifier) -%}
                {%- do adapter.create_schema(relation) -%}
                {%- set definitions = [] -%}
                {%- for name, type in columns.items() -%}
                    {%- do definitions.append(name ~ " " ~ type) -%}
                {%- endfor -%}
                {%- do run_query("create table " ~ relation ~ " (" ~ definitions | join(", ") ~ ")") -%}
            {%- else -%}
                {%- set present = adapter.get_columns_in_relation(existing) | map(attribute="name") | map("lower") | list -%}
                {%- set missing = [] -%}
                {%- for name, type in columns.items() if name | lower not in present -%}
                    {%- do missing.append(api.Column(name, type)) -%}
                {%- endfor -%}
                {%- if missing -%}
                    {%- do alter_relation_add_remove_columns(existing, missing, none) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {#- Looking at a relation opened a transaction. -#}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}


{#- The columns of a raw table, name -> engine type: those of its YAML, and the custom fields of its entity. -#}
{% macro raw_columns(source) -%}
    {%- set columns = {} -%}
    {%- for column in source.columns.values() -%}
        {%- do columns.update({column.name: raw_type(column.data_type)}) -%}
    {%- endfor -%}
    {%- for field in custom_fields(source.name) -%}
        {%- do columns.update({field.name: raw_type(custom_field_raw_type(field.type))}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
