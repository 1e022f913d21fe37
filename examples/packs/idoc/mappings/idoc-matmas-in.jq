# MATMAS05: the master data of an item.
def zone: "UTC"; # of the SAP system, whose times have no offset
.EDI_DC40 as $control
| ($control.DOCNUM // $control.CREDAT + $control.CRETIM) as $document # a partner may leave numbers to SAP
| .E1MARAM[]
| {
    type: "lineshaft.item.changed.v1",
    id: "MATMAS-\($control.SNDPRN)-\($document)-\(.MATNR)",
    subject: (.MATNR | strip_zeros),
    time: datetime($control.CREDAT + $control.CRETIM; "%Y%m%d%H%M%S"; zone),
    data: {
      description: ([.E1MAKTM[]? | select(.SPRAS_ISO == "EN" or .SPRAS == "E") | .MAKTX] | first // null),
      kind: (if .MTART == "FERT" or .MTART == "HALB" then "made" else "bought" end),
      unit: unit(.MEINS; "idoc"),
      status: (if .LVORM == "X" then "retired" else "active" end),
      extensions: { idoc: { DOCNUM: $control.DOCNUM, MTART, MATKL } }
    }
  }
