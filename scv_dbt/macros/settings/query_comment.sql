{#- What every query says of itself: the asset that it makes, or the test that it is. -#}
{% macro query_comment(node) -%}
    {%- if node and node.resource_type in ["model", "seed"] -%}
        {{ return(tojson({"app": "scv", "asset": node.config.schema ~ "/" ~ node.name})) }}
    {%- elif node -%}
        {{ return(tojson({"app": "scv", "test": node.name})) }}
    {%- endif -%}
    {{ return(tojson({"app": "scv"})) }}
{%- endmacro %}
