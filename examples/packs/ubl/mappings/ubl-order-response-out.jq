# A supplier's confirmation of one line as OrderResponse of Peppol BIS Ordering 3 (UBL 2.1).
def party($id): { Party: { PartyIdentification: [{ ID: $id }], PartyName: [{ Name: $id }] } };
. as $event
| .data
| code_back("units-ubl"; .splits[0].quantity.unit) as $unit
| ([.splits[] | select(.status == "confirmed")]) as $confirmed
| ([.splits[] | select(.status == "backordered")] | first) as $open
| {
    OrderResponse: {
      CustomizationID: "urn:fdc:peppol.eu:poacc:trns:order_response:3",
      ProfileID: "urn:fdc:peppol.eu:poacc:bis:ordering:3",
      ID: .confirmation,
      IssueDate: $event.time[:10],
      IssueTime: $event.time[11:],
      OrderResponseCode: (if .status == "confirmed" then "AP" elif .status == "rejected" then "RE" else "CA" end),
      DocumentCurrencyCode: .price.currency,
      OrderReference: [{ ID: .purchase_order }],
      SellerSupplierParty: party(.supplier),
      BuyerCustomerParty: party("LINESHAFT"),
      OrderLine: [
        {
          Note: (if .reason == null then null else [.reason] end),
          LineItem: {
            ID: .line,
            LineStatusCode: (if .status == "confirmed" then "5" elif .status == "rejected" then "7" else "3" end),
            Quantity: { "@unitCode": $unit, "#text": dec_sum([(if ($confirmed | length) > 0 then $confirmed else .splits end)[].quantity.value]) },
            MaximumBackorderQuantity: (if $open == null then null else { "@unitCode": $unit, "#text": $open.quantity.value } end),
            Delivery: [
              $confirmed[]
              | {
                  Quantity: { "@unitCode": $unit, "#text": .quantity.value },
                  PromisedDeliveryPeriod: (if .date == null then null else { StartDate: .date, EndDate: .date } end)
                }
            ],
            Price: (if .price == null then null else { PriceAmount: { "@currencyID": .price.currency, "#text": .price.amount } } end),
            Item: { Name: .item, BuyersItemIdentification: { ID: .item } }
          },
          OrderLineReference: [{ LineID: .line }]
        }
      ]
    }
  }
