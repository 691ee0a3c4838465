{#- The text without white space around it; empty text is null. -#}
{% macro clean_text(expression) -%}
    nullif({{ trim_whitespace(expression) }}, '')
{%- endmacro %}

{#- The word in lower case, for columns whose words the platform knows. -#}
{% macro clean_word(expression) -%}
    {{ lower_case(clean_text(expression)) }}
{%- endmacro %}
