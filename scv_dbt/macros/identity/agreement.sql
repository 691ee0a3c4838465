{#- Which values of a trait may be those of one person. `values` is a relation of (trait, value_a, value_b), different
    values of one trait; the select has the same rows and `agrees`.

    Given names agree when their first words do, and their second words where both have one; or when one is called by
    the other's second name. Words agree when they are equal, one is the other's initial, both are forms of one name
    (Bob, Robert), or one is a slip of the other. Two names that are both known are no slips of each other (Julia and
    Julian are two people), a known name is no other one cut short (Tom, Tomke), and the two genders of a name that
    nobody listed are no slips either (Milos, Milosa). Birth dates agree with a slip in one digit, or day and month
    swapped. Family names agree when one is part of the other or a slip of it. E-mail addresses agree with
    a slip in a letter (a digit tells apart what a provider gave to several). Other identifiers agree when they are
    equal. -#}
{% macro agreements(values, name_forms) -%}
with
pairs as (
    select
        trait,
        value_a,
        value_b,
        {{ folded_name("value_a") }} as folded_a,
        {{ folded_name("value_b") }} as folded_b
    from {{ values }}
),

words as (
    select
        *,
        {{ name_word("value_a", 1) }} as first_a,
        {{ name_word("value_a", 2) }} as second_a,
        {{ name_word("value_b", 1) }} as first_b,
        {{ name_word("value_b", 2) }} as second_b
    from pairs
),

known_names as (
    select distinct {{ folded_name("given_name") }} as word from {{ name_forms }}
),

forms as (
    select distinct
        {{ folded_name("one.given_name") }} as word_a,
        {{ folded_name("other.given_name") }} as word_b
    from {{ name_forms }} as one
    inner join {{ name_forms }} as other on one.name_group = other.name_group
),

word_pairs as (
    {% for a, b in [("first", "first"), ("second", "second"), ("second", "first"), ("first", "second")] -%}
    select {{ a }}_a as word_a, {{ b }}_b as word_b from words
    where trait = 'given_name' and {{ a }}_a is not null and {{ b }}_b is not null
    {% if not loop.last -%}
    union distinct
    {% endif -%}
    {% endfor %}
),

folded_words as (
    select
        word_a,
        word_b,
        {{ folded_name("word_a") }} as folded_a,
        {{ folded_name("word_b") }} as folded_b,
        least(length(word_a), length(word_b)) as shorter
    from word_pairs
),

surveyed_words as (
    select
        folded_words.*,
        forms.word_a is not null as are_forms,
        known_a.word is not null as is_known_a,
        known_b.word is not null as is_known_b,
        -- A name that exists is not another one cut short: Tom is not Tomke.
        case
            when length(folded_words.word_a) < length(folded_words.word_b)
                then known_a.word is null and starts_with(folded_words.word_b, folded_words.word_a)
            else known_b.word is null and starts_with(folded_words.word_a, folded_words.word_b)
        end as is_cut_short
    from folded_words
    left join forms
        on
            folded_words.folded_a = forms.word_a
            and folded_words.folded_b = forms.word_b
    left join known_names as known_a on folded_words.folded_a = known_a.word
    left join known_names as known_b on folded_words.folded_b = known_b.word
),

judged_words as (
    select
        word_a,
        word_b,
        (
            folded_a = folded_b
            or are_forms
            or (shorter = 1 and substr(word_a, 1, 1) = substr(word_b, 1, 1))
            or (
                shorter >= 3
                and not (is_known_a and is_known_b)
                and (
                    {{ without_ending("folded_a") }} != {{ without_ending("folded_b") }}
                    -- Nobody is called Mari where Maria is a name: the last letter was left out.
                    or (is_cut_short and (is_known_a or is_known_b))
                )
                and (
                    {{ differs_by_one_typo("word_a", "word_b") }}
                    or is_cut_short
                    -- Two slips of one name, which neither of them is.
                    or (
                        shorter >= 6
                        and not is_known_a
                        and not is_known_b
                        and {{ edit_distance("word_a", "word_b") }} <= 2
                    )
                )
            )
        ) as agrees
    from surveyed_words
)

select
    words.trait,
    words.value_a,
    words.value_b,
    case words.trait
        when 'given_name'
            then
                replace(words.folded_a, ' ', '') = replace(words.folded_b, ' ', '')
                or (first_words.agrees and coalesce(second_words.agrees, true))
                or (words.second_b is null and length(words.first_b) > 1 and coalesce(second_of_a.agrees, false))
                or (words.second_a is null and length(words.first_a) > 1 and coalesce(second_of_b.agrees, false))
        when 'family_name'
            then
                words.folded_a = words.folded_b
                or ' ' || words.folded_a || ' ' like '% ' || words.folded_b || ' %'
                or ' ' || words.folded_b || ' ' like '% ' || words.folded_a || ' %'
                or (
                    least(length(words.folded_a), length(words.folded_b)) >= 4
                    and {{ differs_by_one_typo("words.folded_a", "words.folded_b") }}
                )
        when 'email'
            then
                -- In a short mailbox another letter is another one.
                least(strpos(words.value_a, '@'), strpos(words.value_b, '@')) > 6
                and {{ differs_by_one_typo("words.value_a", "words.value_b") }}
                and {{ regexp_replace_all("words.value_a", "[^0-9]", "") }}
                = {{ regexp_replace_all("words.value_b", "[^0-9]", "") }}
        when 'birth_date' then {{ birth_dates_agree("words.value_a", "words.value_b") }}
        else false
    end as agrees
from words
left join judged_words as first_words
    on
        words.first_a = first_words.word_a
        and words.first_b = first_words.word_b
left join judged_words as second_words
    on
        words.second_a = second_words.word_a
        and words.second_b = second_words.word_b
left join judged_words as second_of_a
    on
        words.second_a = second_of_a.word_a
        and words.first_b = second_of_a.word_b
        and length(words.second_a) > 1
left join judged_words as second_of_b
    on
        words.first_a = second_of_b.word_a
        and words.second_b = second_of_b.word_b
        and length(words.second_b) > 1
{%- endmacro %}


{#- A name without the vowel that makes it a woman's or a man's. -#}
{% macro without_ending(expression) -%}
    {{ regexp_replace_all(expression, "[aeo]$", "") }}
{%- endmacro %}

{% macro name_word(expression, number) -%}
    nullif({{ dbt.split_part(expression, "' '", number) }}, '')
{%- endmacro %}


{#- Two different dates as texts YYYY-MM-DD. -#}
{% macro birth_dates_agree(first, second) -%}
    (
        (
            substr({{ first }}, 1, 4) = substr({{ second }}, 1, 4)
            and substr({{ first }}, 6, 2) = substr({{ second }}, 9, 2)
            and substr({{ first }}, 9, 2) = substr({{ second }}, 6, 2)
        )
        or (
            {%- for place in [1, 2, 3, 4, 6, 7, 9, 10] %}
            {{ "+ " if not loop.first }}case when substr({{ first }}, {{ place }}, 1) = substr({{ second }}, {{ place }}, 1) then 0 else 1 end
            {%- endfor %}
        ) = 1
    )
{%- endmacro %}
