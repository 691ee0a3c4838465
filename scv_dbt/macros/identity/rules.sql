{#- The rules of `identity_rules`, checked and with their defaults, strongest level first. A rule joins records that
    agree in all of its keys. -#}
{% macro identity_rules() -%}
    {%- set fields = ["name", "keys", "level", "strength", "guard", "max_shared", "max_people"] -%}
    {%- set rules, names, guards = [], [], {} -%}
    {%- for given in var("identity_rules") -%}
        {%- set where = "identity_rules, rule " ~ (given.get("name") or loop.index) ~ ": " -%}
        {%- for field in given if field not in fields -%}
            {%- do exceptions.raise_compiler_error(where ~ field ~ " is no part of a rule; a rule has " ~ fields | join(", ")) -%}
        {%- endfor -%}
        {%- for field in ["name", "keys", "level"] if not given.get(field) -%}
            {%- do exceptions.raise_compiler_error(where ~ field ~ " is missing") -%}
        {%- endfor -%}
        {%- set rule = {
            "name": given.name,
            "keys": given["keys"],
            "level": given.level,
            "strength": given.get("strength") or "weak",
            "guard": given.get("guard") or [],
            "max_shared": given.get("max_shared") or var("identity_hub_cap"),
            "max_people": given.get("max_people"),
        } -%}
        {%- if not modules.re.fullmatch("[a-z][a-z0-9_]*", rule.name) -%}
            {%- do exceptions.raise_compiler_error(where ~ "a name has lower case letters, digits and underscores") -%}
        {%- endif -%}
        {%- if rule.name in ["steward", "model"] -%}
            {%- do exceptions.raise_compiler_error(where ~ "the links of stewards and of the linkage model have these names") -%}
        {%- endif -%}
        {%- if rule.name in names -%}
            {%- do exceptions.raise_compiler_error(where ~ "another rule has this name") -%}
        {%- endif -%}
        {%- if rule.level is not integer or rule.level < 1 -%}
            {%- do exceptions.raise_compiler_error(where ~ "level is a whole number from 1, the strongest") -%}
        {%- endif -%}
        {%- if rule.level == var("identity_model").level -%}
            {%- do exceptions.raise_compiler_error(where ~ "this level is that of the linkage model (identity_model)") -%}
        {%- endif -%}
        {%- if rule.strength not in ["certain", "strong", "weak"] -%}
            {%- do exceptions.raise_compiler_error(where ~ "strength is certain, strong or weak") -%}
        {%- endif -%}
        {%- for limit in [rule.max_shared, rule.max_people] if limit is not none and (limit is not integer or limit < 1) -%}
            {%- do exceptions.raise_compiler_error(where ~ "a limit is a whole number from 1") -%}
        {%- endfor -%}
        {%- for word in rule["keys"] + rule.guard if word not in var("identity_identifier_types") and word not in identity_attributes() -%}
            {%- do exceptions.raise_compiler_error(
                where ~ word ~ " is neither an identifier type (" ~ var("identity_identifier_types") | join(", ")
                ~ "; add your own to identity_identifier_types) nor an attribute (" ~ identity_attributes() | join(", ") ~ ")"
            ) -%}
        {%- endfor -%}
        {%- for word in rule.guard if (identity_attributes().get(word) or {}).get("of") -%}
            {%- do exceptions.raise_compiler_error(where ~ word ~ " guards nothing; use " ~ identity_attributes()[word].of) -%}
        {%- endfor -%}
        {%- set names_alone = rule["keys"] | reject("in", ["given_name", "family_name", "postcode"]) | list | length == 0 -%}
        {%- if names_alone or rule["keys"] | select("in", var("identity_identifier_types")) | list | length == 0 and rule["keys"] | length < 3 -%}
            {%- do exceptions.raise_compiler_error(
                where ~ "these attributes tell nobody apart; add an identifier type, or a birth date or address to three in all"
            ) -%}
        {%- endif -%}
        {%- if guards.get(rule.level, rule.guard) != rule.guard -%}
            {%- do exceptions.raise_compiler_error(where ~ "rules of one level are resolved together, so they need the same guard") -%}
        {%- endif -%}
        {%- do guards.update({rule.level: rule.guard}) -%}
        {%- do names.append(rule.name) -%}
        {%- do rules.append(rule) -%}
    {%- endfor -%}
    {{ return(rules | sort(attribute="level")) }}
{%- endmacro %}


{#- The levels in order, the strongest first: number and rules, no rules of the level of the linkage model, which is left
    out while there are no likely pairs. -#}
{% macro identity_levels() -%}
    {%- set levels = [] -%}
    {%- for level_rules in identity_rules() | groupby("level") -%}
        {%- do levels.append({"number": level_rules.grouper, "rules": level_rules.list}) -%}
    {%- endfor -%}
    {%- if row_count([], source("identity", "scored_pairs")) > 0 -%}
        {%- do levels.append({"number": var("identity_model").level, "rules": []}) -%}
    {%- endif -%}
    {{ return(levels | sort(attribute="number")) }}
{%- endmacro %}


{#- Attributes of a person record that a rule may compare beside identifiers: the columns of `source_records` with what
    records have to agree in as keys, and with what guards and the block list compare. Of what one is a form, if so, which
    the block list has and which is the one for guards. -#}
{% macro identity_attributes() -%}
    {{ return({
        "given_name": {"key": "given_name_folded", "trait": "given_name_normalised"},
        "family_name": {"key": "family_name_folded", "trait": "family_name_normalised"},
        "birth_date": {"key": "cast(birth_date as string)", "trait": "cast(birth_date as string)"},
        "birth_date_either_way": {"key": "birth_date_either_way", "trait": "cast(birth_date as string)", "of": "birth_date"},
        "postcode": {"key": "postcode_normalised", "trait": "postcode_normalised"},
        "address": {"key": "address_normalised", "trait": "address_normalised"},
    }) }}
{%- endmacro %}


{#- How many identifiers of a type one person may have, checked. -#}
{% macro max_values() -%}
    {%- set where = "identity_max_values: " -%}
    {%- for type, most in var("identity_max_values").items() -%}
        {%- if type not in var("identity_identifier_types") -%}
            {%- do exceptions.raise_compiler_error(
                where ~ type ~ " is no identifier type (" ~ var("identity_identifier_types") | join(", ") ~ ")"
            ) -%}
        {%- endif -%}
        {%- if most is not integer or most < 1 -%}
            {%- do exceptions.raise_compiler_error(where ~ "the limit of " ~ type ~ " is a whole number from 1") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(var("identity_max_values")) }}
{%- endmacro %}


{#- `identity_model`, checked. -#}
{% macro identity_model() -%}
    {%- set given = var("identity_model") -%}
    {%- for word in given.guard + given.contacts -%}
        {%- set attribute = identity_attributes().get(word) -%}
        {%- if word not in var("identity_identifier_types") and (attribute is none or attribute.get("of")) -%}
            {%- do exceptions.raise_compiler_error(
                "identity_model: " ~ word ~ " is neither an identifier type nor an attribute that guards"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(given) }}
{%- endmacro %}


{#- What the guards of these rules compare. -#}
{% macro guarded_traits(rules) -%}
    {%- set traits = [] -%}
    {%- for rule in rules -%}
        {%- for trait in rule.guard + (rule.contacts or []) if trait not in traits -%}
            {%- do traits.append(trait) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(traits) }}
{%- endmacro %}


{#- The values of several keys as one text; the name of the rule keeps it apart from other texts. -#}
{% macro composite_key(rule_name, types, attributes) -%}
    '{{ rule_name }}'
    {%- for type in types %} || ':' || {{ type }}.identifier_value{% endfor -%}
    {%- for attribute in attributes %} || ':' || attributes.{{ attribute }}{% endfor -%}
{%- endmacro %}
