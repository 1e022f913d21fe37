# A row of ProductInventory: what lies where, absolute.
{
  type: "lineshaft.inventory.positioned.v1",
  subject: "\(.ProductID)/\(.LocationID)",
  time: datetime(.ModifiedDate; "%Y-%m-%d %H:%M:%S%.f"; "America/Los_Angeles"),
  data: {
    item: .ProductID,
    location: .LocationID,
    shelf: .Shelf,
    bin: .Bin,
    on_hand: qty(.Quantity; "C62")
  }
}
