# A_Product.
{
  type: "lineshaft.item.changed.v1",
  subject: .Product,
  data: ({
    item: .Product,
    group: .ProductGroup,
    unit: unit(.BaseUnit; "sap"),
    valid_from: (.CreationDate | odata_date | .[0:10]),
    extensions: { sap: { type: .ProductType } }
  }
  + (if .to_Description.results then { name: ([.to_Description.results[] | select(.Language == "EN") | .ProductDescription] | first) } else {} end)
  + (if .NetWeight and .WeightUnit != "" then { weight: qty(.NetWeight; unit(.WeightUnit; "sap")) } else {} end))
}
