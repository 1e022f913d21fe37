# A production order as LOIPRO01.
def sap_day: if . == null then null else .[:10] | gsub("-"; "") end;
def sap_clock: if . == null then null else .[11:19] | gsub(":"; "") end;
.time as $time
| .subject as $order
| .data
| . as $data
| {
    EDI_DC40: {
      TABNAM: "EDI_DC40", DIRECT: "2", IDOCTYP: "LOIPRO01", MESTYP: "LOIPRO",
      SNDPRT: "LS", SNDPRN: "LINESHAFT", RCVPRT: "LS", RCVPRN: "SAP",
      CREDAT: ($time | sap_day), CRETIM: ($time | sap_clock)
    },
    E1AFKOL: [
      {
        AUFNR: $order,
        WERKS: .site,
        GAMNG: .quantity.value,
        GMEIN: code_back("units-idoc"; .quantity.unit),
        GSTRS: (.start | sap_day), GSUZS: (.start | sap_clock),
        GLTRS: (.end | sap_day), GLUZS: (.end | sap_clock),
        APRIO: (.priority | tostring),
        E1JSTKL: [{ STAT: code_back("order-status"; .status) }],
        E1AFPOL: [{ MATNR: .item }],
        E1AFFLL: [
          {
            E1AFVOL: [
              .operations
              | to_entries[]
              | {
                  VORNR: (.value.operation | pad_left(4; "0")),
                  ARBPL: .value.work_centre,
                  LTXA1: .value.description,
                  # The hub does not know which operation takes a component: the first does.
                  E1RESBL: (if .key > 0 then [] else [
                    $data.components[]
                    | {
                        MATNR: .component,
                        LGORT: .location,
                        BDMNG: .quantity.value,
                        MEINS: code_back("units-idoc"; .quantity.unit)
                      }
                  ] end)
                }
            ]
          }
        ]
      }
    ]
  }
