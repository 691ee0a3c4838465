{#- The letters and digits of a postcode, in upper case. -#}
{% macro postcode_normalised(expression) -%}
    nullif({{ regexp_replace_all(upper_case(expression), "[^\\p{L}\\p{N}]+", "") }}, '')
{%- endmacro %}
