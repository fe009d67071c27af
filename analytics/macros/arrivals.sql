{# The first arrival date that an incremental run looks at again, as a literal, so that engines skip older partitions.

   It is the newest date that this model has seen less `lookback_days`: records arrive in the order of Kafka's
   partitions, each of which the job drains at its own pace. How late an event is plays no part.
   `--vars 'first_arrival_date: 2026-11-01'` has a run look further back. #}
{% macro first_arrival_date(column) %}
    {% set wished = var('first_arrival_date', none) %}
    {% if wished %}{{ return("date '" ~ wished ~ "'") }}{% endif %}
    {% set seen = run_query("select max(" ~ column ~ ") from " ~ this).columns[0].values()[0] %}
    {% if seen is none %}{{ return("date '1970-01-01'") }}{% endif %}
    {% set newest = modules.datetime.date.fromisoformat((seen | string)[:10]) %}
    {{ return("date '" ~ (newest - modules.datetime.timedelta(days=var('lookback_days') | int)) ~ "'") }}
{% endmacro %}
