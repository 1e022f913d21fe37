# Order: a buyer's order, whole. Lines that name no date are wanted on the day of the order's own delivery.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
def party: [.Party.PartyIdentification[]?.ID, .Party.EndpointID, .CustomerAssignedAccountID, .Party.PartyName[]?.Name | text | select(. != null)] | first;
def zone: "UTC"; # of the sender, where a document has a time without an offset
def moment: "\(.IssueDate | text)T\((.IssueTime | text) // "00:00:00")" | if test("(Z|[+-][0-9:]{5})$") then . else datetime(.; "%Y-%m-%dT%H:%M:%S"; zone) end;
def wanted: .RequestedDeliveryPeriod | (.EndDate // .StartDate) | text;
def number: .Item | (.BuyersItemIdentification.ID // .SellersItemIdentification.ID // .StandardItemIdentification.ID // .Name) | text;
.Order
| . as $order
| (.ID | text) as $number
| ([.Delivery[]? | wanted | select(. != null)] | first) as $day
| ((.DocumentCurrencyCode | text) // .OrderLine[0].LineItem.Price.PriceAmount["@currencyID"]) as $currency
| {
    type: "lineshaft.purchase-order.released.v1",
    id: "ubl-order-\(.BuyerCustomerParty | party // "")-\($number)-\(.IssueDate | text)",
    subject: $number,
    time: moment,
    data: {
      supplier: (.SellerSupplierParty | party),
      currency: $currency,
      ordered: (.IssueDate | text),
      status: "open",
      lines: [
        .OrderLine[].LineItem
        | . as $line
        | unit(.Quantity["@unitCode"]? // default_unit; "ubl") as $unit
        | {
            line: (.ID | text),
            item: number,
            description: (.Item | (.Name // .Description[0]) | text),
            quantity: qty(.Quantity | text; $unit),
            price: (.Price.PriceAmount | { amount: text, currency: (.["@currencyID"]? // $currency) }),
            price_per: (.Price.BaseQuantity | if . == null then qty("1"; $unit) else qty(text; unit(.["@unitCode"]? // $unit; "ubl")) end),
            status: "open",
            schedule_lines: (
              [.Delivery[]? | { quantity: qty((.Quantity // $line.Quantity) | text; $unit), date: (wanted // $day) }] as $deliveries
              | if ($deliveries | length) > 0 then $deliveries else [{ quantity: qty(.Quantity | text; $unit), date: $day }] end
            )
          }
      ],
      extensions: { ubl: { CustomizationID: (.CustomizationID | text), ProfileID: (.ProfileID | text) } }
    }
  }
