with
rule_keys as (
    {% for rule in identity_rules() -%}
    {%- set outer_loop = loop -%}
    {%- for key in rule["keys"] -%}
    select
        '{{ rule.name }}' as rule,
        {{ rule.level }} as level,
        '{{ rule.strength }}' as strength,
        '{{ key }}' as key_name,
        {{ loop.index }} as place,
        {{ "true" if key in var("identity_identifier_types") else "false" }} as is_identifier
    {% if not (loop.last and outer_loop.last) -%}
    union all
    {% endif -%}
    {%- endfor -%}
    {%- endfor %}
)

select * from rule_keys
