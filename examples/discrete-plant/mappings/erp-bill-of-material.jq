.d
| {
    type: "lineshaft.bill-of-material.changed.v1",
    subject: .BillOfMaterial,
    time: (.LastChangeDateTime | odata_date),
    data: {
      item: .Material,
      site: .Plant,
      usage: .BillOfMaterialVariantUsage,
      quantity: qty(.BOMHeaderQuantityInBaseUnit; unit(.BOMHeaderBaseUnit; "erp")),
      valid_from: (.LastChangeDateTime | odata_date | .[:10]),
      components: [
        .to_BillOfMaterialItem.results[]
        | {
            line: (.BillOfMaterialItemNumber | strip_zeros),
            component: .BillOfMaterialComponent,
            quantity: qty(.BillOfMaterialItemQuantity; unit(.BillOfMaterialItemUnit; "erp"))
          }
      ]
    }
  }
