{# No two rows agree in all these columns. #}
{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test not_negative(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < 0
{% endtest %}

{# Every record of a batch has one outcome. #}
{% test records_balance(model) %}
select *
from {{ model }}
where records_in <> accepted_records + dead_records + duplicate_records
{% endtest %}
