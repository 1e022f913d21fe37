# DespatchAdvice: a supplier has shipped.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
def party: [.Party.PartyIdentification[]?.ID, .Party.EndpointID, .CustomerAssignedAccountID, .Party.PartyName[]?.Name | text | select(. != null)] | first;
def zone: "UTC"; # of the sender, where a document has a time without an offset
def at($day; $clock):
  if $day == null then null
  else "\($day)T\($clock // "00:00:00")" | if test("(Z|[+-][0-9:]{5})$") then . else datetime(.; "%Y-%m-%dT%H:%M:%S"; zone) end end;
.DespatchAdvice
| (.ID | text) as $number
| (.OrderReference[0].ID | text) as $order
| (.Shipment | [.Delivery | .EstimatedDeliveryPeriod, .RequestedDeliveryPeriod | select(. != null)] | first) as $arrives
| (.Shipment.Delivery.Despatch) as $left
| ([.Shipment.TransportHandlingUnit[]? | (.ID | text) as $sscc | .HandlingUnitDespatchLine[]? | { key: (.ID | text), value: $sscc }] | from_entries) as $packed
| at(.IssueDate | text; .IssueTime | text) as $time
| {
    type: "lineshaft.shipment.notified.v1",
    id: "ubl-despatch-\(.DespatchSupplierParty | party // "")-\($number)",
    subject: $number,
    time: $time,
    data: {
      supplier: (.SellerSupplierParty // .DespatchSupplierParty | party),
      shipped: at($left.ActualDespatchDate | text; $left.ActualDespatchTime | text),
      expected: (at($arrives | (.EndDate // .StartDate) | text; $arrives | (.EndTime // .StartTime) | text) // $time),
      carrier: ([.Shipment.Consignment[]?.CarrierParty | select(. != null) | .PartyIdentification[0].ID // .PartyName[0].Name | text] | first),
      lines: [
        .DespatchLine[]
        | .OrderLineReference[0] as $ordered
        | (.ID | text) as $id
        | {
            purchase_order: ($ordered.OrderReference.ID | text // $order),
            line: ($ordered.LineID | text // $id),
            item: (.Item | (.BuyersItemIdentification.ID // .SellersItemIdentification.ID // .StandardItemIdentification.ID // .Name) | text),
            quantity: qty(.DeliveredQuantity | text; unit(.DeliveredQuantity["@unitCode"]? // default_unit; "ubl")),
            lot: (.Item.ItemInstance[0]?.LotIdentification.LotNumberID | text),
            sscc: $packed[$id]
          }
        | with_entries(select(.value != null))
      ],
      extensions: { ubl: { CustomizationID: (.CustomizationID | text) } }
    }
    | with_entries(select(.value != null))
  }
