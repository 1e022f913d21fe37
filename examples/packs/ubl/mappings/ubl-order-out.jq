# A purchase order as Order of Peppol BIS Ordering 3 (UBL 2.1).
def party($id): { Party: { PartyIdentification: [{ ID: $id }], PartyName: [{ Name: $id }] } };
. as $event
| .data
| {
    Order: {
      CustomizationID: "urn:fdc:peppol.eu:poacc:trns:order:3",
      ProfileID: "urn:fdc:peppol.eu:poacc:bis:ordering:3",
      ID: $event.subject,
      IssueDate: .ordered,
      IssueTime: $event.time[11:],
      DocumentCurrencyCode: .currency,
      BuyerCustomerParty: party("LINESHAFT"),
      SellerSupplierParty: party(.supplier),
      OrderLine: [
        .lines[]
        | code_back("units-ubl"; .quantity.unit) as $unit
        | {
            LineItem: {
              ID: .line,
              Quantity: { "@unitCode": $unit, "#text": .quantity.value },
              Delivery: [
                .schedule_lines[]
                | {
                    Quantity: { "@unitCode": $unit, "#text": .quantity.value },
                    RequestedDeliveryPeriod: (if .date == null then null else { StartDate: .date, EndDate: .date } end)
                  }
              ],
              Price: {
                PriceAmount: { "@currencyID": .price.currency, "#text": .price.amount },
                BaseQuantity: (if .price_per == null then null else { "@unitCode": code_back("units-ubl"; .price_per.unit), "#text": .price_per.value } end)
              },
              Item: { Name: (.description // .item), BuyersItemIdentification: { ID: .item } }
            }
          }
      ]
    }
  }
