{#- The address in lower case without white space around it; null when it is not an address. Dots and tags stay:
    they mean something to most providers. -#}
{% macro email_normalised(expression) -%}
    {{ regexp_capture(lower_case(trim_whitespace(expression)), "^([^@\\s,;<>]+@[^@\\s,;<>]+\\.[^@\\s,;<>]+)$") }}
{%- endmacro %}


{#- The mailbox that a normalised address is delivered to, as far as its form tells: without what follows a plus, and
    at Google without dots and under one domain. Other providers may mean something by a plus, so this is a weaker key
    than the address. -#}
{% macro email_mailbox(email) -%}
    {%- set domain = dbt.split_part(email, "'@'", 2) -%}
    {%- set mailbox = regexp_capture(email, "^([^@+]+)") -%}
    case
        when {{ domain }} in ('gmail.com', 'googlemail.com') then replace({{ mailbox }}, '.', '') || '@gmail.com'
        else {{ mailbox }} || '@' || {{ domain }}
    end
{%- endmacro %}
