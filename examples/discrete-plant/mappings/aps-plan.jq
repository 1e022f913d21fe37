# A plan of the scheduler counts whole days from its first one: each order is in a bucket of a day.
def on($day): ((.from + "T00:00:00Z") | fromdateiso8601) + $day * 86400 | todate | .[:10];
. as $plan
| {
    type: "lineshaft.plan.proposed.v1",
    subject: .plan,
    id: "plan-\(.request)",
    data: {
      request,
      site: .plan,
      horizon: { from: on(0), to: on($plan.days) },
      bucket_days: 1,
      orders: [.orders[] | . as $order | $plan | { production_order: $order.order, start: on($order.firstDay), end: on($order.lastDay) }]
    }
  }
