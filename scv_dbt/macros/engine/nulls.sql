{#- The lesser of two values, or the one that is not null (BigQuery's LEAST is null when either is). -#}
{% macro lesser(first, second) -%}
    least(coalesce({{ first }}, {{ second }}), coalesce({{ second }}, {{ first }}))
{%- endmacro %}

{#- The greater of two values, or the one that is not null. -#}
{% macro greater(first, second) -%}
    greatest(coalesce({{ first }}, {{ second }}), coalesce({{ second }}, {{ first }}))
{%- endmacro %}
