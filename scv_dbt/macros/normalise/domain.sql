{#- The host of a web address, in lower case and without www; null where it is none. -#}
{% macro domain_of(website) -%}
    {%- set sign = "[^\\s!-/:-@\\[-`{-~]" -%}
    {%- set label = "(?:" ~ sign ~ "|" ~ sign ~ "[^\\s!-,./:-@\\[-`{-~]*" ~ sign ~ ")" -%}
    {%- set last_label = "(?:[^\\s!-@\\[-`{-~]{2,}|xn--[a-z0-9-]*[a-z0-9])" -%}
    {{ regexp_capture(
        lower_case(website),
        "^\\s*(?:[a-z]+://(?:[^\\s/?#@]*@)?)?(?:www\\.)?((?:" ~ label ~ "\\.)+" ~ last_label ~ ")\\.?(?:[\\s/:?#,;]|$)"
    ) }}
{%- endmacro %}


{#- The domain of a normalised e-mail address. -#}
{% macro email_domain(email) -%}
    {{ dbt.split_part(email, "'@'", 2) }}
{%- endmacro %}


{#- The legal form with which the name of a company ends; null where it has none. Forms that are family names too, as Sa
    and Se, count in capital letters alone, and the shortest of them not where the whole name is in capitals. -#}
{% macro legal_form_of(name) -%}
    {%- set in_any_case -%}
        gmbh|mbh|inc|incorporated|corp|corporation|llc|llp|ltd|limited|plc|pty|sarl|s\.a\.r\.l|srl|s\.r\.l|s\.p\.a|s\.a|s\.a\.s|b\.v|n\.v|e\.v|e\.k|aps|kft|s\.r\.o|d\.o\.o|sp\. ?z ?o\. ?o
    {%- endset -%}
    {%- set in_capitals = "AG|KG|OHG|UG|SAS|SpA|BV|NV|ASA|OY|Oy|Oyj|eG|eV" -%}
    {%- set among_small_letters = "SA|SE|AS|AB|OG" -%}
    coalesce(
        {{ regexp_capture(name, "[\\s,]((?i:" ~ in_any_case ~ ")|" ~ in_capitals ~ ")\\.?\\s*$") }},
        {{ regexp_capture(name, "[^\\s!-`{-~].*[\\s,](" ~ among_small_letters ~ ")\\.?\\s*$") }}
    )
{%- endmacro %}
