{# Where DuckDB and Athena say the same thing in different words, and dbt has no macro of its own for it. #}

{# An instant as a timestamp without a zone, in UTC. #}
{% macro utc(instant) %}{{ return(adapter.dispatch('utc', 'shop')(instant)) }}{% endmacro %}
{% macro duckdb__utc(instant) %}cast({{ instant }} at time zone 'UTC' as timestamp){% endmacro %}
{# Six digits: Iceberg takes no other timestamp. #}
{% macro athena__utc(instant) %}cast({{ instant }} as timestamp(6)){% endmacro %}

{% macro array_size(array) %}{{ return(adapter.dispatch('array_size', 'shop')(array)) }}{% endmacro %}
{% macro duckdb__array_size(array) %}coalesce(len({{ array }}), 0){% endmacro %}
{% macro athena__array_size(array) %}coalesce(cardinality({{ array }}), 0){% endmacro %}

{# The last value that is not null, by an order without ties. DuckDB passes over nulls by itself, Athena does not. #}
{% macro newest(column, order) %}max_by({{ column }}, {{ order }}) filter (where {{ column }} is not null){% endmacro %}

{# Seconds of all phases of a batch: the sum of a map's values. #}
{% macro sum_of_values(map) %}{{ return(adapter.dispatch('sum_of_values', 'shop')(map)) }}{% endmacro %}
{% macro duckdb__sum_of_values(map) %}coalesce(list_sum(map_values({{ map }})), 0){% endmacro %}
{% macro athena__sum_of_values(map) -%}
    coalesce(reduce(map_values({{ map }}), cast(0 as double), (total, each) -> total + each, total -> total), 0)
{%- endmacro %}

{# `items[3].price` and `items[0].price` are the same field: `items[].price`. #}
{% macro without_positions(path) %}{{ return(adapter.dispatch('without_positions', 'shop')(path)) }}{% endmacro %}
{% macro duckdb__without_positions(path) %}regexp_replace({{ path }}, '\[[0-9]+\]', '[]', 'g'){% endmacro %}
{% macro athena__without_positions(path) %}regexp_replace({{ path }}, '\[[0-9]+\]', '[]'){% endmacro %}

{# A `from` item: the rows of `relation`, once per element of `array`, as `element` at `position` (from 1). #}
{% macro per_element(relation, array) %}{{ return(adapter.dispatch('per_element', 'shop')(relation, array)) }}{% endmacro %}
{% macro duckdb__per_element(relation, array) -%}
    (
        select *, unnest({{ array }}) as element, generate_subscripts({{ array }}, 1) as position
        from {{ relation }}
    ) as elements
{%- endmacro %}
{# Unnested themselves, rows would fall apart into their fields. A sequence from 1 to 0 has two numbers. #}
{% macro athena__per_element(relation, array) -%}
    (
        select *, {{ array }}[position] as element
        from {{ relation }}
        cross join unnest(
            if(cardinality({{ array }}) > 0, sequence(1, cardinality({{ array }})))
        ) as positions (position)
    ) as elements
{%- endmacro %}
