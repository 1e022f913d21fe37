# LOIPRO: a production order. The status that has gone furthest counts, and all are kept.
def default_unit: "C62"; # of a quantity that names none
def zone: "UTC"; # of the SAP system, whose times have no offset
def moment($day; $clock):
  if $day == null or $day == "00000000" then null
  else datetime($day + ($clock // "000000"); "%Y%m%d%H%M%S"; zone) end;
def rank: { planned: 0, created: 1, released: 2, running: 3, completed: 4, closed: 5, cancelled: 6 }[.];
.EDI_DC40 as $control
| ($control.DOCNUM // $control.CREDAT + $control.CRETIM) as $document # a partner may leave numbers to SAP
| .E1AFKOL[]
| . as $order
| unit(.GMEIN // default_unit; "idoc") as $unit
| ([.E1JSTKL[]? | .STAT | select(. != null)]) as $flags
| ([$flags[] | code("order-status"; .) | select(. != "")] | if length == 0 then ["created"] else . end | max_by(rank)) as $status
| ({ created: "created", released: "released", running: "started", completed: "completed", closed: "completed", cancelled: "cancelled" }[$status]) as $verb
| {
    type: "lineshaft.production-order.\($verb).v1",
    id: "LOIPRO-\($control.SNDPRN)-\($document)-\(.AUFNR)",
    subject: (.AUFNR | strip_zeros),
    time: datetime($control.CREDAT + $control.CRETIM; "%Y%m%d%H%M%S"; zone),
    data: {
      item: (.E1AFPOL[0].MATNR // .MATNR // .PLNBEZ | strip_zeros),
      site: .WERKS,
      status: $status,
      quantity: qty(.GAMNG | blank_to_null; $unit),
      start: moment(.GSTRS // .GSTRP; .GSUZS),
      end: moment(.GLTRS // .GLTRP; .GLUZS),
      priority: (.APRIO // "5" | tonumber),
      components: [
        .E1AFFLL[]?.E1AFVOL[]?.E1RESBL[]?
        | {
            component: (.MATNR | strip_zeros),
            location: .LGORT,
            quantity: qty(.BDMNG | blank_to_null; unit(.MEINS // default_unit; "idoc"))
          }
        | with_entries(select(.value != null))
      ],
      operations: [
        .E1AFFLL[]?.E1AFVOL[]?
        | { operation: (.VORNR | strip_zeros), work_centre: .ARBPL, description: .LTXA1 }
        | with_entries(select(.value != null))
      ],
      extensions: { idoc: { DOCNUM: $control.DOCNUM, AUART: $order.AUART, STAT: $flags } }
    }
  }
