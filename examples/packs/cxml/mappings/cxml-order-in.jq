# OrderRequest: a buyer's order, whole.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
.cXML as $envelope
| $envelope.Request.OrderRequest
| .OrderRequestHeader as $head
| ($head.Total.Money["@currency"] // .ItemOut[0].ItemDetail.UnitPrice.Money["@currency"]) as $currency
| {
    type: ({ update: "lineshaft.purchase-order.changed.v1", delete: "lineshaft.purchase-order.cancelled.v1" }[$head["@type"] // "new"]
      // "lineshaft.purchase-order.released.v1"),
    id: $envelope["@payloadID"],
    subject: $head["@orderID"],
    time: ($envelope["@timestamp"] // $head["@orderDate"]),
    data: {
      supplier: ($envelope.Header.To.Credential[0].Identity | text),
      currency: $currency,
      ordered: $head["@orderDate"][:10],
      status: (if $head["@type"] == "delete" then "cancelled" else "open" end),
      lines: [
        .ItemOut[]
        | unit(.ItemDetail.UnitOfMeasure // default_unit; "cxml") as $unit
        | {
            line: .["@lineNumber"],
            item: (.ItemID.BuyerPartID // .ItemID.SupplierPartID | text),
            description: ([.ItemDetail.Description[]? | text] | first),
            quantity: qty(.["@quantity"]; $unit),
            price: { amount: (.ItemDetail.UnitPrice.Money | text), currency: (.ItemDetail.UnitPrice.Money["@currency"]? // $currency) },
            price_per: (
              .ItemDetail.PriceBasisQuantity
              | if . == null then qty("1"; $unit) else qty(.["@quantity"]; unit(.UnitOfMeasure // default_unit; "cxml")) end
            ),
            status: "open",
            schedule_lines: (
              [.ScheduleLine[]? | { quantity: qty(.["@quantity"]; $unit), date: .["@requestedDeliveryDate"][:10] }] as $scheduled
              | if ($scheduled | length) > 0 then $scheduled
                else [{ quantity: qty(.["@quantity"]; $unit), date: (.["@requestedDeliveryDate"] // $head["@requestedDeliveryDate"] | if . == null then null else .[:10] end) }]
                end
            ),
            extensions: { cxml: { SupplierPartID: (.ItemID.SupplierPartID | text) } }
          }
      ],
      extensions: { cxml: { payloadID: $envelope["@payloadID"], from: ($envelope.Header.From.Credential[0].Identity | text) } }
    }
  }
