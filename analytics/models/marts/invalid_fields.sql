{{ config(
    materialized='incremental', incremental_strategy='merge',
    unique_key=['dlq_date', 'failure_type', 'field', 'keyword']
) }}

with dead_letters as (

    select *
    from {{ ref('stg_dead_letters') }}
    {% if is_incremental() %}
    where dlq_date >= {{ first_arrival_date('dlq_date') }}
    {% endif %}

)

select
    dlq_date,
    failure_type,
    -- The empty path is the whole value.
    {{ without_positions("coalesce(element.path, '')") }} as field,
    element.keyword as keyword,
    count(*) as errors
from {{ per_element('dead_letters', 'failure_errors') }}
group by 1, 2, 3, 4
