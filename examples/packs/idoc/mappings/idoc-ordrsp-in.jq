# ORDRSP (ORDERS05): what a supplier says of each line of an order.
def default_unit: "C62"; # of a quantity that names none
def zone: "UTC"; # of the SAP system, whose times have no offset
def day: if . == null or . == "00000000" then null else date_only(.; "%Y%m%d") end;
def code_of($list; $qualifier): [$list[]? | select(.QUALF == $qualifier)] | first;
. as $answer
| .EDI_DC40 as $control
| ($control.DOCNUM // $control.CREDAT + $control.CRETIM) as $document # a partner may leave numbers to SAP
| .E1EDK01[0] as $head
| (code_of(.E1EDK02; "002").BELNR // $head.BELNR // $control.DOCNUM) as $confirmation
| ([.E1EDKA1[]? | select(.PARVW == "LF") | .PARTN] | first) as $supplier
| .E1EDP01[]
| . as $line
| unit(.MENEE // default_unit; "idoc") as $unit
| code_of(.E1EDP02; "001") as $ordered
| ($ordered.BELNR // code_of($answer.E1EDK02; "001").BELNR) as $order
| ($ordered.ZEILE // .POSEX | strip_zeros) as $number
| [.E1EDP20[]? | { quantity: qty(.WMENG | blank_to_null; $unit), date: (.EDATU | day) } | select(.quantity != null and dec_cmp(.quantity.value; "0") > 0)] as $promised
| (if .ACTION == "003" or .ABGRU != null then "rejected"
   elif ($promised | length) == 0 then "backordered"
   elif dec_cmp(dec_sum([$promised[].quantity.value]); .MENGE | blank_to_null) < 0 then "partial"
   elif ($promised | length) > 1 or .ACTION == "002" then "changed"
   else "confirmed" end) as $status
| {
    type: "lineshaft.purchase-order.confirmed.v1",
    id: "ORDRSP-\($control.SNDPRN)-\($document)-\($order)-\($number)",
    subject: "\($order)/\($number)/\($confirmation)",
    time: datetime($control.CREDAT + $control.CRETIM; "%Y%m%d%H%M%S"; zone),
    data: ({
      purchase_order: $order,
      line: $number,
      item: (code_of(.E1EDP19; "001").IDTNR // code_of(.E1EDP19; "002").IDTNR // code_of(.E1EDP19; "003").IDTNR),
      confirmation: $confirmation,
      supplier: ($supplier | strip_zeros),
      outcome: (if $status == "confirmed" or $status == "changed" then "full" else $status end),
      status: $status,
      splits: (
        if $status == "rejected" or $status == "backordered"
        then [{ quantity: qty($line.MENGE | blank_to_null; $unit), date: null, status: $status }]
        else [$promised[] + { status: "confirmed" }] end
      ),
      price: (if .VPREI == null then null else { amount: (.VPREI | blank_to_null), currency: (.CURCY // $head.CURCY) } end),
      extensions: { idoc: { DOCNUM: $control.DOCNUM, ACTION } }
    } | with_entries(select(.value != null)))
  }
