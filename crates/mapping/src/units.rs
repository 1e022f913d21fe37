//! Units of measure: which UN/CEFACT Recommendation 20 codes we know, and exact factors between them.
//!
//! The built-in factors are exact by definition (International System of Units; the international yard and pound
//! agreement of 1959: 1 in = 25.4 mm, 1 lb = 0.45359237 kg). `codes/units.csv` adds others, for one item or for all.

use std::collections::{BTreeSet, HashMap};

use lineshaft_model::Reason;

use crate::datum::clip;
use crate::decimal::Exact;
use crate::diagnostic::{Diagnostic, Place};

/// One dimension: its base unit and how many of it each unit is, as a fraction of two decimals.
type Dimension = &'static [(&'static str, &'static str)];

const MASS: Dimension = &[
    ("KGM", "1"),
    ("GRM", "0.001"),
    ("MGM", "0.000001"),
    ("TNE", "1000"),
    ("KTN", "1000000"),
    ("LBR", "0.45359237"),
    ("ONZ", "0.028349523125"),
    ("STN", "907.18474"),
    ("LTN", "1016.0469088"),
    ("HGM", "0.1"),
    ("DTN", "100"),
];
const LENGTH: Dimension = &[
    ("MTR", "1"),
    ("CMT", "0.01"),
    ("MMT", "0.001"),
    ("DMT", "0.1"),
    ("KMT", "1000"),
    ("4H", "0.000001"),
    ("INH", "0.0254"),
    ("FOT", "0.3048"),
    ("YRD", "0.9144"),
    ("SMI", "1609.344"),
];
const AREA: Dimension = &[
    ("MTK", "1"),
    ("CMK", "0.0001"),
    ("MMK", "0.000001"),
    ("DMK", "0.01"),
    ("KMK", "1000000"),
    ("HAR", "10000"),
    ("INK", "0.00064516"),
    ("FTK", "0.09290304"),
    ("YDK", "0.83612736"),
];
const VOLUME: Dimension = &[
    ("LTR", "1"),
    ("MLT", "0.001"),
    ("CLT", "0.01"),
    ("DLT", "0.1"),
    ("HLT", "100"),
    ("MTQ", "1000"),
    ("DMQ", "1"),
    ("CMQ", "0.001"),
    ("MMQ", "0.000001"),
    ("INQ", "0.016387064"),
    ("FTQ", "28.316846592"),
    ("YDQ", "764.554857984"),
    ("GLL", "3.785411784"),
    ("GLI", "4.54609"),
    ("BLL", "158.987294928"),
    ("OZA", "0.0295735295625"),
    ("PTL", "0.473176473"),
    ("QTL", "0.946352946"),
];
const TIME: Dimension =
    &[("SEC", "1"), ("MIN", "60"), ("HUR", "3600"), ("DAY", "86400"), ("WEE", "604800"), ("C26", "0.001")];
const COUNT: Dimension = &[
    ("C62", "1"),
    ("EA", "1"),
    ("H87", "1"),
    ("PCE", "1"),
    ("NIU", "1"),
    ("PR", "2"),
    ("DZN", "12"),
    ("GRO", "144"),
    ("GGR", "1728"),
    ("CEN", "100"),
    ("MIL", "1000"),
    ("MIO", "1000000"),
    ("SR", "1"),
];
const ENERGY: Dimension = &[
    ("JOU", "1"),
    ("KJO", "1000"),
    ("WHR", "3600"),
    ("KWH", "3600000"),
    ("MWH", "3600000000"),
    ("GWH", "3600000000000"),
];
const POWER: Dimension = &[("WTT", "1"), ("KWT", "1000"), ("MAW", "1000000")];
const PRESSURE: Dimension =
    &[("PAL", "1"), ("KPA", "1000"), ("MPA", "1000000"), ("BAR", "100000"), ("MBR", "100")];
const DIMENSIONS: &[Dimension] = &[MASS, LENGTH, AREA, VOLUME, TIME, COUNT, ENERGY, POWER, PRESSURE];

