# ConfirmationRequest: what a supplier says of each line. An answer to the whole order without its lines is refused, because nobody could tell which there are.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
.cXML as $envelope
| $envelope.Request.ConfirmationRequest
| .ConfirmationHeader as $head
| (.OrderReference["@orderID"] // .OrderIDInfo["@orderID"]) as $order
| ($head["@confirmID"] // $envelope["@payloadID"]) as $confirmation
| if .ConfirmationItem == null then error({ code: "confirmation-without-lines", message: "the confirmation of \($order) names no lines" }) else . end
| .ConfirmationItem[]
| . as $line
| unit(.UnitOfMeasure // default_unit; "cxml") as $unit
| [
    .ConfirmationStatus[]
    | code("confirmation-status"; .["@type"]) as $state
    | {
        state: $state,
        split: {
          quantity: qty(.["@quantity"]; unit(.UnitOfMeasure // $line.UnitOfMeasure // default_unit; "cxml")),
          date: (.["@deliveryDate"] | if . == null then null else .[:10] end),
          status: (if $state == "changed" then "confirmed" else $state end)
        },
        price: (.ItemIn.ItemDetail.UnitPrice // .UnitPrice | .Money?)
      }
  ] as $parts
| ([$parts[].state] | unique) as $states
| (if $states == ["rejected"] or $states == ["backordered"] then $states[0]
   elif any($states[]; . == "rejected" or . == "backordered") then "partial"
   elif $states == ["confirmed"] and ($parts | length) == 1 then "confirmed"
   else "changed" end) as $status
| ([$parts[].price | select(. != null)] | first) as $price
| {
    type: "lineshaft.purchase-order.confirmed.v1",
    id: "\($envelope["@payloadID"])/\($confirmation)/\(.["@lineNumber"])",
    subject: "\($order)/\(.["@lineNumber"])/\($confirmation)",
    time: ($envelope["@timestamp"] | sub("(?<sign>[+-])(?<h>[0-9]{2})(?<m>[0-9]{2})$"; "\(.sign)\(.h):\(.m)")),
    data: ({
      purchase_order: $order,
      line: .["@lineNumber"],
      item: ([.ConfirmationStatus[].ItemIn.ItemID | select(. != null) | .BuyerPartID // .SupplierPartID | text] | first),
      confirmation: $confirmation,
      supplier: ($envelope.Header.From.Credential[0].Identity | text),
      outcome: (if $status == "confirmed" or $status == "changed" then "full" else $status end),
      status: $status,
      splits: [$parts[].split],
      price: (if $price == null then null else { amount: ($price | text), currency: $price["@currency"] } end),
      reason: ([.ConfirmationStatus[].Comments | text | select(. != null)] | first),
      extensions: { cxml: { payloadID: $envelope["@payloadID"], type: $head["@type"] } }
    } | with_entries(select(.value != null)))
  }
