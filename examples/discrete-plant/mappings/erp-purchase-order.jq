# A purchase order of the ERP, whole. Its first revision is released; later ones are changed, cancelled or closed.
def line:
  . as $item
  | {
      line: (.PurchaseOrderItem | strip_zeros),
      item: .Material,
      description: (.PurchaseOrderItemText | blank_to_null),
      site: .Plant,
      quantity: qty(.OrderQuantity; unit(.PurchaseOrderQuantityUnit; "erp")),
      price: { amount: .NetPriceAmount, currency: .DocumentCurrency },
      price_per: qty(.NetPriceQuantity; unit(.PurchaseOrderQuantityUnit; "erp")),
      status: (if .IsCompletelyDelivered then "closed" else "open" end),
      schedule_lines: [
        .to_ScheduleLine.results[]
        | {
            line: (.ScheduleLine | strip_zeros),
            quantity: qty(.ScheduleLineOrderQuantity; unit($item.PurchaseOrderQuantityUnit; "erp")),
            date: (.ScheduleLineDeliveryDate | odata_date | .[:10])
          }
      ]
    };

.d
| (.YY1_Revision_PDH | tonumber) as $revision
| [.to_PurchaseOrderItem.results[] | line] as $lines
| (if .PurchasingDocumentDeletionCode == "L" then "cancelled"
   elif all($lines[]; .status == "closed") then "closed"
   else "open" end) as $status
| {
    type: (if $status == "cancelled" then "lineshaft.purchase-order.cancelled.v1"
           elif $status == "closed" then "lineshaft.purchase-order.closed.v1"
           elif $revision == 1 then "lineshaft.purchase-order.released.v1"
           else "lineshaft.purchase-order.changed.v1" end),
    subject: .PurchaseOrder,
    time: (.LastChangeDateTime | odata_date),
    revision: $revision,
    data: ({
      supplier: (.Supplier | strip_zeros),
      currency: .DocumentCurrency,
      ordered: (.PurchaseOrderDate | odata_date | .[:10]),
      status: $status,
      lines: $lines,
      extensions: { erp: { PurchaseOrderType, CompanyCode, PurchasingOrganization, PurchasingGroup } }
    } + if $revision > 1 then { base_revision: ($revision - 1) } else {} end)
  }
