# A shipment as DespatchAdvice of Peppol BIS Despatch Advice 3 (UBL 2.1).
def party($id): { Party: { PartyIdentification: [{ ID: $id }], PartyName: [{ Name: $id }] } };
. as $event
| .data
| [.lines | to_entries[] | .value + { id: (.key + 1 | tostring) }] as $lines
| {
    DespatchAdvice: {
      CustomizationID: "urn:fdc:peppol.eu:poacc:trns:despatch_advice:3",
      ProfileID: "urn:fdc:peppol.eu:poacc:bis:despatch_advice:3",
      ID: $event.subject,
      IssueDate: $event.time[:10],
      IssueTime: $event.time[11:],
      OrderReference: [{ ID: .lines[0].purchase_order }],
      DespatchSupplierParty: party(.supplier),
      DeliveryCustomerParty: party("LINESHAFT"),
      Shipment: {
        ID: "1",
        Consignment: [.carrier | select(. != null) | { ID: "1", CarrierParty: { PartyIdentification: [{ ID: . }] } }],
        Delivery: {
          EstimatedDeliveryPeriod: { EndDate: .expected[:10], EndTime: .expected[11:] },
          Despatch: (if .shipped == null then null else { ActualDespatchDate: .shipped[:10], ActualDespatchTime: .shipped[11:] } end)
        },
        TransportHandlingUnit: [
          $lines[] | select(.sscc != null) | { ID: .sscc, HandlingUnitDespatchLine: [{ ID: .id, DeliveredQuantity: { "@unitCode": code_back("units-ubl"; .quantity.unit), "#text": .quantity.value }, OrderLineReference: [{ LineID: .line }], Item: { Name: .item } }] }
        ]
      },
      DespatchLine: [
        $lines[]
        | {
            ID: .id,
            DeliveredQuantity: { "@unitCode": code_back("units-ubl"; .quantity.unit), "#text": .quantity.value },
            OrderLineReference: [{ LineID: .line, OrderReference: { ID: .purchase_order } }],
            Item: {
              Name: .item,
              BuyersItemIdentification: { ID: .item },
              ItemInstance: [.lot | select(. != null) | { LotIdentification: { LotNumberID: . } }]
            }
          }
      ]
    }
  }
