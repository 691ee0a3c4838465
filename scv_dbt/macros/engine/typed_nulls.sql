{#- Select items that are null, each followed by a comma: what a member of a union does not know. Money is its type
    where none is given. -#}
{% macro typed_nulls(columns, type="money") -%}
    {%- for column in columns -%}
    {% if type == "money" -%}{{ to_money("null") }}{%- else -%}cast(null as {{ type }}){%- endif %} as {{ column }},
    {% endfor -%}
{%- endmacro %}
