# The scheduler counts minutes from its first day's midnight and knows neither material nor suppliers: an order is free when its
# material is there. The request counts from now, as the plant's clocks show it.
def digits: ltrimstr("0") | tonumber;
(.data.horizon.from | (.[11:13] | digits) * 60 + (.[14:16] | digits)) as $since_midnight
| def minute: if . == null then null else [. + $since_midnight, 0] | max end;
{
  request: .data.request,
  from: .data.horizon.from[:10],
  days: 14,
  orders: [.data.orders[] | { order, release: (.release_minute | minute), due: (.due_minute | minute), minutes }]
}
