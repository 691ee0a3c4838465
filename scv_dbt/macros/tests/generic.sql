{#-
    Every row has a value in the column, or in each of the columns, and no two rows have the same: `unique` and
    `not_null` in one query, because each test of a node costs a run more than the query that it sends.
-#}
{% test primary_key(model, columns=none, column_name=none) %}
{%- set columns = columns or [column_name] %}
select
    {{ columns | join(", ") }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1 or {{ columns | join(" is null or ") }} is null
{% endtest %}


{#- A key with parts that may be missing: no two rows have the same values; nulls are values here. -#}
{% test unique_together(model, columns) %}
select
    {{ columns | join(", ") }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endtest %}


{#- The expression is true of every row; a row for which it is null fails. -#}
{% test always_true(model, expression) %}
select *
from {{ model }}
where not coalesce({{ expression }}, false)
{% endtest %}


{#- A figure of the publish gate is not above what is allowed. -#}
{% test allowed(model, figure) %}
select *
from {{ model }}
where
    figure = '{{ figure }}'
    and found > allowed
{% endtest %}
