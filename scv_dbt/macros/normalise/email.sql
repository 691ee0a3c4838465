{#- The address in lower case without white space around it; null when it is not an address. Dots and tags stay:
    they mean something to most providers. -#}
{% macro email_normalised(expression) -%}
    {{ regexp_capture(lower_case(trim_whitespace(expression)), "^([^@\\s,;<>]+@[^@\\s,;<>]+\\.[^@\\s,;<>]+)$") }}
{%- endmacro %}
