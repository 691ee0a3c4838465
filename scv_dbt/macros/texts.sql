{#- Texts as a list for `in`, which no engine lets be empty. -#}
{% macro texts(words) -%}
    ({% for word in words or [""] %}'{{ word }}'{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}
