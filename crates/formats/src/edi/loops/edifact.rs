//! The segment groups of EDIFACT messages, D.93A to D.21B, named by the segment that opens each.

/// Parts that several messages share.
pub(super) const FRAGMENTS: &[(&str, &str)] = &[
    ("party", "LOC FII MOA FTX (RFF DTM) (DOC DTM) (CTA COM)"),
    ("allowance", "ALI DTM FTX (RFF DTM) (QTY RNG) (PCD RNG) (MOA RNG CUX DTM) (RTE RNG) (TAX MOA)"),
    ("transport", "TSR PCD FTX (LOC DTM) (RFF DTM)"),
    ("package", "MEA EQD QTY DTM FTX (RFF DTM) (HAN FTX) (PCI RFF DTM MEA QTY GIR (GIN DLM))"),
    ("schedule", "FTX RFF (QTY DTM)"),
    (
        "order-header",
        "DTM PAI ALI IMD FTX LOC GIS DGS GIR (RFF DTM GIR LOC MEA QTY FTX MOA) (AJT FTX) (NAD @party) (TAX MOA LOC) \
         (CUX PCD DTM) (PAT DTM PCD MOA PAI FII) (TDT @transport) (TOD LOC) (PAC @package) (EQD HAN MEA FTX) (SCC @schedule) \
         (APR DTM RNG) (ALC @allowance) (RCS RFF DTM FTX) (DGS FTX (CTA COM)) (INP FTX) (EFI CED DTM)",
    ),
    (
        "order-line",
        "PIA IMD MEA QTY PCD ALI DTM MOA GIN GIR QVR DOC PAI FTX STS EQD (AJT FTX) (CCI CAV MEA) (PAT DTM PCD MOA) \
         (PRI CUX APR RNG DTM) (RFF DTM) (PAC @package) (LOC QTY PCD DTM) (TAX MOA LOC) (NAD @party) (ALC @allowance) \
         (TDT @transport) (TOD LOC) (EQD HAN MEA FTX) (SCC @schedule) (RCS RFF DTM FTX) (STG (QTY MOA)) (DGS FTX (CTA COM)) \
         (INP FTX) (EFI CED DTM)",
    ),
    ("order-summary", "UNS! MOA CNT (ALC ALI MOA)"),
    (
        "despatch-line",
        "PIA IMD MEA QTY ALI GIN GIR DLM DTM FTX MOA NAD TDT HAN QVR CDI PRI (RFF CTA DTM LOC) (DGS QTY FTX) \
         (LOC NAD DTM QTY) (SGP QTY) (PAC @package) (PCI DTM MEA QTY (GIN DLM)) (INP FTX)",
    ),
];

/// The messages by type.
pub(super) const MESSAGES: &[(&str, &str)] = &[
    ("APERAK", "BGM! DTM FTX CNT (DOC DTM) (RFF DTM) (NAD (CTA COM)) (ERC FTX (RFF FTX DTM))"),
    ("CONTRL", "UCI! (UCF (UCM (UCS UCD))) (UCM (UCS UCD))"),
    (
        "DELFOR",
        "BGM! DTM FTX (RFF DTM) (NAD LOC FTX (RFF DTM) (DOC DTM) (CTA COM)) (TDT (LOC DTM)) UNS \
         (GIS (RFF DTM) (NAD LOC FTX (DOC DTM) (CTA COM))) \
         (LIN PIA IMD MEA ALI GIN GIR LOC DTM FTX PAC (RFF DTM) (TDT (LOC DTM)) (QTY SCC DTM (RFF DTM)) \
         (SCC (QTY DTM (RFF DTM)))  (PAC MEA QTY DTM (PCI GIN)) \
         (NAD LOC FTX (DOC DTM) (CTA COM) (QTY SCC DTM (RFF DTM)) (SCC (QTY DTM)) (TDT (LOC DTM)))) CNT",
    ),
    (
        "DELJIT",
        "BGM! DTM FTX (RFF DTM) (NAD LOC FTX (RFF DTM) (DOC DTM) (CTA COM)) (TDT (LOC DTM)) \
         (SEQ DTM GIR LOC (RFF DTM) (PAC MEA QTY DTM (PCI GIN)) \
         (LIN PIA IMD ALI GIN GIR TDT FTX PAC DTM (RFF DTM) (LOC DTM QTY (CTA COM)) (NAD LOC (CTA COM)) (QTY SCC DTM (RFF DTM)))) \
         (LIN PIA IMD ALI GIN GIR TDT FTX PAC DTM (RFF DTM) (LOC DTM QTY (CTA COM)) (NAD LOC (CTA COM)) (QTY SCC DTM (RFF DTM))) \
         UNS CNT",
    ),
    (
        "DESADV",
        "BGM! DTM ALI MEA MOA FTX (RFF DTM) (NAD LOC FTX (RFF DTM) (CTA COM)) (TOD LOC FTX) (TDT PCD (LOC DTM)) \
         (EQD MEA SEL EQA (HAN FTX)) (CPS FTX QVR (PAC @package) (LIN @despatch-line)) (LIN @despatch-line) CNT",
    ),
    ("INVOIC", "BGM! @order-header (LIN @order-line) @order-summary"),
    (
        "INVRPT",
        "BGM! DTM FTX (RFF DTM) (NAD LOC (RFF DTM) (DOC DTM) (CTA COM)) (CUX DTM) (CPI) (TDT (LOC DTM)) \
         (LIN PIA IMD MEA QTY ALI DTM GIN GIR DOC FTX PAC (RFF DTM) (TDT (LOC DTM)) \
         (INV GIN GIR LOC DTM QTY STS CPI NAD CUX PRI FTX (RFF DTM)) \
         (QTY GIN GIR LOC DTM INV STS CPI NAD CUX PRI FTX RFF) (CPI) (PRI) (LOC DTM QTY) (NAD LOC (CTA COM))) UNS CNT",
    ),
    ("ORDCHG", "BGM! @order-header (LIN @order-line) @order-summary"),
    ("ORDERS", "BGM! @order-header (LIN @order-line) @order-summary"),
    ("ORDRSP", "BGM! @order-header (LIN @order-line) @order-summary"),
    (
        "RECADV",
        "BGM! DTM ALI FTX (RFF DTM) (DOC DTM) (NAD LOC FTX (RFF DTM) (CTA COM)) (TOD LOC FTX) (TDT (LOC DTM)) \
         (EQD MEA SEL (HAN FTX)) (CPS FTX (PAC @package) (LIN @despatch-line)) (LIN @despatch-line) CNT",
    ),
];
