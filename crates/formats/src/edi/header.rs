//! What the segments of an envelope hold when it is written: what the document says, else the options.

mod settings;

pub(super) use settings::Settings;

use std::borrow::Cow;

use lineshaft_model::json::Value;

use super::delimiters::{Delimiter, Delimiters};
use super::dialect::Dialect;
use super::options::{LineEnd, Party};
use super::write::{Element, Syntax, refused, simple};
use crate::error::FormatError;

/// The header of an interchange.
pub(super) struct Interchange {
    pub(super) syntax: Syntax,
    /// UNA, when there is one to write.
    pub(super) una: Option<Vec<u8>>,
    pub(super) elements: Vec<Element<'static>>,
    pub(super) control: String,
}

/// The header of a group or of a transaction set.
pub(super) struct Header {
    pub(super) elements: Vec<Element<'static>>,
    pub(super) control: String,
}

/// A member that is a text or a number.
fn text<'v>(value: &'v Value<'_>, key: &str) -> Option<Cow<'v, str>> {
    match value.get(key)? {
        Value::String(text) | Value::Number(text) => Some(Cow::Borrowed(text.as_ref())),
        _ => None,
    }
}

/// The elements of a member `segment`, which says all there is to say.
fn whole(value: &Value<'_>) -> Option<Vec<Element<'static>>> {
    let owned = |value: &Value<'_>| match value {
        Value::String(text) | Value::Number(text) => Cow::Owned(text.clone().into_owned()),
        _ => Cow::Borrowed(""),
    };
    let components = |value: &Value<'_>| match value {
        Value::Array(values) => values.iter().map(owned).collect(),
        one => vec![owned(one)],
    };
    let elements = value.get("segment")?.as_array()?.iter().map(|element| match element {
        Value::Array(values) if values.iter().any(|value| matches!(value, Value::Array(_))) => {
            values.iter().map(components).collect()
        }
        one => vec![components(one)],
    });
    Some(elements.collect())
}

fn at<'e>(elements: &'e [Element<'static>], number: usize, component: usize) -> &'e str {
    elements.get(number).and_then(|element| element.first()?.get(component)).map_or("", AsRef::as_ref)
}

/// When the interchange is made: `date` and `time` as they are written, or `at`, an RFC 3339 time.
struct When {
    /// `260131`
    short: String,
    /// `20260131`
    long: String,
    time: String,
}

fn when(settings: &Settings, value: &Value<'_>) -> Result<When, FormatError> {
    let refuse = |message: &str| {
        let hint = "give `interchange.at` as an RFC 3339 time, or `interchange.date` and `.time` as they are to be written";
        Err(refused(settings.dialect, message, hint))
    };
    if let Some(moment) = text(value, "at") {
        let digits: String = moment.chars().filter(char::is_ascii_digit).take(12).collect();
        let is_time = moment.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't' | b' '));
        if digits.len() < 12 || !is_time {
            return refuse("`interchange.at` is not an RFC 3339 time");
        }
        return Ok(When {
            short: digits[2..8].to_owned(),
            long: digits[..8].to_owned(),
            time: digits[8..].to_owned(),
        });
    }
    let (Some(date), Some(time)) = (text(value, "date"), text(value, "time")) else {
        return refuse("the interchange has no date and time");
    };
    if !(date.is_ascii() && matches!(date.len(), 6 | 8)) {
        return refuse("`interchange.date` has neither six nor eight digits");
    }
    let (short, long) = match date.len() {
        8 => (date[2..].to_owned(), date.clone().into_owned()),
        _ => (date.clone().into_owned(), format!("20{date}")),
    };
    Ok(When { short, long, time: time.into_owned() })
}

fn party(value: &Value<'_>, key: &str, usual: &Party) -> (String, String) {
    let given = value.get(key).unwrap_or(&Value::Null);
    let part = |key: &str, usual: &str| text(given, key).map_or_else(|| usual.to_owned(), Cow::into_owned);
    (part("qualifier", &usual.qualifier), part("id", &usual.id))
}

