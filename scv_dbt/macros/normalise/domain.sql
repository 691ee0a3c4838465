{#- The host of a web address, without www. -#}
{% macro domain_of(website) -%}
    {{ regexp_capture(website, "^(?:https?://)?(?:www\\.)?([^/:?#]+)") }}
{%- endmacro %}
