-- From sessions and orders, not from events: small enough to be built anew, and a session that turns out to be
-- another customer's needs no correction.
with visits as (

    select
        customer_id,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        count(*) as sessions,
        {{ newest('country', "cast(" ~ dbt.date_trunc('second', 'ended_at') ~ " as varchar) || session_key") }} as country
    from {{ ref('sessions') }}
    where customer_id is not null
    group by customer_id

),

numbered as (

    select
        *,
        first_value(currency) over (
            partition by customer_id order by purchased_at, order_id
        ) as first_currency
    from {{ ref('orders') }}
    where customer_id is not null

),

purchases as (

    select
        customer_id,
        first_currency as currency,
        count(*) as orders,
        count(*) filter (where currency <> first_currency) as orders_in_other_currencies,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at,
        sum(order_value) filter (where currency = first_currency) as revenue,
        sum(net_value) filter (where currency = first_currency) as net_revenue
    from numbered
    group by customer_id, first_currency

)

select
    coalesce(visits.customer_id, purchases.customer_id) as customer_id,
    coalesce(visits.first_seen_at, purchases.first_purchased_at) as first_seen_at,
    coalesce(visits.last_seen_at, purchases.last_purchased_at) as last_seen_at,
    coalesce(visits.sessions, 0) as sessions,
    visits.country,
    coalesce(purchases.orders, 0) as orders,
    coalesce(purchases.orders_in_other_currencies, 0) as orders_in_other_currencies,
    purchases.first_purchased_at,
    purchases.last_purchased_at,
    purchases.currency,
    coalesce(purchases.revenue, 0) as revenue,
    coalesce(purchases.net_revenue, 0) as net_revenue,
    case
        when purchases.orders is null then 'no_order'
        when purchases.orders = 1 then 'one_order'
        else 'several_orders'
    end as order_history
from visits
-- Who ordered and then went on as somebody else has an order and no session.
full outer join purchases on visits.customer_id = purchases.customer_id
