# A supplier's confirmation of one line as ConfirmationRequest.
def credential($identity): { Credential: [{ "@domain": "NetworkId", Identity: $identity }] };
. as $event
| .data as $data
| code_back("units-cxml"; $data.splits[0].quantity.unit) as $unit
| {
    cXML: {
      "@payloadID": "\($event.id)@lineshaft",
      "@timestamp": $event.time,
      "@lang": "en",
      Header: { From: credential($data.supplier), To: credential("LINESHAFT"), Sender: (credential($data.supplier) + { UserAgent: "Lineshaft" }) },
      Request: {
        ConfirmationRequest: {
          ConfirmationHeader: { "@type": "detail", "@noticeDate": $event.time, "@confirmID": $data.confirmation },
          OrderReference: { "@orderID": $data.purchase_order, DocumentReference: { "@payloadID": "" } },
          ConfirmationItem: [
            {
              "@quantity": dec_sum([$data.splits[].quantity.value]),
              "@lineNumber": $data.line,
              UnitOfMeasure: $unit,
              ConfirmationStatus: [
                $data.splits[]
                | {
                    "@type": (
                      if .status == "rejected" then "reject"
                      elif .status == "backordered" then "backordered"
                      elif $data.status == "changed" then "allDetail"
                      else "accept" end
                    ),
                    "@quantity": .quantity.value,
                    "@deliveryDate": (if .date == null then null else "\(.date)T00:00:00+00:00" end),
                    UnitOfMeasure: code_back("units-cxml"; .quantity.unit),
                    ItemIn: (
                      if $data.item == null then null
                      else {
                        "@quantity": .quantity.value,
                        ItemID: { SupplierPartID: $data.item, BuyerPartID: $data.item },
                        ItemDetail: (
                          if $data.price == null then null
                          else {
                            UnitPrice: { Money: { "@currency": $data.price.currency, "#text": $data.price.amount } },
                            Description: [{ "@lang": "en", "#text": $data.item }],
                            UnitOfMeasure: $unit,
                            Classification: [{ "@domain": "custom", "#text": "0" }]
                          } end
                        )
                      } end
                    ),
                    Comments: $data.reason
                  }
              ]
            }
          ]
        }
      }
    }
  }
