# DESADV (DELVRY07): a supplier has shipped.
def default_unit: "C62"; # of a quantity that names none
def zone: "UTC"; # of the SAP system, whose times have no offset
def moment($day; $clock):
  if $day == null or $day == "00000000" then null
  else datetime($day + ($clock // "000000"); "%Y%m%d%H%M%S"; zone) end;
.EDI_DC40 as $control
| ($control.DOCNUM // $control.CREDAT + $control.CRETIM) as $document # a partner may leave numbers to SAP
| .E1EDL20[0]
| . as $delivery
| ([.E1EDT13[]? | select(.QUALF == "006")] | first) as $left
| ([.E1EDT13[]? | select(.QUALF == "007")] | first) as $arrives
| ([.E1EDL37[]? | .EXIDV as $sscc | .E1EDL44[]? | { key: .POSNR, value: $sscc }] | from_entries) as $packed
| ([.E1ADRM1[]? | select(.PARTNER_Q == "LF") | .PARTNER_ID] | first // $control.SNDPRN) as $supplier
| {
    type: "lineshaft.shipment.notified.v1",
    id: "DESADV-\($control.SNDPRN)-\($document)-\(.LIFEX // .VBELN)",
    subject: (.LIFEX // .VBELN),
    time: datetime($control.CREDAT + $control.CRETIM; "%Y%m%d%H%M%S"; zone),
    data: {
      supplier: ($supplier | strip_zeros),
      shipped: moment($left.ISDD // null | if . == "00000000" then null else . end // $left.NTEND; $left.ISDZ),
      expected: (moment($arrives.NTEND; $arrives.NTENZ) // moment($left.NTEND; $left.NTENZ)),
      carrier: ([.E1ADRM1[]? | select(.PARTNER_Q == "SP") | .PARTNER_ID] | first),
      lines: [
        .E1EDL24[]?
        | ([.E1EDL41[]? | select(.QUALI == "001")] | first) as $ordered
        | .POSNR as $position
        | {
            purchase_order: ($ordered.BSTNR // .VGBEL),
            line: ($ordered.POSEX // .VGPOS | strip_zeros),
            item: (.KDMAT // .MATNR | strip_zeros),
            quantity: qty(.LFIMG | blank_to_null; unit(.VRKME // default_unit; "idoc")),
            lot: .CHARG,
            sscc: ($packed[$position // ""])
          }
        | with_entries(select(.value != null))
      ],
      extensions: { idoc: { DOCNUM: $control.DOCNUM, VBELN: $delivery.VBELN } }
    }
    | with_entries(select(.value != null))
  }
