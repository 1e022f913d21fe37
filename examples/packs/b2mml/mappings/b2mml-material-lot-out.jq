# What lies where as SyncMaterialLot of B2MML V0700.
. as $event
| .data
| {
    SyncMaterialLot: {
      "@releaseID": "7.0",
      ApplicationArea: { Sender: { LogicalID: "LINESHAFT" }, CreationDateTime: $event.time, BODID: $event.id },
      DataArea: {
        Sync: "",
        MaterialLot: [
          {
            ID: (.lot // .item),
            MaterialDefinitionID: .item,
            StorageLocation: { Location: .location, LocationType: "Operational Location" },
            Quantity: [{ QuantityString: .on_hand.value, DataType: "decimal", UnitOfMeasure: code_back("units-b2mml"; .on_hand.unit) }]
          }
        ]
      }
    }
  }
