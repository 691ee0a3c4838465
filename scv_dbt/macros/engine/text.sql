{#- The text without white space around it, the non-breaking spaces of spreadsheets included. -#}
{% macro trim_whitespace(expression) -%}
    {{ return(adapter.dispatch("trim_whitespace", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__trim_whitespace(expression) -%}
    trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
{%- endmacro %}

{% macro bigquery__trim_whitespace(expression) -%}
    trim({{ expression }}, ' \t\n\r\u00a0')
{%- endmacro %}


{#- The text in lower case, letter by letter. -#}
{% macro lower_case(expression) -%}
    {{ return(adapter.dispatch("lower_case", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__lower_case(expression) -%}
    lower({{ expression }})
{%- endmacro %}

{#- BigQuery makes two letters of one (İ), and writes another at the end of a word (Σ). -#}
{% macro bigquery__lower_case(expression) -%}
    lower(replace(replace({{ expression }}, 'İ', 'i'), 'Σ', 'σ'))
{%- endmacro %}


{#- The text in upper case, letter by letter. -#}
{% macro upper_case(expression) -%}
    {{ return(adapter.dispatch("upper_case", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__upper_case(expression) -%}
    upper({{ expression }})
{%- endmacro %}

{#- BigQuery makes two letters of one (ß). -#}
{% macro bigquery__upper_case(expression) -%}
    upper(replace({{ expression }}, 'ß', 'ẞ'))
{%- endmacro %}


{#- The text with its letters bare: é as e. -#}
{% macro strip_accents(expression) -%}
    {{ return(adapter.dispatch("strip_accents", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__strip_accents(expression) -%}
    strip_accents({{ expression }})
{%- endmacro %}

{% macro bigquery__strip_accents(expression) -%}
    normalize(regexp_replace(normalize({{ expression }}, nfd), r'\pM', ''), nfc)
{%- endmacro %}


{#- Every match of an RE2 pattern replaced; \1 is what its first group captured. -#}
{% macro regexp_replace_all(expression, pattern, replacement) -%}
    {{ return(adapter.dispatch("regexp_replace_all", "scv")(expression, pattern, replacement)) }}
{%- endmacro %}

{% macro duckdb__regexp_replace_all(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro bigquery__regexp_replace_all(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, r'{{ pattern }}', r'{{ replacement }}')
{%- endmacro %}


{#- Whether an RE2 pattern matches somewhere in the text. -#}
{% macro regexp_matches(expression, pattern) -%}
    {{ return(adapter.dispatch("regexp_matches", "scv")(expression, pattern)) }}
{%- endmacro %}

{% macro duckdb__regexp_matches(expression, pattern) -%}
    regexp_matches({{ expression }}, '{{ pattern }}')
{%- endmacro %}

{% macro bigquery__regexp_matches(expression, pattern) -%}
    regexp_contains({{ expression }}, r'{{ pattern }}')
{%- endmacro %}


{#- What the one group of an RE2 pattern captured; null without a match. -#}
{% macro regexp_capture(expression, pattern) -%}
    {{ return(adapter.dispatch("regexp_capture", "scv")(expression, pattern)) }}
{%- endmacro %}

{% macro duckdb__regexp_capture(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, '{{ pattern }}', 1), '')
{%- endmacro %}

{% macro bigquery__regexp_capture(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, r'{{ pattern }}'), '')
{%- endmacro %}


{#- SHA-256 of the text in hexadecimal digits. -#}
{% macro sha256_hex(expression) -%}
    {{ return(adapter.dispatch("sha256_hex", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__sha256_hex(expression) -%}
    sha256({{ expression }})
{%- endmacro %}

{% macro bigquery__sha256_hex(expression) -%}
    to_hex(sha256({{ expression }}))
{%- endmacro %}


{#- A number of 64 bits that is another one for another text; each engine, and each version of it, has its own. -#}
{% macro text_hash(expression) -%}
    {{ return(adapter.dispatch("text_hash", "scv")(expression)) }}
{%- endmacro %}

{% macro duckdb__text_hash(expression) -%}
    hash({{ expression }})
{%- endmacro %}

{% macro bigquery__text_hash(expression) -%}
    farm_fingerprint({{ expression }})
{%- endmacro %}
