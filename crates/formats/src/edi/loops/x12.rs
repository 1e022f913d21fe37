//! The loops of X12 transaction sets, 003040 to 007010.

/// Parts that several sets share.
pub(super) const FRAGMENTS: &[(&str, &str)] = &[
    ("party", "N2 IN2 N3 N4 NX2 QTY REF PER SI DTM DMG FOB SCH TD1 TD5 TD3 TD4 PKG G61 MSG"),
    ("transport", "TD1 TD5 TD3 TD4"),
    (
        "order-header",
        "CUR REF PER TAX FOB CTP PAM CSH (SAC CUR) ITD DIS INC DTM LIN SI PID MEA PWK PKG @transport MAN PCT CTB TXI \
         (LDT QTY MTX REF) (AMT REF DTM PCT (FA1 FA2)) (N9 DTM MSG MTX PWK EFI) (N1 @party) (LM LQ) \
         (SPI REF DTM MSG (N1 @party) (CB1 REF DTM LDT MSG)) (ADV DTM MTX)",
    ),
    (
        "order-line",
        "LIN SI CUR CN1 PO3 (CTP CUR) PAM MEA (PID MEA) PWK PO4 REF PER (SAC CUR CTP) IT8 CSH ITD DIS INC TAX FOB SDQ IT3 \
         DTM TC2 @transport PCT MAN MSG SPI TXI CTB (QTY SI) (ACK DTM) (SCH TD1 TD5 TD3 TD4 REF) (PKG MEA) LS LE \
         (LDT QTY MSG REF (LM LQ)) (LM LQ) (N9 DTM MEA MSG MTX PWK EFI) (N1 @party (LDT MAN QTY MSG REF)) \
         (SLN MSG SI PID PO3 TC2 ADV DTM CTP PAM PO4 TAX (ACK DTM) (N9 DTM MSG) (SAC CUR CTP) (QTY SI) (N1 @party)) \
         (AMT REF PCT (FA1 FA2))",
    ),
    ("warehouse-party", "N2 N3 N4 PER N9"),
    (
        "shipment-level",
        "LIN SN1 SLN PRF PO4 PID MEA PWK PKG TD1 TD5 TD3 TD4 TSD REF PER (LH1 LH2 LH3 LFH LEP LH4 LHT LHR PER LHE) (CLD REF DP) \
         MAN DTM FOB PAL SDQ ETD CUR (SAC CUR) GF YNQ (N1 N2 N3 N4 REF PER FOB) (LM LQ) (V1 R4 DTM) LS LE QTY ITA AMT",
    ),
];

