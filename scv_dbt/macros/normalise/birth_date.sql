{#- A birth date as text in which day and month may stand in either order. -#}
{% macro birth_date_either_way(birth_date) -%}
    {%- set day = "cast(" ~ birth_date ~ " as string)" -%}
    substr({{ day }}, 1, 5) || least(substr({{ day }}, 6, 2), substr({{ day }}, 9, 2))
    || '-' || greatest(substr({{ day }}, 6, 2), substr({{ day }}, 9, 2))
{%- endmacro %}
