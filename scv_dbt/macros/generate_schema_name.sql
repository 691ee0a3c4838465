{#- Schemas carry the bare names of the design, `master`, not `main_master`, behind the prefix of the installation. The
    sources have it in their YAML, where no macro can be called. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- else -%}
        {{ env_var("SCV_DATASET_PREFIX", "") ~ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
