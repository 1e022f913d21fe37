# The rows of one assembly. Rows without an assembly are the finished products themselves.
(if .ProductAssemblyID == "" then "finished-products" else .ProductAssemblyID end) as $assembly
| {
    type: "lineshaft.bill-of-material.changed.v1",
    subject: $assembly,
    data: {
      assembly: $assembly,
      components: [
        .rows[]
        | {
            line: .BillOfMaterialsID,
            item: .ComponentID,
            level: .BOMLevel,
            quantity: qty(dec_norm(.PerAssemblyQty); unit(.UnitMeasureCode; "adventureworks")),
            valid_from: (.StartDate | .[0:10]),
            valid_to: (if .EndDate == "" then null else (.EndDate | .[0:10]) end)
          }
      ]
    }
  }
