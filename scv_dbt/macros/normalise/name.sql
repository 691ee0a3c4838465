{#- The letters and digits of a name in lower case and plain Latin letters, Cyrillic and Greek ones too, one blank between
    its words; without titles before it and generations and degrees behind it. Other scripts stay what they are. -#}
{% macro name_normalised(expression) -%}
    {%- set words -%}
        trim({{ regexp_replace_all(latin_letters(strip_accents(lower_case(expression))), "[^\\p{L}\\p{N}]+", " ") }})
    {%- endset -%}
    {{ without_titles(regexp_replace_all(words, "(.)(?:\\s" ~ name_suffix_pattern() ~ ")+$", "\\1")) }}
{%- endmacro %}


{#- A normalised name without what differs between spellings of it: Jürgen and Juergen, Åse and Aase, Stephan and
    Stefan. Different names may come out alike (Bauer, Baur), so it is no proof of anything by itself. -#}
{% macro folded_name(expression) -%}
    {%- set folded = namespace(expression=expression) -%}
    {%- for spelling, letter in {"ae": "a", "oe": "o", "ue": "u", "aa": "a", "ß": "ss", "ph": "f"}.items() -%}
        {%- set folded.expression = "replace(" ~ folded.expression ~ ", '" ~ spelling ~ "', '" ~ letter ~ "')" -%}
    {%- endfor -%}
    {{ folded.expression }}
{%- endmacro %}


{#- Text in lower case without accents, its letters those of English where they have a sound: what is no letter with an
    accent (ß, ø, ł, ı), what Unicode has in two forms (ﬁ, full width), Cyrillic and Greek. -#}
{% macro latin_letters(expression) -%}
    case
        when not {{ regexp_matches(expression, "[^ -~]") }} then {{ expression }}
        when {{ regexp_matches(expression, "\\p{Cyrillic}") }} then {{ latin_of_cyrillic(expression) }}
        when {{ regexp_matches(expression, "\\p{Greek}") }} then {{ latin_of_greek(expression) }}
        else {{ plain_letters(expression) }}
    end
{%- endmacro %}


{#- What is left of the compatibility forms of Unicode (NFKC), which not every engine knows: one letter in several forms,
    several letters in one. Of Japanese, syllables of half width. Letters of mathematics stay what they are. -#}
{% macro plain_letters(expression) -%}
    {%- set letters, plain = "øłđðħıŧŋĸſəɓɗƙªº", "olddhitnksebdkao" -%}
    {%- set wide, narrow = "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ０１２３４５６７８９", "abcdefghijklmnopqrstuvwxyz0123456789" -%}
    {%- set half, full = "ｦｧｨｩｪｫｬｭｮｯｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝｰﾞﾟ", "ヲァィゥェォャュョッアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンー" -%}
    {%- set latin = namespace(expression="translate(" ~ expression ~ ", '" ~ letters ~ wide ~ half ~ "', '" ~ plain ~ narrow ~ full ~ "')") -%}
    {%- for letter, spelling in {
        "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ĳ": "ij",
    }.items() -%}
        {%- set latin.expression = "replace(" ~ latin.expression ~ ", '" ~ letter ~ "', '" ~ spelling ~ "')" -%}
    {%- endfor -%}
    {{ latin.expression }}
{%- endmacro %}


{#- As passports write it (ICAO 9303), of whatever language. A letter that becomes several is written beside what it
    begins or ends with, which one pass does for all letters of a kind. -#}
{% macro latin_of_cyrillic(expression) -%}
    {%- set latin = namespace(expression="replace(" ~ expression ~ ", 'щ', 'шч')") -%}
    {%- for letters, spelling in {
        "([жхчш])": "\\1h", "(ц)": "\\1s", "([юяє])": "i\\1", "([љњ])": "\\1j", "([џѕ])": "\\1z"
    }.items() -%}
        {%- set latin.expression = regexp_replace_all(latin.expression, letters, spelling) -%}
    {%- endfor -%}
    translate({{ latin.expression }}, 'абвгґдђежзиіјклљмнњопрстћуфхцчшъыэюяєџѕьʼ', 'abvggddezziijkllmnnoprstcufktcsayeuaedd')
{%- endmacro %}


{#- As passports write it (ELOT 743). -#}
{% macro latin_of_greek(expression) -%}
    {%- set latin = namespace(expression="replace(" ~ expression ~ ", 'ου', 'ou')") -%}
    {%- for letters, spelling in {
        "([αεη])υ([αβγδεζηιλμνορωo])": "\\1v\\2", "([αεη])υ": "\\1f", "γ([γξχ])": "n\\1", "(^|[^\\p{L}])μπ": "\\1b",
        "([θχ])": "\\1h", "(ψ)": "\\1s"
    }.items() -%}
        {%- set latin.expression = regexp_replace_all(latin.expression, letters, spelling) -%}
    {%- endfor -%}
    translate({{ latin.expression }}, 'αβγδεζηθικλμνξοπρσςτυφχψω', 'avgdezitiklmnxoprsstyfcpo')
{%- endmacro %}


{#- A name without the titles before it; null where nothing else is there. -#}
{% macro without_titles(expression) -%}
    nullif({{ regexp_replace_all(expression, "(?i)^(?:(?:" ~ title_pattern() ~ ")(?:\\.\\s*|\\s+))+", "") }}, '')
{%- endmacro %}


{#- The given name in a full name: what stands after the comma, else what stands before the family name. A name of
    one word is a given name. -#}
{% macro given_name_of(full_name) -%}
    {%- set name = without_suffixes(full_name) -%}
    {%- set given -%}
        case
            when {{ name }} like '%,%'
                then {{ clean_text(dbt.split_part(name, "','", 2)) }}
            else coalesce({{ regexp_capture(name, full_name_pattern("(.+?)", "(?:" ~ family_name_pattern() ~ ")")) }}, {{ name }})
        end
    {%- endset -%}
    {{ without_titles(given) }}
{%- endmacro %}


{#- The family name in a full name: what stands before the comma, else the last word with its particles. -#}
{% macro family_name_of(full_name) -%}
    {%- set name = without_suffixes(full_name) -%}
    {%- set family -%}
        case
            when {{ name }} like '%,%'
                then {{ clean_text(dbt.split_part(name, "','", 1)) }}
            else {{ regexp_capture(name, full_name_pattern(".+?", "(" ~ family_name_pattern() ~ ")")) }}
        end
    {%- endset -%}
    {{ without_titles(family) }}
{%- endmacro %}


{#- A full name of two words or more without the generations and degrees behind it. -#}
{% macro without_suffixes(full_name) -%}
    {{ regexp_replace_all(full_name, "(?i)^(\\S+[\\s,]+\\S.*?)(?:[\\s,]+" ~ name_suffix_pattern() ~ "\\.?)+$", "\\1") }}
{%- endmacro %}


{% macro full_name_pattern(given, family) -%}
    (?i)^{{ given }}\s+{{ family }}$
{%- endmacro %}

{% macro family_name_pattern() -%}
    (?:(?:van|von|vom|zu|zur|zum|der|den|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ter|ten)\s+)*\S+
{%- endmacro %}

{% macro title_pattern() -%}
    mr|mrs|ms|miss|mx|sir|rev|herrn?|frau|fr(?:ä|ae|a)ulein|monsieur|madame|mademoiselle|mme|mlle|se[ñn]or(?:a|ita)?|sra|srta|signora?|dott(?:\.?ssa)?|dhr|mevr(?:ouw)?|prof(?:essor(?:in)?)?|(?:d?dr|dipl)(?:[\s.-]*(?:h\.?\s?c|med|dent|vet|phil|jur|iur|rer\.?\s?(?:nat|pol)|ing|inf|kfm|oec|psych|theol|techn|habil)\b)*|mag|mgr|mudr|judr|phdr|rndr
{%- endmacro %}

{% macro name_suffix_pattern() -%}
    (?:jr|jnr|junior|sr|snr|senior|ii|iii|iv|ph\.?\s?d|m\.?d|mba|msc|bsc|llm|esq)
{%- endmacro %}
