# A purchase order as OrderRequest. Identities and the shared secret are those agreed with the network.
def credential($identity): { Credential: [{ "@domain": "NetworkId", Identity: $identity }] };
. as $event
| .data
| {
    cXML: {
      "@payloadID": "\($event.id)@lineshaft",
      "@timestamp": $event.time,
      "@lang": "en",
      Header: { From: credential("LINESHAFT"), To: credential(.supplier), Sender: (credential("LINESHAFT") + { UserAgent: "Lineshaft" }) },
      Request: {
        OrderRequest: {
          OrderRequestHeader: {
            "@orderID": $event.subject,
            "@orderDate": "\(.ordered)T00:00:00+00:00",
            "@type": (if .status == "cancelled" then "delete" elif $event.type == "lineshaft.purchase-order.released.v1" then "new" else "update" end),
            Total: {
              Money: {
                "@currency": .currency,
                "#text": (dec_sum([.lines[] | dec_div(dec_mul(.quantity.value; .price.amount); (.price_per.value // "1"); 2)]))
              }
            }
          },
          ItemOut: [
            .lines[]
            | code_back("units-cxml"; .quantity.unit) as $unit
            | {
                "@quantity": .quantity.value,
                "@lineNumber": .line,
                ItemID: { SupplierPartID: (.extensions.cxml.SupplierPartID // .item), BuyerPartID: .item },
                ItemDetail: {
                  UnitPrice: { Money: { "@currency": .price.currency, "#text": .price.amount } },
                  Description: [{ "@lang": "en", "#text": (.description // .item) }],
                  UnitOfMeasure: $unit,
                  PriceBasisQuantity: (
                    if .price_per == null then null
                    else { "@quantity": .price_per.value, "@conversionFactor": "1", UnitOfMeasure: code_back("units-cxml"; .price_per.unit) } end
                  ),
                  Classification: [{ "@domain": "custom", "#text": "0" }]
                },
                ScheduleLine: [
                  .schedule_lines[]
                  | { "@quantity": .quantity.value, "@requestedDeliveryDate": "\(.date)T00:00:00+00:00", UnitOfMeasure: $unit }
                ]
              }
          ]
        }
      }
    }
  }
