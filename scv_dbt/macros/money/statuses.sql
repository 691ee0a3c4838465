{#- Whether a transaction with that status counts. No status counts. -#}
{% macro status_counts(status) -%}
    coalesce({{ status }}, '') not in ('{{ var("uncounted_statuses") | join("', '") }}')
{%- endmacro %}
