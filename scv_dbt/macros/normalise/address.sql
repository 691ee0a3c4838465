{#- Street and house number as they are compared: plain letters and digits, words for streets in one short form, the
    number last. Calls within calls are as many as sqlfluff follows. -#}
{% macro address_normalised(street) -%}
    {%- set words = "' ' || " ~ regexp_replace_all("replace(" ~ strip_accents(lower_case(street)) ~ ", 'ß', 'ss')", "[^\\p{L}\\p{N}]+", " ") ~ " || ' '" -%}
    {%- set address = namespace(expression=words) -%}
    {%- for word, spellings in {
        "str ": "(?:strasse|straat|str) ",
        "pl ": "(?:platz|plein| place) ",
        " st ": " (?:street|saint|sankt|sint) ",
        " av ": " (?:avenue|avenida|ave|avda|aven) ",
        " \\1\\2\\3\\4 ": " (?:(r)oa(d)|(b)(?:oulevar|ulevar|lv|v)(d)) ",
        " \\1\\2\\3\\4\\5\\6\\7\\8 ": " (?:(l)a(n)e|(d)(r)ive|(c)our(t)|(s)(q)uare) ",
        " \\1\\2\\3\\4\\5\\6\\7 ": " (?:(c)alle|(ch)emin|(ul)(?:ica|itsa)|(p)(?:iazz|laz|rac|z)(a)|(r)ou(te)) ",
        " \\1 ": " (n|s|e|w)(?:orth|outh|ast|est) ",
        "\\1\\2 ": "( [0-9]+) ([a-z]) ",
    }.items() -%}
        {%- set address.expression = regexp_replace_all(address.expression, spellings, word) -%}
    {%- endfor -%}
    nullif(replace({{ regexp_replace_all(address.expression, "^(.*?) (?:no |nº |nr )?([0-9]+[a-z]?) (.*)$", "\\1 \\3 \\2") }}, ' ', ''), '')
{%- endmacro %}
