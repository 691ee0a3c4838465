{#- The host of a web address, in lower case and without www; null where it is none. -#}
{% macro domain_of(website) -%}
    {{ regexp_capture(
        lower_case(website), "^\\s*(?:[a-z]+://)?(?:www\\.)?([^\\s/:?#@.][^\\s/:?#@]*\\.[^\\s/:?#@.]+)\\.?(?:[\\s/:?#]|$)"
    ) }}
{%- endmacro %}


{#- The domain of a normalised e-mail address. -#}
{% macro email_domain(email) -%}
    {{ dbt.split_part(email, "'@'", 2) }}
{%- endmacro %}


{#- Whether a name ends with the legal form of a company. Forms that are family names too, as Sa and Se, count in capital
    letters alone. -#}
{% macro has_legal_form(name) -%}
    {{ regexp_matches(name, "[\\s,](?:" ~ [
        "(?i:gmbh|mbh|gesmbh|inc|incorporated|corp|corporation|llc|llp|ltd|limited|plc|pty|sarl|srl|s\\.r\\.l|s\\.p\\.a|s\\.a|s\\.a\\.s|b\\.v|n\\.v|e\\.v|e\\.k|aps|sp\\. ?z ?o\\. ?o|s\\.r\\.o|d\\.o\\.o|kft)",
        "AG|SE|KG|OHG|UG|OG|SA|SAS|SpA|BV|NV|AB|AS|ASA|OY|Oy|Oyj|eG|eV",
    ] | join("|") ~ ")\\.?\\s*$") }}
{%- endmacro %}