/// Codes in common use that have no factor of their own (packages, sets, temperatures, electrical units ...).
const OTHERS: &[&str] = &[
    "5B", "AMP", "ANN", "AS", "B22", "BE", "BG", "BO", "BX", "CEL", "CT", "CS", "DAY", "DPC", "E27", "E48",
    "FAH", "GM", "HEA", "HTZ", "KEL", "KGS", "KMH", "KMQ", "KT", "KVA", "KVR", "LEF", "LO", "LR", "LS",
    "MON", "MTS", "NAR", "NMP", "NPR", "OHM", "P1", "PA", "PF", "PK", "PL", "QAN", "RO", "ROL", "RM", "SA",
    "SET", "SH", "SX", "TU", "U2", "VLT", "VP", "XBG", "XBX", "XCT", "XDR", "XPK", "XPX", "XRO", "ZZ", "2N",
    "A97", "C81", "D65", "GL", "GP", "K6", "KNT", "NEW", "NU", "TPR", "TH", "YRD", "DD", "BB", "CMT", "CQ",
    "DR", "EV",
];

/// Units with a factor to one another: the tables of the standard and those of the workspace.
#[derive(Clone, Debug)]
pub struct Units {
    known: BTreeSet<String>,
    /// Unit to (dimension, factor to its base).
    base: HashMap<&'static str, (usize, Exact)>,
    /// (item or empty, from, to) to factor.
    own: HashMap<(String, String, String), Exact>,
}

impl Default for Units {
    fn default() -> Self {
        let mut base = HashMap::new();
        for (index, dimension) in DIMENSIONS.iter().enumerate() {
            for (unit, factor) in *dimension {
                base.insert(*unit, (index, Exact::parse(factor).unwrap_or(Exact::ONE)));
            }
        }
        let known = base.keys().chain(OTHERS).map(|unit| (*unit).to_owned()).collect();
        Self { known, base, own: HashMap::new() }
    }
}

impl Units {
    /// Adds the factors of a `units.csv`: columns `item` (empty for all items), `from`, `to`, `factor` (1 from = factor to).
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        let mut units = Self::default();
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(vec![
                Diagnostic::new("units-not-utf8", "the table is not UTF-8").hint("save the file as UTF-8"),
            ]);
        };
        let mut problems = Vec::new();
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(vec![Diagnostic::new("units-malformed", error.to_string())]),
        };
        let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
        let (Some(from), Some(to), Some(factor)) = (column("from"), column("to"), column("factor")) else {
            return Err(vec![
                Diagnostic::new(
                    "units-column-missing",
                    "the first line must name the columns item, from, to, factor",
                )
                .place(Some(Place::of(text, 0..0))),
            ]);
        };
        let item = column("item");
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    problems.push(Diagnostic::new("units-malformed", error.to_string()));
                    break;
                }
            };
            let get = |column: Option<usize>| column.and_then(|c| record.get(c)).unwrap_or_default();
            let line = record.position().map_or(0, csv::Position::line);
            if let Err(problem) = units.add(get(item), get(Some(from)), get(Some(to)), get(Some(factor))) {
                problems.push(problem.place(line_place(text, line)));
            }
        }
        if problems.is_empty() { Ok(units) } else { Err(problems) }
    }

    fn add(&mut self, item: &str, from: &str, to: &str, factor: &str) -> Result<(), Diagnostic> {
        for unit in [from, to] {
            lineshaft_model::Unit::parse(unit)
                .map_err(|r| Diagnostic::new("units-unit-malformed", r.message).hint(r.hint))?;
        }
        let factor = Exact::parse(factor).filter(|f| f.compare(Exact::ZERO).is_gt()).ok_or_else(|| {
            Diagnostic::new("units-factor-malformed", format!("`{}` is not a positive decimal", clip(factor)))
        })?;
        self.known.insert(from.to_owned());
        self.known.insert(to.to_owned());
        self.own.insert((item.to_owned(), from.to_owned(), to.to_owned()), factor);
        Ok(())
    }

    /// Whether this is a Recommendation 20 code we know, or one the workspace declares.
    #[must_use]
    pub fn knows(&self, unit: &str) -> bool {
        self.known.contains(unit)
    }

    /// Converts exactly; the item's own factor goes before the general one, and a unit without a factor is refused.
    pub(crate) fn convert(&self, value: Exact, from: &str, to: &str, item: &str) -> Result<Exact, Reason> {
        let (up, down) = self.factor(from, to, item)?;
        value.times(up)?.divided_exactly(down).ok_or_else(|| {
            Reason::new("unit-conversion-inexact", format!("{value} {from} has no exact form in {to}"))
                .hint("say how many digits to keep: convert(qty; to; item; digits)")
        })
    }

    /// Converts and rounds to `scale` digits after the point, half away from zero.
    pub(crate) fn convert_rounded(
        &self,
        value: Exact,
        from: &str,
        to: &str,
        item: &str,
        scale: u32,
    ) -> Result<Exact, Reason> {
        let (up, down) = self.factor(from, to, item)?;
        value.times(up)?.divided_by(down, scale)
    }

    /// The factor as a fraction: multiply by the first, divide by the second.
    fn factor(&self, from: &str, to: &str, item: &str) -> Result<(Exact, Exact), Reason> {
        if from == to {
            return Ok((Exact::ONE, Exact::ONE));
        }
        let own = |item: &str, from: &str, to: &str| {
            self.own.get(&(item.to_owned(), from.to_owned(), to.to_owned())).copied()
        };
        let specific_first = [item, ""];
        for item in &specific_first[usize::from(item.is_empty())..] {
            if let Some(factor) = own(item, from, to) {
                return Ok((factor, Exact::ONE));
            }
            if let Some(factor) = own(item, to, from) {
                return Ok((Exact::ONE, factor));
            }
        }
        if let (Some((dimension, up)), Some((other, down))) = (self.base.get(from), self.base.get(to))
            && dimension == other
        {
            return Ok((*up, *down));
        }
        let place = if item.is_empty() { String::new() } else { format!(" for item {}", clip(item)) };
        let message = format!("there is no factor from {} to {}{place}", clip(from), clip(to));
        Err(Reason::new("unit-without-factor", message)
            .hint("add a row item,from,to,factor to codes/units.csv"))
    }
}

