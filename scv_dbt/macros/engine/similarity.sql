{#- Whether two different texts are one slip apart: a character too many, too few or wrong, or two neighbours swapped. -#}
{% macro differs_by_one_typo(first, second) -%}
    {{ return(adapter.dispatch("differs_by_one_typo", "scv")(first, second)) }}
{%- endmacro %}

{% macro duckdb__differs_by_one_typo(first, second) -%}
    damerau_levenshtein({{ in_single_bytes(first, first, second) }}, {{ in_single_bytes(second, first, second) }}) = 1
{%- endmacro %}

{#- BigQuery counts a swap as two edits, so it is looked for at each place. -#}
{% macro bigquery__differs_by_one_typo(first, second) -%}
    (
        edit_distance({{ first }}, {{ second }}, max_distance => 2) = 1
        or exists (
            select 1
            from unnest(generate_array(1, length({{ first }}) - 1)) as place
            where {{ second }} = substr({{ first }}, 1, place - 1) || substr({{ first }}, place + 1, 1)
                || substr({{ first }}, place, 1) || substr({{ first }}, place + 2)
                and {{ first }} != {{ second }}
        )
    )
{%- endmacro %}


{#- How many characters have to be added, taken away or changed to make one text of the other. -#}
{% macro edit_distance(first, second) -%}
    {{ return(adapter.dispatch("edit_distance", "scv")(first, second)) }}
{%- endmacro %}

{% macro duckdb__edit_distance(first, second) -%}
    levenshtein({{ in_single_bytes(first, first, second) }}, {{ in_single_bytes(second, first, second) }})
{%- endmacro %}

{% macro bigquery__edit_distance(first, second) -%}
    edit_distance({{ first }}, {{ second }})
{%- endmacro %}


{#- A normalised word with a capital for each of its letters that is more than one byte, the same one in both words:
    DuckDB compares bytes. -#}
{% macro in_single_bytes(word, first, second) -%}
    translate(
        {{ word }}, regexp_replace({{ first }} || {{ second }}, '[ -~]', '', 'g'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,./:;<=>?@'
    )
{%- endmacro %}
