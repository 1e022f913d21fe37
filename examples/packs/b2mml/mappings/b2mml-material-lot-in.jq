# MaterialLot and its sublots, in a message, in MaterialInformation or alone: what lies where. One without a quantity says nothing of stock.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
def list: if type == "array" then .[] elif . == null then empty else . end;
(.SyncMaterialLot // .SyncMaterialInformation // .ProcessMaterialLot // {}) as $message
| [
    ($message.DataArea | .MaterialLot?, (.MaterialInformation? | list | .MaterialLot) | list),
    (.MaterialInformation.MaterialLot | list), (.MaterialLot | list)
    | select(. != null)
  ]
| .[]
| . as $lot
| ., (.MaterialSubLot | list)
| (if .ID == $lot.ID then .ID | text else "\($lot.ID | text)/\(.ID | text)" end) as $id
| ([.Quantity | list] | first) as $quantity
| select($quantity != null)
| (($lot.MaterialDefinitionID | text) // ($message.DataArea.MaterialInformation | list | .ID | text)) as $item
| (.StorageLocation // $lot.StorageLocation | if type == "object" then (.Location | if type == "object" then (.LocationID // .["#text"]) else . end | text) // (.EquipmentID | text) else . end) as $place
| (($message.ApplicationArea.CreationDateTime | text) // $now) as $time
| {
    type: "lineshaft.inventory.positioned.v1",
    id: "b2mml-lot-\($id)-\($time)",
    subject: "\($item)/\($place // "unknown")/\($id)",
    time: $time,
    data: {
      item: $item,
      location: ($place // "unknown"),
      lot: $id,
      on_hand: qty($quantity.QuantityString | text; unit(($quantity.UnitOfMeasure | text | blank_to_null) // default_unit; "b2mml")),
      extensions: { b2mml: { Status: (.Status | text) } }
    }
  }
