-- How many sessions go from view to cart to purchase? One row per step; a session counts for a step if it took all
-- steps up to it.
with sessions as (
    select
        anonymous_id,
        session_id,
        max(case when event_name = 'view_item' then 1 else 0 end) as viewed,
        max(case when event_name = 'add_to_cart' then 1 else 0 end) as added,
        max(case when event_name = 'purchase' then 1 else 0 end) as purchased
    from events
    group by anonymous_id, session_id
),

steps as (
    select 1 as step_number, 'view_item' as step, coalesce(sum(viewed), 0) as sessions
    from sessions
    union all
    select 2, 'add_to_cart', coalesce(sum(viewed * added), 0)
    from sessions
    union all
    select 3, 'purchase', coalesce(sum(viewed * added * purchased), 0)
    from sessions
)

select
    step,
    sessions,
    round(cast(sessions as double) / nullif(lag(sessions) over (order by step_number), 0), 4) as share_of_step_before,
    round(cast(sessions as double) / nullif(first_value(sessions) over (order by step_number), 0), 4) as share_of_views
from steps
order by step_number
