# An OData purchase order to the canonical purchase-order.
def blank: if . == "" or . == null then null else . end;
.d as $o
| {
    key: $o.PurchaseOrder,
    revision: 1,
    recorded: ($o.LastChangeDateTime | odata_date),
    supplier: ($o.Supplier | strip_zeros),
    currency: $o.DocumentCurrency,
    company: $o.CompanyCode,
    created: ($o.CreationDate | odata_date),
    terms: {payment: $o.PaymentTerms, incoterms: ($o.IncotermsClassification | blank), place: ($o.IncotermsLocation1 | blank)},
    lines: [
      $o.to_PurchaseOrderItem.results[]
      | select(.PurchasingDocumentDeletionCode == "")
      | {
          line: (.PurchaseOrderItem | strip_zeros),
          item: .Material,
          description: .PurchaseOrderItemText,
          quantity: qty(.OrderQuantity; unit(.PurchaseOrderQuantityUnit; "erp")),
          price: {amount: dec_norm(.NetPriceAmount), currency: .DocumentCurrency, per: qty(.NetPriceQuantity; unit(.OrderPriceUnit; "erp"))},
          value: dec_round(dec_mul(.OrderQuantity; dec_div(.NetPriceAmount; .NetPriceQuantity; 6)); 2),
          site: .Plant,
          location: (.StorageLocation | blank),
          status: (if .IsCompletelyDelivered then "closed" else code("status"; .PurchasingItemStatus // "open") end),
          schedule: [
            .to_ScheduleLine.results[]
            | {number: (.ScheduleLine | strip_zeros), date: (.ScheduleLineDeliveryDate | odata_date), quantity: qty(.ScheduleLineOrderQuantity; unit(.PurchaseOrderQuantityUnit; "erp"))}
          ],
          extensions: {erp: {category: .PurchaseOrderItemCategory, taxCode: .TaxCode, info: (.PurchasingInfoRecord | blank)}}
        }
    ]
  }
