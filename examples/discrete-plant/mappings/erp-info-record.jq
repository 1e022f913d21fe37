# A purchasing info record: on what terms a supplier delivers a part to a plant.
.d
| . as $record
| unit(.BaseUnit; "erp") as $unit
| .to_PurgInfoRecdOrgPlantData.results[]
| {
    type: "lineshaft.source-of-supply.changed.v1",
    subject: $record.PurchasingInfoRecord,
    time: ($record.LastChangeDateTime | odata_date),
    data: {
      item: $record.Material,
      site: .Plant,
      supplier: ($record.Supplier | strip_zeros),
      lead_time_days: (.MaterialPlannedDeliveryDurn | tonumber),
      minimum: qty(.MinimumPurchaseOrderQuantity; $unit),
      price: { amount: .NetPriceAmount, currency: .Currency },
      status: (if $record.IsDeleted then "retired" else "active" end)
    }
  }
