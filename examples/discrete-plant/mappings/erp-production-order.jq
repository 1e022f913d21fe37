# A production order of the ERP. Its status is spread over independent flags: the furthest one counts, and all are kept.
.d
| unit(.ProductionUnit; "erp") as $unit
| (if .OrderIsConfirmed then ["completed", "completed"]
   elif .OrderIsPartiallyConfirmed then ["running", "started"]
   elif .OrderIsReleased then ["released", "released"]
   else ["created", "created"] end) as [$status, $verb]
| {
    type: "lineshaft.production-order.\($verb).v1",
    subject: .ManufacturingOrder,
    time: (.LastChangeDateTime | odata_date),
    revision: (.YY1_Revision_ORD | tonumber),
    data: {
      item: .Material,
      site: .ProductionPlant,
      status: $status,
      quantity: qty(.TotalQuantity; $unit),
      start: (.MfgOrderScheduledStartDateTime | odata_date),
      end: (.MfgOrderScheduledEndDateTime | odata_date),
      priority: (.ManufacturingOrderImportance | tonumber),
      yield: qty(.MfgOrderConfirmedYieldQty; $unit),
      scrap: qty(.MfgOrderConfirmedScrapQty; $unit),
      components: [
        .to_ProductionOrderComponent.results[]
        | {
            component: .Material,
            location: .StorageBin,
            quantity: qty(.RequiredQuantity; unit(.BaseUnit; "erp"))
          }
      ],
      operations: [
        .to_ProductionOrderOperation.results[]
        | { operation: (.ManufacturingOrderOperation | strip_zeros), work_centre: .WorkCenter, description: .MfgOrderOperationText }
      ],
      extensions: { erp: { ManufacturingOrderType, OrderIsCreated, OrderIsReleased, OrderIsPartiallyConfirmed, OrderIsConfirmed } }
    }
  }
