# MaterialLot, by itself, in a message or in MaterialInformation: what lies where. A lot without a quantity says nothing of stock.
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
| ([.Quantity | list] | first) as $quantity
| select($quantity != null)
| ((.MaterialDefinitionID | text) // ($message.DataArea.MaterialInformation | list | .ID | text)) as $item
| (.StorageLocation | if type == "object" then (.Location | if type == "object" then (.LocationID // .["#text"]) else . end | text) // (.EquipmentID | text) else . end) as $place
| (($message.ApplicationArea.CreationDateTime | text) // $now) as $time
| {
    type: "lineshaft.inventory.positioned.v1",
    id: "b2mml-lot-\(.ID | text)-\($time)",
    subject: "\($item)/\($place)/\(.ID | text)",
    time: $time,
    data: {
      item: $item,
      location: ($place // "unknown"),
      lot: (.ID | text),
      on_hand: qty($quantity.QuantityString | text; unit(($quantity.UnitOfMeasure | text | blank_to_null) // default_unit; "b2mml")),
      extensions: { b2mml: { Status: (.Status | text) } }
    }
  }
