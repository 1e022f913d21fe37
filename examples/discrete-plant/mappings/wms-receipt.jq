# Each line of a receipt is an event, and so is the position of the place it went to.
. as $receipt
| .lines[]
| unit(.unit; "wms") as $unit
| {
    type: "lineshaft.goods.received.v1",
    subject: "\($receipt.receipt)-\(.line)",
    id: "\($receipt.receipt)-\(.line)",
    time: $receipt.at,
    data: {
      receipt: $receipt.receipt,
      line: "\(.line)",
      purchase_order: .order,
      order_line: .order_line,
      asn: $receipt.asn,
      item: .item,
      location: .location,
      lot: .lot,
      accepted: qty(.accepted; $unit),
      rejected: qty(.rejected; $unit)
    }
  },
  {
    type: "lineshaft.inventory.positioned.v1",
    subject: "\(.item)/\(.location)",
    id: "\(.item)/\(.location)@\(.change)",
    time: $receipt.at,
    revision: .change,
    data: { item, location, on_hand: qty(.on_hand; $unit), cause: $receipt.receipt }
  }
