{#- The letters and digits of a name in lower case, without accents, one blank between its words. -#}
{% macro name_normalised(expression) -%}
    nullif(trim({{ regexp_replace_all(strip_accents(lower_case(expression)), "[^\\p{L}\\p{N}]+", " ") }}), '')
{%- endmacro %}


{#- The given name in a full name: what stands after the comma, else what stands before the family name. A name of
    one word is a given name. -#}
{% macro given_name_of(full_name) -%}
    case
        when {{ full_name }} like '%,%'
            then {{ clean_text(dbt.split_part(full_name, "','", 2)) }}
        else coalesce({{ regexp_capture(full_name, full_name_pattern("(.+?)", "(?:" ~ family_name_pattern() ~ ")")) }}, {{ full_name }})
    end
{%- endmacro %}


{#- The family name in a full name: what stands before the comma, else the last word with its particles. -#}
{% macro family_name_of(full_name) -%}
    case
        when {{ full_name }} like '%,%'
            then {{ clean_text(dbt.split_part(full_name, "','", 1)) }}
        else {{ regexp_capture(full_name, full_name_pattern(".+?", "(" ~ family_name_pattern() ~ ")")) }}
    end
{%- endmacro %}


{% macro full_name_pattern(given, family) -%}
    (?i)^{{ given }}\s+{{ family }}$
{%- endmacro %}

{% macro family_name_pattern() -%}
    (?:(?:van|von|vom|zu|zur|zum|der|den|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ter|ten)\s+)*\S+
{%- endmacro %}