/// The sets by number.
pub(super) const SETS: &[(&str, &str)] = &[
    (
        "810",
        "BIG! NTE CUR REF YNQ PER (N1 N2 N3 N4 REF PER DMG) ITD DTM FOB PID MEA PWK PKG L7 BAL INC PAM (LM LQ) (N9 MSG) \
         (V1 R4 DTM) (FA1 FA2) \
         (IT1 CRC QTY CUR IT3 TXI CTP PAM MEA (PID MEA) PWK PKG PO4 ITD REF YNQ PER SDQ DTM CAD L7 SR SI FOB (SAC TXI) \
         (SLN DTM REF PID SAC TC2 TXI) (N1 N2 N3 N4 REF PER DMG) (LM LQ) (V1 R4 DTM) (FA1 FA2)) \
         TDS! TXI CAD AMT (SAC TXI) (ISS PID) CTT",
    ),
    (
        "820",
        "BPR! NTE TRN CUR REF DTM (N1 N2 N3 N4 REF PER RDM DTM) \
         (ENT (NM1 N2 N3 N4 REF PER) (ADX NTE PER (REF DTM)) \
         (RMR NTE REF DTM (IT1 REF (SAC TXI) (SLN REF (SAC TXI))) (ADX NTE PER (REF DTM)))) \
         (TXP TXI) (DED) (RYL (NM1 N2 N3 N4) (LOC (PID DTM) (PCT (QTY))))  (RMT NTE DTM) (ADX NTE PER REF DTM) \
         (RMR NTE REF DTM (IT1 REF (SAC TXI)) (ADX NTE PER (REF DTM))) (LX N9 (TRN))",
    ),
    (
        "824",
        "BGN! DTM (N1 N2 N3 N4 REF PER) (OTI! REF DTM PER AMT QTY NM1 N1 (TED CTX NTE RED) (LM LQ)) (RED)",
    ),
    (
        "830",
        "BFR! XPO CUR REF PER TAX FOB CTP SAC CSH ITD DTM PID MEA PWK PKG TD1 TD5 TD3 TD4 MAN (N1 N2 N3 N4 REF PER FOB) (LM LQ) \
         (LIN UIT DTM CUR PO3 CTP PID MEA PWK PKG PO4 PRS REF PER SAC ITD TAX FOB LDT QTY ATH TD1 TD5 TD3 TD4 MAN NTE SDQ DD \
         (SLN PID NM1 (N1 N2 N3 N4 REF PER)) (N1 N2 N3 N4 REF PER FOB) (LM LQ) (SDP (FST QTY SDQ LDT (LM LQ))) \
         (FST QTY SDQ LDT (LM LQ)) (SHP REF)) CTT",
    ),
    (
        "846",
        "BIA! CUR DTM REF PER MEA PID PWK MAN (N1 N2 N3 N4 REF PER) (LM LQ) \
         (LIN PID MEA PKG PO4 DTM CTP CUR SAC REF PER SDQ MAN UIT CS DD G53 PCT LDT CN1 IT8 CTB TD1 TD5 TD3 TD4 YNQ \
         (QTY UIT MEA LDT DTM REF SCH (LM LQ) (N1 N2 N3 N4 REF PER)) (SCH DTM) (SLN PID MEA PKG DTM QTY) (LM LQ) \
         (N1 N2 N3 N4 REF PER LDT G61)) CTT",
    ),
    ("850", "BEG! @order-header (PO1! @order-line) (CTT AMT)"),
    ("855", "BAK! @order-header (PO1 @order-line) (CTT AMT)"),
    ("856", "BSN! DTM (HL! @shipment-level) CTT"),
    ("860", "BCH! @order-header (POC @order-line) (CTT AMT)"),
    (
        "861",
        "BRA! CUR REF PER DTM PRF SAC FOB TD1 TD5 TD3 TD4 MAN PKG (N1 N2 N3 N4 REF PER FOB) (LM LQ) \
         (RCD SN1 CUR LIN PID PO4 REF PER PRF MEA PWK PKG MAN DTM SAC TD1 TD5 TD3 TD4 CS SI IT8 LDT QTY (LM LQ) (SLN PID REF) \
         (N1 N2 N3 N4 REF PER FOB)) CTT",
    ),
    (
        "862",
        "BSS! DTM REF MEA PER (N1 N2 N3 N4 REF PER FOB) \
         (LIN! UIT PKG PO4 PRS QTY REF PER SDP TAX LDT DTM PID MEA PWK ATH SDQ (FST DTM SDQ (JIT REF)) (SHP REF) TD1 TD5 TD3 TD4 \
         (N1 N2 N3 N4 REF PER FOB)) CTT",
    ),
    ("865", "BCA! @order-header (POC @order-line) (CTT AMT)"),
    (
        "940",
        "W05! (N1 @warehouse-party) N9 G61 NTE G62 W09 W66 W6 AMT SDP PER (LM LQ) \
         (LX N9 MAN AMT NTE (W01 G69 N9 QTY MEA G66 G72 AMT NTE W20 LS LE (LM LQ) (N1 @warehouse-party))) W76",
    ),
    (
        "943",
        "W06! (N1 @warehouse-party) N9 G61 G62 NTE W27 W28 W10 W08 AMT \
         (W04 G69 N9 W20 QTY MEA AMT G66 G62 NTE MAN PID (LM LQ) (N1 @warehouse-party)) W03",
    ),
    (
        "944",
        "W17! (N1 @warehouse-party) N9 G61 G62 NTE W08 W28 W27 \
         (W07 G69 N9 W20 QTY MEA AMT G62 NTE MAN (W13 N9) (LM LQ) (N1 @warehouse-party)) W14",
    ),
    (
        "945",
        "W06! (N1 @warehouse-party) N9 G61 G62 NTE W27 W28 W10 G72 AMT (LM LQ) \
         (LX MAN PAL N9 AMT REF NTE (W12 G69 N9 QTY MEA AMT G72 W20 G62 MAN NTE LS LE (FA1 FA2) (LM LQ) (N1 @warehouse-party))) W03",
    ),
    (
        "947",
        "W15! (N1 @warehouse-party) N9 G61 G62 NTE (W19! G69 N9 W20 QTY MEA AMT NTE MAN PID G62 (LM LQ) (N1 @warehouse-party))",
    ),
    ("997", "AK1! (AK2 (AK3 AK4) AK5) AK9!"),
    ("999", "AK1! (AK2 (IK3 CTX (IK4 CTX)) IK5) AK9!"),
    ("TA1", "TA1!"),
];