/// The header of the interchange that a document names.
pub(super) fn interchange(settings: &Settings, value: &Value<'_>) -> Result<Interchange, FormatError> {
    let marks = settings.marks(value)?;
    let read = value.get("delimiters").and_then(|named| named.get("line_end")?.as_str());
    let line_end = match settings.line_end {
        Some(LineEnd::None) => Cow::Borrowed(""),
        Some(LineEnd::Lf) => Cow::Borrowed("\n"),
        Some(LineEnd::Crlf) => Cow::Borrowed("\r\n"),
        None => Cow::Owned(read.filter(|text| text.trim().is_empty()).unwrap_or_default().to_owned()),
    };
    let (dialect, trailing, encoding) = (settings.dialect, settings.trailing, settings.encoding);
    let mut syntax = Syntax { dialect, marks, line_end, trailing, encoding };
    let elements = match (whole(value), dialect) {
        (Some(elements), _) => elements,
        (None, Dialect::X12) => isa(settings, value, &syntax.marks)?,
        (None, Dialect::Edifact) => unb(settings, value)?,
    };
    let mut elements = elements;
    let control = match dialect {
        Dialect::X12 => {
            name_marks(&mut elements, &syntax.marks);
            at(&elements, 13, 0).trim_end().to_owned()
        }
        Dialect::Edifact => at(&elements, 5, 0).to_owned(),
    };
    let una = if dialect == Dialect::Edifact { una(settings, value, &mut syntax) } else { None };
    Ok(Interchange { syntax, una, elements, control })
}

/// ISA names its delimiters itself, so these two are never data.
fn name_marks(elements: &mut [Element<'static>], marks: &Delimiters) {
    let mut put = |number: usize, mark: Option<Delimiter>| {
        if let (Some(element), Some(mark)) = (elements.get_mut(number), mark) {
            *element = simple(mark.text());
        }
    };
    put(11, marks.repetition);
    put(16, marks.component);
}

fn fixed(
    settings: &Settings,
    what: &str,
    value: &str,
    width: usize,
) -> Result<Element<'static>, FormatError> {
    if value.chars().count() > width {
        let message = format!("{what} is {value:?}, longer than {width} characters");
        return Err(refused(settings.dialect, message, "the header of an interchange has a fixed width"));
    }
    Ok(simple(format!("{value:width$}")))
}

fn control(settings: &Settings, value: &Value<'_>) -> Result<String, FormatError> {
    let number = text(value, "control").filter(|control| !control.is_empty());
    number.map(Cow::into_owned).ok_or_else(|| {
        let message = "the interchange has no control number";
        refused(settings.dialect, message, "give `interchange.control`: numbers are never made up")
    })
}

fn needed(settings: &Settings, what: &str, id: &str) -> Result<(), FormatError> {
    if id.trim().is_empty() {
        let message = format!("the interchange has no {what}");
        let hint =
            format!("give `interchange.{what}` in the document, or `{what}` in the options of the format");
        return Err(refused(settings.dialect, message, &hint));
    }
    Ok(())
}

fn isa(
    settings: &Settings,
    value: &Value<'_>,
    marks: &Delimiters,
) -> Result<Vec<Element<'static>>, FormatError> {
    let sender = party(value, "sender", &settings.sender);
    let receiver = party(value, "receiver", &settings.receiver);
    needed(settings, "sender", &sender.1)?;
    needed(settings, "receiver", &receiver.1)?;
    let moment = when(settings, value)?;
    let number = control(settings, value)?;
    let number =
        if number.bytes().all(|byte| byte.is_ascii_digit()) { format!("{number:0>9}") } else { number };
    let part = |key: &str, usual: &str| text(value, key).map_or_else(|| usual.to_owned(), Cow::into_owned);
    let acknowledge = part("acknowledge", if settings.acknowledge { "1" } else { "0" });
    let qualifier = |given: String| if given.is_empty() { "ZZ".to_owned() } else { given };
    Ok(vec![
        simple("ISA"),
        simple("00"),
        fixed(settings, "ISA02", "", 10)?,
        simple("00"),
        fixed(settings, "ISA04", "", 10)?,
        fixed(settings, "ISA05", &qualifier(sender.0), 2)?,
        fixed(settings, "the sender", &sender.1, 15)?,
        fixed(settings, "ISA07", &qualifier(receiver.0), 2)?,
        fixed(settings, "the receiver", &receiver.1, 15)?,
        fixed(settings, "the date", &moment.short, 6)?,
        fixed(settings, "the time", moment.time.get(..4).unwrap_or(&moment.time), 4)?,
        simple(marks.repetition.map_or_else(|| "U".to_owned(), |mark| mark.text())),
        fixed(settings, "the version", &part("version", &settings.version), 5)?,
        fixed(settings, "the control number", &number, 9)?,
        fixed(settings, "`acknowledge`", &acknowledge, 1)?,
        fixed(settings, "`usage`", &part("usage", &settings.usage), 1)?,
        simple(marks.component.map_or_else(|| ">".to_owned(), |mark| mark.text())),
    ])
}

