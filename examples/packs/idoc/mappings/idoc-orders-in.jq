# ORDERS and ORDCHG (ORDERS05) of a buyer's SAP: a purchase order, whole.
def default_unit: "C62"; # of a quantity that names none
def zone: "UTC"; # of the SAP system, whose times have no offset
def day: if . == null or . == "00000000" then null else date_only(.; "%Y%m%d") end;
def code_of($list; $qualifier): [$list[]? | select(.QUALF == $qualifier)] | first;
.EDI_DC40 as $control
| ($control.DOCNUM // $control.CREDAT + $control.CRETIM) as $document # a partner may leave numbers to SAP
| .E1EDK01[0] as $head
| (code_of(.E1EDK02; "001").BELNR // $head.BELNR) as $order
| ([.E1EDK03[]? | select(.IDDAT == "012") | .DATUM] | first) as $ordered
| ([.E1EDKA1[]? | select(.PARVW == "LF") | .PARTN] | first) as $supplier
| {
    type: (if $control.MESTYP == "ORDCHG" then "lineshaft.purchase-order.changed.v1" else "lineshaft.purchase-order.released.v1" end),
    id: "\($control.MESTYP)-\($control.SNDPRN)-\($document)-\($order)",
    subject: $order,
    time: datetime($control.CREDAT + $control.CRETIM; "%Y%m%d%H%M%S"; zone),
    data: {
      supplier: ($supplier | strip_zeros),
      currency: $head.CURCY,
      ordered: ($ordered | day),
      status: "open",
      lines: [
        .E1EDP01[]
        | unit(.MENEE // default_unit; "idoc") as $unit
        | {
            line: (.POSEX | strip_zeros),
            item: (code_of(.E1EDP19; "001").IDTNR // code_of(.E1EDP19; "002").IDTNR // code_of(.E1EDP19; "003").IDTNR),
            description: ([.E1EDP19[]?.KTEXT // empty] | first),
            site: .WERKS,
            quantity: qty(.MENGE | blank_to_null; $unit),
            price: { amount: (.VPREI | blank_to_null), currency: (.CURCY // $head.CURCY) },
            price_per: qty(.PEINH // "1" | blank_to_null; unit(.PMENE // .MENEE // default_unit; "idoc")),
            status: (if .ACTION == "003" then "cancelled" else "open" end),
            schedule_lines: [.E1EDP20[]? | { quantity: qty(.WMENG | blank_to_null; $unit), date: (.EDATU | day) }]
          }
      ],
      extensions: { idoc: { DOCNUM: $control.DOCNUM, BSART: $head.BSART } }
    }
  }
