{#- No two rows have the same values in these columns; nulls are values here. -#}
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
