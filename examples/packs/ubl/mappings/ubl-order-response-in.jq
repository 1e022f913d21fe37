# OrderResponse: what a supplier says of each line. An answer to the whole order without its lines is refused, because nobody could tell which there are.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
def party: [.Party.PartyIdentification[]?.ID, .Party.EndpointID, .CustomerAssignedAccountID, .Party.PartyName[]?.Name | text | select(. != null)] | first;
def zone: "UTC"; # of the sender, where a document has a time without an offset
def moment: "\(.IssueDate | text)T\((.IssueTime | text) // "00:00:00")" | if test("(Z|[+-][0-9:]{5})$") then . else datetime(.; "%Y-%m-%dT%H:%M:%S"; zone) end;
def number: .Item | (.BuyersItemIdentification.ID // .SellersItemIdentification.ID // .StandardItemIdentification.ID // .Name // .Description[0]) | text;
def promised: .PromisedDeliveryPeriod | (.EndDate // .StartDate) | text;
.OrderResponse
| . as $answer
| (.ID | text) as $confirmation
| (.OrderReference[0].ID | text) as $order
| moment as $time
| (.SellerSupplierParty | party) as $supplier
| if .OrderLine == null then error({ code: "confirmation-without-lines", message: "the response to \($order) names no lines" }) else . end
| .OrderLine[]
| ([.OrderLineReference[]?.LineID | text] | first // null) as $ordered
| (.Note[0] | text) as $note
| .LineItem
| ($ordered // (.ID | text)) as $line
| code("line-status"; .LineStatusCode | text) as $state
| unit(.Quantity["@unitCode"]? // default_unit; "ubl") as $unit
| (.MaximumBackorderQuantity | text) as $open
| (if $open == null then false else dec_cmp($open; "0") > 0 end) as $has_open
| (if $state == "changed" and $has_open then "partial" else $state end) as $status
| (
    [.Delivery[]? | { quantity: qty(.Quantity | text; $unit), date: promised, status: "confirmed" } | select(.quantity != null)] as $dated
    | if $state == "rejected" then [{ quantity: (qty(.Quantity | text; $unit) // qty("0"; $unit)), date: null, status: "rejected" }]
      elif ($dated | length) > 0 then $dated
      elif .Quantity == null then []
      else [{ quantity: qty(.Quantity | text; $unit), date: ([.Delivery[]? | promised | select(. != null)] | first), status: "confirmed" }] end
  ) + (if $has_open then [{ quantity: qty($open; $unit), date: null, status: "backordered" }] else [] end) as $splits
| {
    type: "lineshaft.purchase-order.confirmed.v1",
    id: "ubl-response-\($supplier)-\($confirmation)-\($line)",
    subject: "\($order)/\($line)/\($confirmation)",
    time: $time,
    data: ({
      purchase_order: $order,
      line: $line,
      item: number,
      confirmation: $confirmation,
      supplier: $supplier,
      outcome: (if $status == "confirmed" or $status == "changed" then "full" else $status end),
      status: $status,
      # A line that is accepted as it was may leave its quantity out.
      splits: (if ($splits | length) > 0 then $splits else [{ quantity: qty("0"; $unit), date: null, status: (if $state == "rejected" then "rejected" else "confirmed" end) }] end),
      price: (.Price.PriceAmount | if . == null then null else { amount: text, currency: (.["@currencyID"]? // ($answer.DocumentCurrencyCode | text)) } end),
      reason: $note,
      extensions: { ubl: { OrderResponseCode: ($answer.OrderResponseCode | text), LineStatusCode: (.LineStatusCode | text) } }
    } | with_entries(select(.value != null)))
  }
