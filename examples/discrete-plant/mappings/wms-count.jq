# A row of a count sheet. The terminals print the plant's wall clock without an offset.
datetime(.counted_at; "%d.%m.%Y %H:%M:%S"; "Europe/Berlin") as $counted
| unit(.unit; "wms") as $unit
| "\(.sheet)-\(.line)" as $count
| {
    type: "lineshaft.inventory.counted.v1",
    subject: "\(.item)/\(.location)",
    id: $count,
    time: $counted,
    data: {
      count: $count,
      item: .item,
      location: .location,
      book: qty(.book_qty; $unit),
      counted: qty(.counted_qty; $unit),
      delta: qty(dec_norm(dec_sub(.counted_qty; .book_qty)); $unit),
      reason: "cycle-count"
    }
  },
  {
    type: "lineshaft.inventory.positioned.v1",
    subject: "\(.item)/\(.location)",
    id: "\(.item)/\(.location)@\(.change)",
    time: $counted,
    revision: (.change | tonumber),
    priority: "high",
    data: { item, location, on_hand: qty(.counted_qty; $unit), cause: $count }
  }
