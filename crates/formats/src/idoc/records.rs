//! The records that every flat IDoc has: control, data and status, with the lengths of SAP's structures EDI_DC40,
//! EDI_DD40 and EDI_DS40.

/// The control record.
pub(super) const CONTROL: &str = "EDI_DC40";

/// The status record, of which each is a message of its own.
pub(super) const STATUS: &str = "EDI_DS40";

pub(super) const CONTROL_FIELDS: &[(&str, usize)] = &[
    ("TABNAM", 10),
    ("MANDT", 3),
    ("DOCNUM", 16),
    ("DOCREL", 4),
    ("STATUS", 2),
    ("DIRECT", 1),
    ("OUTMOD", 1),
    ("EXPRSS", 1),
    ("TEST", 1),
    ("IDOCTYP", 30),
    ("CIMTYP", 30),
    ("MESTYP", 30),
    ("MESCOD", 3),
    ("MESFCT", 3),
    ("STD", 1),
    ("STDVRS", 6),
    ("STDMES", 6),
    ("SNDPOR", 10),
    ("SNDPRT", 2),
    ("SNDPFC", 2),
    ("SNDPRN", 10),
    ("SNDSAD", 21),
    ("SNDLAD", 70),
    ("RCVPOR", 10),
    ("RCVPRT", 2),
    ("RCVPFC", 2),
    ("RCVPRN", 10),
    ("RCVSAD", 21),
    ("RCVLAD", 70),
    ("CREDAT", 8),
    ("CRETIM", 6),
    ("REFINT", 14),
    ("REFGRP", 14),
    ("REFMES", 14),
    ("ARCKEY", 70),
    ("SERIAL", 20),
];

pub(super) const STATUS_FIELDS: &[(&str, usize)] = &[
    ("TABNAM", 10),
    ("MANDT", 3),
    ("DOCNUM", 16),
    ("LOGDAT", 8),
    ("LOGTIM", 6),
    ("STATUS", 2),
    ("STAMQU", 3),
    ("STAMID", 20),
    ("STAMNO", 3),
    ("STATYP", 1),
    ("STAPA1", 50),
    ("STAPA2", 50),
    ("STAPA3", 50),
    ("STAPA4", 50),
    ("STATXT", 70),
    ("UNAME", 12),
    ("REPID", 30),
    ("ROUTID", 30),
    ("SEGNUM", 6),
    ("SEGFLD", 30),
    ("REFINT", 14),
    ("REFGRP", 14),
    ("REFMES", 14),
    ("ARCKEY", 70),
];

/// The key in front of a segment's data: SEGNAM, MANDT, DOCNUM, SEGNUM, PSGNUM, HLEVEL.
pub(super) const KEY: [usize; 6] = [30, 3, 16, 6, 6, 2];

/// Characters of [`KEY`].
pub(super) const KEY_LENGTH: usize = 63;

/// The most characters of a segment's data.
pub(super) const DATA_LENGTH: usize = 1000;
