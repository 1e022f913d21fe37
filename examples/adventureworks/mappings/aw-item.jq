# A row of Product.
{
  type: "lineshaft.item.changed.v1",
  subject: .ProductID,
  time: datetime(.ModifiedDate; "%Y-%m-%d %H:%M:%S%.f"; "America/Los_Angeles"),
  data: ({
    item: .ProductID,
    name: .Name,
    number: .ProductNumber,
    made: (.MakeFlag == "1"),
    sold: (.FinishedGoodsFlag == "1"),
    safety_stock: qty(.SafetyStockLevel; "C62"),
    reorder_point: qty(.ReorderPoint; "C62"),
    standard_cost: { amount: dec_norm(.StandardCost), currency: "USD" },
    list_price: { amount: dec_norm(.ListPrice), currency: "USD" },
    lead_time_days: .DaysToManufacture,
    valid_from: (.SellStartDate | .[0:10])
  }
  + (if .SellEndDate then { valid_to: (.SellEndDate | .[0:10]) } else {} end)
  + (if .Weight and .WeightUnitMeasureCode then { weight: qty(dec_norm(.Weight); unit(.WeightUnitMeasureCode; "adventureworks")) } else {} end)
  + (if .Color then { colour: .Color } else {} end))
}