fn line_place(text: &str, line: u64) -> Option<Place> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    Place::of_slice(text, text.lines().nth(line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(units: &Units, value: &str, from: &str, to: &str, item: &str) -> Result<String, String> {
        let value = Exact::parse(value).unwrap();
        units.convert(value, from, to, item).map(|v| v.normalised().to_string()).map_err(|r| r.code)
    }

    #[test]
    fn the_built_in_factors_are_exact() {
        let units = Units::default();
        assert_eq!(convert(&units, "12.5", "KGM", "GRM", "").unwrap(), "12500");
        assert_eq!(convert(&units, "1", "LBR", "KGM", "").unwrap(), "0.45359237");
        assert_eq!(convert(&units, "16", "ONZ", "LBR", "").unwrap(), "1");
        assert_eq!(convert(&units, "3", "FOT", "INH", "").unwrap(), "36");
        assert_eq!(convert(&units, "2", "GRO", "DZN", "").unwrap(), "24");
        assert_eq!(convert(&units, "90", "MIN", "HUR", "").unwrap(), "1.5");
        assert_eq!(convert(&units, "1", "MTQ", "LTR", "").unwrap(), "1000");
    }

    #[test]
    fn what_has_no_factor_or_no_exact_form_is_refused() {
        let units = Units::default();
        assert_eq!(convert(&units, "1", "KGM", "MTR", "").unwrap_err(), "unit-without-factor");
        assert_eq!(convert(&units, "1", "MIN", "DAY", "").unwrap_err(), "unit-conversion-inexact");
        assert!(units.knows("KGM") && units.knows("SET") && !units.knows("KILO"));
    }

    #[test]
    fn the_factor_of_an_item_goes_first() {
        let units = Units::parse(b"item,from,to,factor\n4711,BX,EA,24\n,BX,EA,10\n").unwrap();
        assert_eq!(convert(&units, "2", "BX", "EA", "4711").unwrap(), "48");
        assert_eq!(convert(&units, "2", "BX", "EA", "").unwrap(), "20");
        assert_eq!(convert(&units, "48", "EA", "BX", "4711").unwrap(), "2");
    }

    #[test]
    fn a_bad_row_is_told_with_its_line() {
        let problems = Units::parse(b"item,from,to,factor\n,BX,EA,ten\n,box,EA,1\n").unwrap_err();
        assert_eq!(problems[0].place.as_ref().unwrap().line, 2);
        assert_eq!(problems[1].code, "units-unit-malformed");
    }
}
