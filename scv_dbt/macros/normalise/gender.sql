{#- female or male, or another word as the source has it, in lower case. -#}
{% macro gender_word(expression) -%}
    case
        when {{ expression }} in ('f', 'female') then 'female'
        when {{ expression }} in ('m', 'male') then 'male'
        else {{ expression }}
    end
{%- endmacro %}
