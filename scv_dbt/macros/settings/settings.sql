{#- What the run was told through the environment. One macro each: a changed `--vars` would re-parse the project. -#}

{#- The day, inclusive, that bounds metrics. Its default lets the project be parsed and built by hand. -#}
{% macro as_of() -%}
    cast('{{ env_var("SCV_AS_OF", "9999-12-31") }}' as date)
{%- endmacro %}

{#- ISO 4217 code of the currency in which base amounts are. -#}
{% macro base_currency() -%}
    '{{ env_var("SCV_BASE_CURRENCY", "EUR") | upper }}'
{%- endmacro %}

{#- ISO 3166 alpha-2 code of the country of phones that name none. -#}
{% macro default_country() -%}
    '{{ env_var("SCV_DEFAULT_COUNTRY", "GB") | upper }}'
{%- endmacro %}

{#- The custom fields of an entity as a list of {name, type, description}, in the order of the file. -#}
{% macro custom_fields(entity) -%}
    {%- set fields = [] -%}
    {%- for name, field in fromjson(env_var("SCV_CUSTOM_FIELDS", "{}")).items() if field.entity == entity -%}
        {%- do fields.append({"name": name, "type": field.type, "description": field.description}) -%}
    {%- endfor -%}
    {{ return(fields) }}
{%- endmacro %}
