# A supplier's confirmation of one line as ORDRSP (ORDERS05): the way it gets into SAP's purchasing.
def sap_day: if . == null then null else gsub("-"; "") end;
.time as $time
| .data
| {
    EDI_DC40: {
      TABNAM: "EDI_DC40", DIRECT: "2", IDOCTYP: "ORDERS05", MESTYP: "ORDRSP",
      SNDPRT: "LI", SNDPRN: .supplier, RCVPRT: "LS", RCVPRN: "SAP",
      CREDAT: ($time[:10] | sap_day), CRETIM: ($time[11:19] | gsub(":"; ""))
    },
    E1EDK01: [{ CURCY: .price.currency, BELNR: .confirmation }],
    E1EDKA1: [{ PARVW: "LF", PARTN: .supplier }],
    E1EDK02: [{ QUALF: "001", BELNR: .purchase_order }, { QUALF: "002", BELNR: .confirmation }],
    E1EDP01: [
      {
        POSEX: (.line | pad_left(6; "0")),
        ACTION: (if .status == "rejected" then "003" elif .status == "changed" then "002" else "001" end),
        MENGE: dec_sum([.splits[].quantity.value]),
        MENEE: code_back("units-idoc"; .splits[0].quantity.unit),
        VPREI: .price.amount,
        CURCY: .price.currency,
        E1EDP02: [{ QUALF: "001", BELNR: .purchase_order, ZEILE: (.line | pad_left(6; "0")) }],
        E1EDP20: [.splits[] | select(.status == "confirmed") | { WMENG: .quantity.value, EDATU: (.date | sap_day) }],
        E1EDP19: [{ QUALF: "001", IDTNR: .item }]
      }
    ]
  }
