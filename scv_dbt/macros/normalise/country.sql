{#- What a country's code or name is compared by: its letters, in lower case, without accents. -#}
{% macro country_key(expression) -%}
    {{ regexp_replace_all(strip_accents(lower_case("replace(" ~ expression ~ ", '&', 'and')")), "[^\\p{L}]+", "") }}
{%- endmacro %}
