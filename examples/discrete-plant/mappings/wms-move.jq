# A move changes one place or two. What was moved has no revision: it is a fact of its own, true in any order. The positions
# have one, and only the newest counts.
. as $move
| unit(.unit; "wms") as $unit
| {
    type: "lineshaft.inventory.moved.v1",
    subject: "\(.item)/\((.from // .to).location)",
    id: .move,
    time: .at,
    data: {
      move: .move,
      kind: .kind,
      item: .item,
      quantity: qty(.quantity; $unit),
      from: (if .from then .from.location else null end),
      to: (if .to then .to.location else null end),
      production_order: .order
    }
  },
  (
    (.from, .to)
    | select(. != null)
    | {
        type: "lineshaft.inventory.positioned.v1",
        subject: "\($move.item)/\(.location)",
        id: "\($move.item)/\(.location)@\(.change)",
        time: $move.at,
        revision: .change,
        data: { item: $move.item, location: .location, on_hand: qty(.on_hand; $unit), cause: $move.move }
      }
  )
