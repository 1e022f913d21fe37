# A purchase order as ORDERS (ORDERS05) to a seller's SAP. Sender and receiver are those of the partner profile.
def sap_day: if . == null then null else gsub("-"; "") end;
{
  EDI_DC40: {
    TABNAM: "EDI_DC40", DIRECT: "2", IDOCTYP: "ORDERS05",
    MESTYP: (if .type == "lineshaft.purchase-order.released.v1" then "ORDERS" else "ORDCHG" end),
    SNDPRT: "LS", SNDPRN: "LINESHAFT", RCVPRT: "LS", RCVPRN: "SAP",
    CREDAT: (.time[:10] | sap_day), CRETIM: (.time[11:19] | gsub(":"; ""))
  },
  E1EDK01: [{ CURCY: .data.currency, BELNR: .subject }],
  E1EDK03: [{ IDDAT: "012", DATUM: (.data.ordered | sap_day) }],
  E1EDKA1: [{ PARVW: "LF", PARTN: .data.supplier }],
  E1EDK02: [{ QUALF: "001", BELNR: .subject, DATUM: (.data.ordered | sap_day) }],
  E1EDP01: [
    .data.lines[]
    | {
        POSEX: (.line | pad_left(6; "0")),
        ACTION: (if .status == "cancelled" then "003" else "001" end),
        MENGE: .quantity.value,
        MENEE: code_back("units-idoc"; .quantity.unit),
        PMENE: code_back("units-idoc"; (.price_per.unit // .quantity.unit)),
        VPREI: .price.amount,
        PEINH: (.price_per.value // "1"),
        CURCY: .price.currency,
        WERKS: .site,
        E1EDP20: [.schedule_lines[] | { WMENG: .quantity.value, EDATU: (.date | sap_day) }],
        E1EDP19: [{ QUALF: "001", IDTNR: .item, KTEXT: .description }]
      }
  ]
}
