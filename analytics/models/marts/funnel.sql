{% set steps = ['view_item', 'add_to_cart', 'begin_checkout', 'purchase'] %}
{% set counts = {
    'view_item': 'item_views', 'add_to_cart': 'cart_additions', 'begin_checkout': 'checkouts', 'purchase': 'purchases'
} %}

with reached as (

    {% for step in steps %}
    select
        started_date,
        {{ loop.index }} as step_number,
        '{{ step }}' as step,
        count(*) filter (where {{ counts[step] }} > 0) as sessions
    from {{ ref('sessions') }}
    group by started_date
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    started_date,
    step_number,
    step,
    sessions,
    cast(sessions as double) / nullif(
        lag(sessions) over (partition by started_date order by step_number), 0
    ) as share_of_step_before
from reached
