{#- The value of the best ranked record that has one; records without a rank are left out. -#}
{% macro newest_value(attribute) -%}
    min_by({{ attribute }}, case when {{ attribute }} is not null then survivorship_rank end)
{%- endmacro %}
