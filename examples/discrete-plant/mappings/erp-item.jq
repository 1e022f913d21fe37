.d
| {
    type: "lineshaft.item.changed.v1",
    subject: .Product,
    time: (.LastChangeDateTime | odata_date),
    data: {
      description: ([.to_Description.results[] | select(.Language == "EN") | .ProductDescription] | first),
      kind: (if .ProductType == "FERT" then "made" else "bought" end),
      unit: unit(.BaseUnit; "erp"),
      status: (if .IsMarkedForDeletion then "retired" else "active" end),
      valid_from: (.LastChangeDateTime | odata_date | .[:10]),
      extensions: { erp: { ProductType } }
    }
  }
