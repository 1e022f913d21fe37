# The rows of PurchaseOrderDetail of one order. An order with a row missing is refused, not sent short.
if .refused_rows then error({ code: "order-incomplete", message: "\(.refused_rows) rows of the order could not be read" }) else . end
| {
    type: "lineshaft.purchase-order.changed.v1",
    subject: .PurchaseOrderID,
    data: {
      lines: [
        .rows[]
        | {
            line: .PurchaseOrderDetailID,
            item: .ProductID,
            quantity: qty(.OrderQty; "C62"),
            due_on: (.DueDate | .[0:10]),
            price: { amount: dec_norm(.UnitPrice), currency: "USD" },
            total: { amount: dec_norm(.LineTotal), currency: "USD" },
            received: qty(dec_norm(.ReceivedQty); "C62"),
            rejected: qty(dec_norm(.RejectedQty); "C62")
          }
      ]
    }
  }
