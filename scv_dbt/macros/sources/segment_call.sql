{#- What every call of the Segment Spec says of itself, as select items, each followed by a comma. -#}
{% macro segment_call() -%}
    {{ clean_text("message_id") }} as message_id,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("anonymous_id") }} as anonymous_id,
        {{ utc_timestamp("timestamp") }} as occurred_at,
        {{ utc_timestamp("received_at") }} as received_at,
{%- endmacro %}
