# A shipment as ShipNoticeRequest: a portion for each order.
def credential($identity): { Credential: [{ "@domain": "NetworkId", Identity: $identity }] };
. as $event
| .data
| {
    cXML: {
      "@payloadID": "\($event.id)@lineshaft",
      "@timestamp": $event.time,
      "@lang": "en",
      Header: { From: credential(.supplier), To: credential("LINESHAFT"), Sender: (credential(.supplier) + { UserAgent: "Lineshaft" }) },
      Request: {
        ShipNoticeRequest: {
          ShipNoticeHeader: {
            "@shipmentID": $event.subject,
            "@noticeDate": $event.time,
            "@shipmentDate": .shipped,
            "@deliveryDate": .expected
          },
          ShipControl: [
            .carrier
            | select(. != null)
            | { CarrierIdentifier: [{ "@domain": "companyName", "#text": . }], ShipmentIdentifier: [$event.subject] }
          ],
          ShipNoticePortion: [
            .lines
            | group_by(.purchase_order)[]
            | {
                OrderReference: { "@orderID": .[0].purchase_order, DocumentReference: { "@payloadID": "" } },
                ShipNoticeItem: [
                  .[]
                  | {
                      "@quantity": .quantity.value,
                      "@lineNumber": .line,
                      ItemID: { SupplierPartID: .item, BuyerPartID: .item },
                      UnitOfMeasure: code_back("units-cxml"; .quantity.unit),
                      Packaging: [.sscc | select(. != null) | { ShippingContainerSerialCode: . }],
                      Batch: [.lot | select(. != null) | { SupplierBatchID: . }]
                    }
                ]
              }
          ]
        }
      }
    }
  }
