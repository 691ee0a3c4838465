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
        {%- if rule.name == "steward" -%}
            {%- do exceptions.raise_compiler_error(where ~ "the links of stewards have this name") -%}
        {%- endif -%}
        {%- if rule.name in names -%}
            {%- do exceptions.raise_compiler_error(where ~ "another rule has this name") -%}
        {%- endif -%}
        {%- if rule.level is not integer or rule.level < 1 -%}
            {%- do exceptions.raise_compiler_error(where ~ "level is a whole number from 1, the strongest") -%}
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
        {%- if rule["keys"] | select("in", var("identity_identifier_types")) | list | length == 0 -%}
            {%- do exceptions.raise_compiler_error(where ~ "attributes alone tell nobody apart; add an identifier type to its keys") -%}
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


{#- Attributes of a person record that a rule may compare beside identifiers, and the columns that hold them. -#}
{% macro identity_attributes() -%}
    {{ return({
        "given_name": "given_name_normalised",
        "family_name": "family_name_normalised",
        "birth_date": "cast(birth_date as string)",
        "postcode": "postcode_normalised",
    }) }}
{%- endmacro %}


{#- What the guards of all rules compare. -#}
{% macro guarded_traits() -%}
    {%- set traits = [] -%}
    {%- for rule in identity_rules() -%}
        {%- for trait in rule.guard if trait not in traits -%}
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
