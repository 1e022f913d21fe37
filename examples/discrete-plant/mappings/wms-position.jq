. as $list
| .positions[]
| {
    type: "lineshaft.inventory.positioned.v1",
    subject: "\(.item)/\(.location)",
    id: "\(.item)/\(.location)@\(.change)",
    time: $list.at,
    revision: .change,
    data: { item, location, on_hand: qty(.on_hand; unit(.unit; "wms")), cause: $list.message }
  }
