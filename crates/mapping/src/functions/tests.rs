//! Tests of the functions by themselves; the reference page's examples are run as mappings elsewhere.

use super::*;
use crate::environment::NoReferences;

fn call(name: &str, args: &[&str]) -> Result<String, String> {
    let environment = Environment::default();
    let context = Context { environment: &environment, references: &NoReferences, today: "2026-11-23" };
    let args: Vec<_> =
        args.iter().map(|a| if *a == "null" { Datum::Null } else { Datum::text(*a) }).collect();
    let function = FUNCTIONS
        .iter()
        .find(|f| f.name == name && f.arity + usize::from(f.uses_input) == args.len())
        .unwrap();
    (function.run)(&args, context).map(|d| d.as_word().unwrap_or("null").to_owned()).map_err(|r| r.code)
}

#[test]
fn dates_of_every_kind() {
    assert_eq!(
        call("datetime", &["23.11.2026 14:30", "%d.%m.%Y %H:%M", "Europe/Berlin"]).unwrap(),
        "2026-11-23T14:30:00+01:00"
    );
    assert_eq!(
        call("datetime", &["2026-07-01", "%Y-%m-%d", "America/New_York"]).unwrap(),
        "2026-07-01T00:00:00-04:00"
    );
    assert_eq!(
        call("datetime", &["2026-07-01 08", "%Y-%m-%d %H", "UTC"]).unwrap_or_default(),
        "2026-07-01T08:00:00Z"
    );
    assert_eq!(call("datetime", &["x", "%Y", "UTC"]).unwrap_err(), "date-unreadable");
    assert_eq!(call("datetime", &["2026-07-01", "%Y-%m-%d", "Mars/Base"]).unwrap_err(), "time-zone-unknown");
    assert_eq!(call("date_only", &["20261123", "%Y%m%d"]).unwrap(), "2026-11-23");
    assert_eq!(call("odata_date", &["/Date(1492041600000)/"]).unwrap(), "2017-04-13T00:00:00Z");
    assert_eq!(call("odata_date", &["/Date(1492041600000+0060)/"]).unwrap(), "2017-04-13T01:00:00+01:00");
    assert_eq!(call("odata_date", &["/Date(-1000)/"]).unwrap(), "1969-12-31T23:59:59Z");
    assert_eq!(call("odata_date", &["null"]).unwrap(), "null");
    assert_eq!(call("odata_date", &["2017"]).unwrap_err(), "date-unreadable");
    assert_eq!(call("x12_date", &["20261123"]).unwrap(), "2026-11-23");
    assert_eq!(call("x12_date", &["991231"]).unwrap(), "1999-12-31");
    assert_eq!(call("x12_date", &["20260231"]).unwrap_err(), "date-unreadable");
    assert_eq!(call("add_days", &["2026-02-27", "2"]).unwrap(), "2026-03-01");
    assert_eq!(call("add_days", &["2026-02-27T10:00:00+05:30", "-1"]).unwrap(), "2026-02-26T10:00:00+05:30");
    assert_eq!(call("add_days", &["2026-02-27T10:00:00Z", "1"]).unwrap(), "2026-02-28T10:00:00Z");
    assert_eq!(call("add_days", &["2026-02-27", "99999999999"]).unwrap_err(), "argument-unfit");
}

#[test]
fn text_and_identifiers() {
    assert_eq!(call("pad_left", &["42", "6", "0"]).unwrap(), "000042");
    assert_eq!(call("pad_left", &["42", "6", "ab"]).unwrap_err(), "argument-unfit");
    assert_eq!(call("pad_left", &["42", "999999999", "0"]).unwrap_err(), "argument-unfit");
    assert_eq!(call("strip_zeros", &["000000000000004711"]).unwrap(), "4711");
    assert_eq!(call("strip_zeros", &["000"]).unwrap(), "0");
    assert_eq!(call("blank_to_null", &["   "]).unwrap(), "null");
    assert_eq!(call("hash_id", &["a"]).unwrap().len(), 32);
    assert_ne!(call("hash_id", &["a"]), call("hash_id", &["b"]));
}

#[test]
fn units_are_checked() {
    assert_eq!(call("unit", &["KGM", "erp"]).unwrap(), "KGM");
    assert_eq!(call("unit", &["ST", "erp"]).unwrap_err(), "unknown-code");
    assert_eq!(call("qty", &["1", "kg"]).unwrap_err(), "unit-unknown");
    assert_eq!(call("code", &["nothing", "1"]).unwrap_err(), "code-list-unknown");
}