fn unb(settings: &Settings, value: &Value<'_>) -> Result<Vec<Element<'static>>, FormatError> {
    let sender = party(value, "sender", &settings.sender);
    let receiver = party(value, "receiver", &settings.receiver);
    needed(settings, "sender", &sender.1)?;
    needed(settings, "receiver", &receiver.1)?;
    let moment = when(settings, value)?;
    let number = control(settings, value)?;
    let part = |key: &str, usual: &str| text(value, key).map_or_else(|| usual.to_owned(), Cow::into_owned);
    let version = part("version", &settings.version);
    let date = if version.as_str() >= "4" { moment.long } else { moment.short };
    let pair = |first: String, second: String| vec![vec![Cow::Owned(first), Cow::Owned(second)]];
    let mut elements = vec![
        simple("UNB"),
        pair(part("character_set", &settings.character_set), version),
        pair(sender.1, sender.0),
        pair(receiver.1, receiver.0),
        pair(date, moment.time),
        simple(number),
        simple(""),
        simple(part("application", "")),
        simple(""),
        simple(part("acknowledge", if settings.acknowledge { "1" } else { "" })),
        simple(part("agreement", "")),
        simple(part("test", &settings.usage)),
    ];
    for element in &mut elements {
        for components in element.iter_mut() {
            while components.len() > 1 && components.last().is_some_and(|last| last.is_empty()) {
                components.pop();
            }
        }
    }
    while elements.last().is_some_and(|last| last.iter().flatten().all(|text| text.is_empty())) {
        elements.pop();
    }
    Ok(elements)
}

/// UNA: as it was read, or made where a delimiter is not the usual one.
fn una(settings: &Settings, value: &Value<'_>, syntax: &mut Syntax) -> Option<Vec<u8>> {
    let read = value.get("delimiters").and_then(|named| named.get("una")?.as_str());
    let marks = &syntax.marks;
    let Delimiters { element, component, release, segment, .. } = Delimiters::edifact();
    let is_usual = (marks.element, marks.component, marks.release, marks.segment)
        == (element, component, release, segment);
    // What was read without one is written without one.
    let is_read = value.get("delimiters").is_some() && !settings.has_marks();
    if !settings.una.unwrap_or(read.is_some() || !is_usual && !is_read) {
        return None;
    }
    let mut una = b"UNA".to_vec();
    match read.filter(|una| !settings.has_marks() && una.len() < 10) {
        Some(una_read) => una.extend_from_slice(una_read.as_bytes()),
        None => {
            una.extend_from_slice(marks.component.unwrap_or(Delimiter::byte(b':')).as_bytes());
            una.extend_from_slice(marks.element.as_bytes());
            una.extend_from_slice(&[b'.', marks.release.unwrap_or(b' ')]);
            una.extend_from_slice(marks.repetition.unwrap_or(Delimiter::byte(b' ')).as_bytes());
            una.extend_from_slice(marks.segment.as_bytes());
        }
    }
    Some(una)
}

/// The functional identifier code of a group, GS01, by what the group holds.
const FUNCTIONS: &[(&str, &str)] = &[
    ("810", "IN"),
    ("820", "RA"),
    ("824", "AG"),
    ("830", "PS"),
    ("846", "IB"),
    ("850", "PO"),
    ("855", "PR"),
    ("856", "SH"),
    ("860", "PC"),
    ("861", "RC"),
    ("862", "SS"),
    ("865", "CA"),
    ("940", "OW"),
    ("943", "AR"),
    ("944", "RE"),
    ("945", "SW"),
    ("947", "AW"),
    ("997", "FA"),
    ("999", "FA"),
];

/// What the group that a document names holds: GS01, or the type of the messages.
pub(super) fn function(settings: &Settings, value: &Value<'_>, kind: &str) -> Result<String, FormatError> {
    if let Some(elements) = whole(value) {
        return Ok(at(&elements, 1, 0).to_owned());
    }
    let known = FUNCTIONS.iter().find(|(set, _)| *set == kind).map(|(_, function)| *function);
    let usual = if settings.dialect == Dialect::X12 { known } else { Some(kind) };
    let given = text(value, "function").map(Cow::into_owned).or_else(|| usual.map(str::to_owned));
    given.ok_or_else(|| {
        let message = format!("the functional group of a {kind:?} is not known");
        refused(settings.dialect, message, "give `group.function`, GS01")
    })
}

/// The header of the group that a document names, or of the one that its set needs.
pub(super) fn group(
    settings: &Settings,
    interchange: &Value<'_>,
    value: &Value<'_>,
    function: String,
    interchange_control: &str,
    number: u64,
) -> Result<Header, FormatError> {
    if let Some(elements) = whole(value) {
        let number = if settings.dialect == Dialect::X12 { 6 } else { 5 };
        let control = at(&elements, number, 0).to_owned();
        return Ok(Header { elements, control });
    }
    let part = |key: &str| text(value, key).map(Cow::into_owned);
    // The usual number of the first group is that of the interchange; a second one needs its own.
    let usual = || {
        let bare = interchange_control.trim_start_matches('0');
        if number == 1 { Some(if bare.is_empty() { "0" } else { bare }.to_owned()) } else { None }
    };
    let Some(control) = part("control").or_else(usual) else {
        let message = "the second group of an interchange has no control number";
        return Err(refused(settings.dialect, message, "give `group.control`"));
    };
    let application = |key: &str, settings: &Party| {
        let id = party(interchange, key, settings).1;
        part(key).or_else(|| settings.application.clone()).unwrap_or(id)
    };
    let sender = application("sender", &settings.sender);
    let receiver = application("receiver", &settings.receiver);
    let moment = when(settings, interchange)?;
    let date = part("date").unwrap_or(moment.long);
    let time = part("time").unwrap_or(moment.time);
    let elements = match settings.dialect {
        Dialect::X12 => vec![
            simple("GS"),
            simple(function),
            simple(sender),
            simple(receiver),
            simple(date),
            simple(time),
            simple(control.clone()),
            simple(part("agency").unwrap_or_else(|| "X".to_owned())),
            simple(part("version").unwrap_or_else(|| settings.group_version.clone())),
        ],
        Dialect::Edifact => vec![
            simple("UNG"),
            simple(function),
            simple(sender),
            simple(receiver),
            vec![vec![Cow::Owned(date), Cow::Owned(time)]],
            simple(control.clone()),
            simple(part("agency").unwrap_or_else(|| "UN".to_owned())),
            vec![vec![
                Cow::Owned(part("version").unwrap_or_else(|| "D".to_owned())),
                Cow::Owned(part("release").unwrap_or_else(|| "96A".to_owned())),
            ]],
        ],
    };
    Ok(Header { elements, control })
}

fn number_of(dialect: Dialect, elements: &[Element<'static>]) -> String {
    at(elements, if dialect == Dialect::X12 { 2 } else { 1 }, 0).to_owned()
}

/// The number that a document brings for its set.
pub(super) fn number(dialect: Dialect, document: &Value<'_>) -> Option<String> {
    match whole(document) {
        Some(elements) => Some(number_of(dialect, &elements)),
        None => text(document, "control").map(Cow::into_owned),
    }
}

/// ST or UNH of a document.
pub(super) fn transaction(
    settings: &Settings,
    document: &Value<'_>,
    kind: &str,
    number: u64,
) -> Result<Header, FormatError> {
    if let Some(elements) = whole(document) {
        let control = number_of(settings.dialect, &elements);
        return Ok(Header { elements, control });
    }
    if kind.is_empty() {
        return Err(refused(
            settings.dialect,
            "the document has no `type`",
            "give it, such as \"850\" or \"ORDERS\"",
        ));
    }
    let part = |key: &str| text(document, key).filter(|text| !text.is_empty()).map(Cow::into_owned);
    let (elements, control) = match settings.dialect {
        Dialect::X12 => {
            let control = part("control").unwrap_or_else(|| format!("{number:04}"));
            let mut elements = vec![simple("ST"), simple(kind.to_owned()), simple(control.clone())];
            elements.extend(part("implementation").map(simple));
            (elements, control)
        }
        Dialect::Edifact => {
            let control = part("control").unwrap_or_else(|| number.to_string());
            let name = |key: &str, usual: &str| Cow::Owned(part(key).unwrap_or_else(|| usual.to_owned()));
            let mut version = vec![
                Cow::Owned(kind.to_owned()),
                name("version", "D"),
                name("release", "96A"),
                name("agency", "UN"),
            ];
            version.extend(part("association").map(Cow::Owned));
            let mut elements = vec![simple("UNH"), simple(control.clone()), vec![version]];
            elements.extend(part("access").map(simple));
            (elements, control)
        }
    };
    Ok(Header { elements, control })
}
