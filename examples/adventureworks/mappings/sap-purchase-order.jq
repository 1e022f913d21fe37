# A_PurchaseOrder, with its items when they were expanded.
.DocumentCurrency as $currency
| {
    type: "lineshaft.purchase-order.changed.v1",
    subject: .PurchaseOrder,
    data: ({
      purchase_order: .PurchaseOrder,
      status: code("order-status-sap"; .PurchasingProcessingStatus),
      supplier: .Supplier,
      currency: $currency,
      ordered_on: (.PurchaseOrderDate | odata_date | .[0:10]),
      extensions: { sap: { type: .PurchaseOrderType, company: .CompanyCode, status: .PurchasingProcessingStatus } }
    }
    + (if .to_PurchaseOrderItem.results then {
        lines: [
          .to_PurchaseOrderItem.results[]
          | {
              line: .PurchaseOrderItem,
              item: .Material,
              site: .Plant,
              quantity: qty(.OrderQuantity; unit(.PurchaseOrderQuantityUnit; "sap")),
              price: { amount: .NetPriceAmount, currency: $currency },
              price_per: .NetPriceQuantity,
              status: (if .IsCompletelyDelivered then "closed" else "open" end)
            }
        ]
      } else {} end))
  }
