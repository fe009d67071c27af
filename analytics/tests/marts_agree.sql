-- Each mart sums up to what it was made of: an incremental model that forgot a late event would not.
with totals as (

    select
        'events in sessions' as claim,
        (select count(*) from {{ ref('stg_events') }}) as expected,
        (select sum(events) from {{ ref('sessions') }}) as found
    union all
    select
        'purchases in orders',
        (select count(*) from {{ ref('stg_events') }} where event_name = 'purchase'),
        (select sum(purchase_events) from {{ ref('orders') }})
    union all
    select
        'orders in revenue_per_minute',
        (select count(*) from {{ ref('orders') }}),
        (select sum(orders) from {{ ref('revenue_per_minute') }})
    union all
    select
        'views in products',
        (select count(*) from {{ ref('stg_event_items') }} where event_name = 'view_item'),
        (select sum(item_views) from {{ ref('products') }})
    union all
    select
        'dead letters in data_quality',
        (select count(*) from {{ ref('stg_dead_letters') }}),
        (select sum(dead_letters) from {{ ref('data_quality') }})

)

select *
from totals
where expected <> coalesce(found, 0)
