# A shipment as DESADV (DELVRY07), which SAP posts as an inbound delivery.
def sap_day: if . == null then null else .[:10] | gsub("-"; "") end;
def sap_clock: if . == null then null else .[11:19] | gsub(":"; "") end;
def position: (. + 1) * 10 | tostring | pad_left(6; "0");
.subject as $asn
| .time as $time
| .data
| [.lines | to_entries[] | .value + { position: (.key | position) }] as $lines
| {
    EDI_DC40: {
      TABNAM: "EDI_DC40", DIRECT: "2", IDOCTYP: "DELVRY07", MESTYP: "DESADV",
      SNDPRT: "LI", SNDPRN: .supplier, RCVPRT: "LS", RCVPRN: "SAP",
      CREDAT: ($time | sap_day), CRETIM: ($time | sap_clock)
    },
    E1EDL20: [
      {
        VBELN: ($asn[-10:]),
        LIFEX: $asn,
        E1ADRM1: [
          { PARTNER_Q: "LF", PARTNER_ID: .supplier },
          (.carrier | select(. != null) | { PARTNER_Q: "SP", PARTNER_ID: . })
        ],
        E1EDT13: [
          (.shipped | select(. != null) | { QUALF: "006", NTEND: sap_day, NTENZ: sap_clock, ISDD: sap_day, ISDZ: sap_clock }),
          { QUALF: "007", NTEND: (.expected | sap_day), NTENZ: (.expected | sap_clock) }
        ],
        E1EDL24: [
          $lines[]
          | {
              POSNR: .position,
              MATNR: .item,
              CHARG: .lot,
              LFIMG: .quantity.value,
              VRKME: code_back("units-idoc"; .quantity.unit),
              E1EDL41: [{ QUALI: "001", BSTNR: .purchase_order, POSEX: (.line | pad_left(6; "0")) }]
            }
        ],
        E1EDL37: [
          $lines[]
          | select(.sscc != null)
          | {
              EXIDV: .sscc,
              E1EDL44: [{ POSNR: .position, VEMNG: .quantity.value, VEMEH: code_back("units-idoc"; .quantity.unit) }]
            }
        ]
      }
    ]
  }
