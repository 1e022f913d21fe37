# The master data of an item as MATMAS05. MSGFN 005 changes what is there or creates it.
.time as $time
| .subject as $item
| .data
| {
    EDI_DC40: {
      TABNAM: "EDI_DC40", DIRECT: "2", IDOCTYP: "MATMAS05", MESTYP: "MATMAS",
      SNDPRT: "LS", SNDPRN: "LINESHAFT", RCVPRT: "LS", RCVPRN: "SAP",
      CREDAT: ($time[:10] | gsub("-"; "")), CRETIM: ($time[11:19] | gsub(":"; ""))
    },
    E1MARAM: [
      {
        MSGFN: "005",
        MATNR: $item,
        LVORM: (if .status == "retired" then "X" else null end),
        MTART: (if .kind == "made" then "FERT" else "ROH" end),
        MEINS: code_back("units-idoc"; .unit),
        E1MAKTM: [.description | select(. != null) | { MSGFN: "005", SPRAS: "E", MAKTX: ., SPRAS_ISO: "EN" }]
      }
    ]
  }
