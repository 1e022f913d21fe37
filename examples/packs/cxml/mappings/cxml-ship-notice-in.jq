# ShipNoticeRequest: a supplier has shipped.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
.cXML as $envelope
| $envelope.Request.ShipNoticeRequest
| .ShipNoticeHeader as $head
| {
    type: "lineshaft.shipment.notified.v1",
    id: $envelope["@payloadID"],
    subject: $head["@shipmentID"],
    time: ($head["@noticeDate"] // $envelope["@timestamp"]),
    data: {
      supplier: ($envelope.Header.From.Credential[0].Identity | text),
      shipped: $head["@shipmentDate"],
      expected: ($head["@deliveryDate"] // $head["@shipmentDate"]),
      carrier: ([.ShipControl[]?.CarrierIdentifier[]? | text] | first),
      lines: [
        .ShipNoticePortion[]
        | (.OrderReference["@orderID"] // .OrderIDInfo["@orderID"]) as $order
        | .ShipNoticeItem[]?
        | {
            purchase_order: $order,
            line: .["@lineNumber"],
            item: (.ItemID.BuyerPartID // .ItemID.SupplierPartID | text),
            quantity: qty(.["@quantity"]; unit(.UnitOfMeasure // default_unit; "cxml")),
            lot: (.Batch[0].SupplierBatchID // .SupplierBatchID | text),
            sscc: ([.Packaging[]?.ShippingContainerSerialCode | text | select(. != null)] | first)
          }
        | with_entries(select(.value != null))
      ],
      extensions: { cxml: { payloadID: $envelope["@payloadID"] } }
    }
    | with_entries(select(.value != null))
  }
