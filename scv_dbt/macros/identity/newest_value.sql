{#- The value of the best ranked record that has one; records without a rank are left out. -#}
{% macro newest_value(attribute) -%}
    {{ value_of_least(attribute, "case when " ~ attribute ~ " is not null then survivorship_rank end") }}
{%- endmacro %}
