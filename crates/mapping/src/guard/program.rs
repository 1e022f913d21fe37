//! From source text to a compiled, guarded program, and its runs.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bytes::Bytes;
use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::native::Fun;
use jaq_core::{Compiler, Ctx, Filter, Vars as Bound, load};
use jaq_json::Val;
use lineshaft_model::Reason;

use super::limits::{MAX_BRACKETS, MAX_NESTING, MAX_SOURCE, REFUSED, brackets, nesting};
use super::rewrite::{Rewrite, SCALAR_WORDS};
use super::{Kind, Run, natives::natives};
use crate::budget::{Account, Budget};
use crate::convert::fault_from_val;
use crate::datum::clip;
use crate::diagnostic::{Diagnostic, Place};
use crate::functions::{Context, FUNCTIONS, arities};

/// The variables every program has, in the order they are bound.
pub(crate) const VARIABLES: &[&str] = &["$source", "$now", "$headers"];

/// The syntax tree of a program, checked for what no mapping may have.
pub(crate) struct Syntax<'s> {
    pub(crate) source: &'s str,
    pub(crate) term: Term<&'s str>,
}

impl<'s> Syntax<'s> {
    pub(crate) fn parse(source: &'s str) -> Result<Self, Vec<Diagnostic>> {
        let too_big = |message: String| {
            vec![
                Diagnostic::new("mapping-too-big", message)
                    .hint("split it into several definitions or mappings"),
            ]
        };
        if source.len() > MAX_SOURCE {
            return Err(too_big(format!("the mapping is longer than {MAX_SOURCE} bytes")));
        }
        if brackets(source) > MAX_BRACKETS {
            return Err(too_big(format!("brackets are nested deeper than {MAX_BRACKETS} levels")));
        }
        let tokens = Lexer::new(source).lex().map_err(|errors| {
            let diagnostic =
                |(expected, at): (load::lex::Expect<&str>, &str)| syntax_error(source, expected.as_str(), at);
            errors.into_iter().map(diagnostic).collect::<Vec<_>>()
        })?;
        let depth = nesting(&tokens, false);
        if depth > MAX_NESTING {
            return Err(too_big(format!(
                "expressions are nested {depth} levels deep, {MAX_NESTING} are allowed"
            )));
        }
        let term = Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
            let diagnostic =
                |(expected, found): (load::parse::Expect<&str>, Option<&load::lex::Token<&str>>)| {
                    let at = found.map_or(&source[source.len()..], |token| token.0);
                    syntax_error(source, expected.as_str(), at)
                };
            errors.into_iter().map(diagnostic).collect::<Vec<_>>()
        })?;
        let mut problems = Vec::new();
        check_names(&tokens, source, &mut problems);
        if problems.is_empty() { Ok(Self { source, term }) } else { Err(problems) }
    }
}

fn syntax_error(source: &str, expected: &str, at: &str) -> Diagnostic {
    let first = at.split_whitespace().next().unwrap_or_default();
    let found = if at.is_empty() { "the end".to_owned() } else { format!("`{}`", clip(first)) };
    let place = Place::of_slice(source, &at[..first.len().min(at.len())]);
    let problem = if expected.is_empty() || expected == "nothing" {
        format!("{found} is not expected here")
    } else {
        format!("expected {expected}, found {found}")
    };
    let hint = match first {
        "import" | "include" => "a mapping is one file; put definitions at its top",
        "else" | "end" | "then" => "check that every if has then and end",
        _ => "",
    };
    Diagnostic::new("mapping-syntax", problem).hint(hint).place(place)
}

/// Refuses words that are taken away, reserved, or that only mean trouble.
fn check_names(tokens: &[load::lex::Token<&str>], source: &str, problems: &mut Vec<Diagnostic>) {
    use load::lex::{StrPart, Tok, Token};
    let mut after_def = false;
    for Token(text, kind) in tokens {
        let place = || Place::of_slice(source, text);
        match kind {
            Tok::Word | Tok::Fmt if text.starts_with("__") => {
                problems.push(
                    Diagnostic::new(
                        "mapping-name-reserved",
                        format!("names that begin with __ are reserved: `{}`", clip(text)),
                    )
                    .place(place()),
                );
            }
            Tok::Word if after_def && SCALAR_WORDS.contains(text) => {
                problems.push(
                    Diagnostic::new("mapping-name-reserved", format!("`{text}` cannot be defined anew"))
                        .place(place()),
                );
            }
            Tok::Var if *text == "$ENV" => {
                problems.push(
                    Diagnostic::new("mapping-filter-refused", "`$ENV` is not available")
                        .hint("a mapping cannot read the environment; what it may see is in $source and $headers")
                        .place(place()),
                );
            }
            Tok::Var if text.starts_with("$__") => {
                problems.push(
                    Diagnostic::new(
                        "mapping-name-reserved",
                        format!("names that begin with $__ are reserved: `{}`", clip(text)),
                    )
                    .place(place()),
                );
            }
            Tok::Block(inner) => check_names(inner, source, problems),
            Tok::Str(parts) => {
                for part in parts {
                    if let StrPart::Term(token) = part {
                        check_names(std::slice::from_ref(token), source, problems);
                    }
                }
            }
            _ => {}
        }
        after_def = *text == "def";
    }
}

/// The standard definitions, rewritten once for all programs.
struct Standard {
    defs: Vec<Def<&'static str>>,
    shapes: Vec<Vec<Bytes>>,
    problem: Option<String>,
}

/// What our natives do better or what must go.
const REPLACED: &[&str] = &[
    "tostring",
    "type",
    "isboolean",
    "isnumber",
    "isstring",
    "isarray",
    "isobject",
    "debug",
    "stderr",
    "halt",
    "halt_error",
];

/// Our functions as definitions that call them by number.
static OURS: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    for (number, function) in FUNCTIONS.iter().enumerate() {
        let names: Vec<_> = (0..function.arity).map(|n| format!("$a{n}")).collect();
        let (open, close) = if names.is_empty() { ("", "") } else { ("(", ")") };
        let params = names.join("; ");
        let separator = if names.is_empty() { "" } else { "; " };
        text += &format!(
            "def {}{open}{params}{close}: __call{}({params}{separator}{number});\n",
            function.name, function.arity
        );
    }
    text
});

static STANDARD: LazyLock<Standard> = LazyLock::new(|| {
    let parse = |text: &'static str| load::parse(text, |parser| parser.defs());
    let (first, ours) = (parse(include_str!("prelude.jq")), parse(OURS.as_str()));
    let problem =
        (first.is_none() || ours.is_none()).then(|| "the standard definitions do not parse".to_owned());
    let theirs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let theirs = theirs.filter(|def| !REPLACED.contains(&def.name));
    let mut rewrite = Rewrite { trusted: true, shapes: Vec::new() };
    let raw = |def: &Def<&str>| {
        matches!(def.name, "empty" | "true" | "false" | "null" | "not" | "select" | "nan" | "infinite")
    };
    let defs = first.unwrap_or_default().into_iter().chain(theirs).chain(ours.unwrap_or_default());
    let defs = defs.map(|def| if raw(&def) { def } else { rewrite.def(def) }).collect();
    Standard { defs, shapes: rewrite.shapes, problem }
});

/// Natives that are taken away: they reach outside, end the process, or have a guarded form.
const REFUSED_NATIVES: &[&str] = &[
    "halt",
    "env",
    "now",
    "debug_empty",
    "stderr_empty",
    "localtime",
    "strflocaltime",
    "tobytes",
    "range",
    "tojson",
    "fromjson",
    "contains",
];

/// Natives that only guarded definitions call, under a name programs cannot write.
const RENAMED: &[(&str, &str)] = &[
    ("explode", "__explode"),
    ("implode", "__implode"),
    ("ascii_downcase", "__ascii_downcase"),
    ("ascii_upcase", "__ascii_upcase"),
    ("reverse", "__reverse"),
    ("sort", "__sort"),
    ("sort_by", "__sort_by"),
    ("group_by", "__group_by"),
    ("min_by_or_empty", "__min_by_or_empty"),
    ("max_by_or_empty", "__max_by_or_empty"),
    ("startswith", "__startswith"),
    ("endswith", "__endswith"),
    ("ltrimstr", "__ltrimstr"),
    ("rtrimstr", "__rtrimstr"),
    ("trim", "__trim"),
    ("ltrim", "__ltrim"),
    ("rtrim", "__rtrim"),
    ("escape_sh", "__escape_sh"),
    ("escape_html", "__escape_html"),
    ("unescape_html", "__unescape_html"),
    ("encode_uri", "__encode_uri"),
    ("decode_uri", "__decode_uri"),
    ("encode_base64", "__encode_base64"),
    ("decode_base64", "__decode_base64"),
    ("matches", "__matches"),
    ("split_matches", "__split_matches"),
    ("split_", "__split_"),
    ("keys_unsorted", "__keys_unsorted"),
    ("key_values", "__key_values"),
    ("path_value", "__path_value"),
    ("path", "__path"),
    ("length", "__length"),
    ("utf8bytelength", "__utf8bytelength"),
    ("has", "__has"),
    ("indices", "__indices"),
    ("bsearch", "__bsearch"),
];

fn guarded_natives() -> Vec<Fun<Kind>> {
    let theirs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let theirs =
        theirs.filter(|(name, ..)| !REFUSED_NATIVES.contains(&&**name)).map(|(name, args, native)| {
            let renamed = RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
            (renamed, args, native)
        });
    natives().into_iter().chain(theirs).collect()
}

/// A compiled, guarded program. It holds no values, so threads share it.
pub(crate) struct Program {
    filter: Filter<Kind>,
    shapes: Vec<Vec<Bytes>>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("shapes", &self.shapes.len()).finish_non_exhaustive()
    }
}

impl Program {
    pub(crate) fn compile(syntax: Syntax<'_>) -> Result<Self, Vec<Diagnostic>> {
        if let Some(problem) = &STANDARD.problem {
            return Err(vec![Diagnostic::new("mapping-internal", problem.clone())]);
        }
        let Syntax { source, term } = syntax;
        let mut rewrite = Rewrite { trusted: false, shapes: STANDARD.shapes.clone() };
        let main = Def { name: "__main", args: Vec::new(), body: rewrite.term(term) };
        let defs = STANDARD.defs.iter().cloned().chain([main]);
        let arena = Arena::default();
        let loaded = Loader::new(defs).load(&arena, File { code: "__main", path: () });
        let modules = loaded
            .map_err(|_| vec![Diagnostic::new("mapping-internal", "the rewritten mapping does not load")])?;
        let compiler =
            Compiler::default().with_funs(guarded_natives()).with_global_vars(VARIABLES.iter().copied());
        let filter = compiler.compile(modules).map_err(|errors| {
            let all = errors.into_iter().flat_map(|(_, errors)| errors);
            let mut seen = BTreeSet::new();
            let diagnostics = all.map(|(name, what)| undefined(source, name, &what));
            diagnostics
                .filter(|d| seen.insert((d.place.as_ref().map(|p| p.span.start), d.message.clone())))
                .collect::<Vec<_>>()
        })?;
        Ok(Self { filter, shapes: rewrite.shapes })
    }
}

fn undefined(source: &str, name: &str, what: &jaq_core::compile::Undefined) -> Diagnostic {
    use jaq_core::compile::Undefined;
    let place = Place::of_slice(source, name);
    if let Undefined::Filter(arity) = what {
        if let Some((_, hint)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Diagnostic::new("mapping-filter-refused", format!("`{name}` is not available"))
                .hint(*hint)
                .place(place);
        }
        let known = arities(name);
        let hint = if known.is_empty() {
            "look at the filters of jq and at docs/reference/mapping-functions.md".to_owned()
        } else {
            let counts: Vec<_> = known.iter().map(ToString::to_string).collect();
            format!("it takes {} arguments, separated by semicolons", counts.join(" or "))
        };
        let message = format!("there is no filter `{}` with {arity} arguments", clip(name));
        return Diagnostic::new("mapping-unknown-function", message).hint(hint).place(place);
    }
    let hint = if matches!(what, Undefined::Var) {
        "the variables given are $source, $now and $headers"
    } else {
        ""
    };
    Diagnostic::new("mapping-unknown-name", format!("there is no {} `{}`", what.as_str(), clip(name)))
        .hint(hint)
        .place(place)
}

/// Runs a program and hands each output to `each`, which may end the run early by refusing.
pub(crate) fn run(
    program: &Program,
    input: Val,
    variables: [Val; 3],
    context: Context<'_>,
    budget: &Budget,
    mut each: impl FnMut(Val, &Account) -> Result<(), Reason>,
) -> Result<u64, Reason> {
    let account = Account::new(budget);
    let run = Run { lut: &program.filter.lut, shapes: &program.shapes, account: &account, context };
    let result = outputs(program, &run, input, variables, &mut each);
    match account.stopped() {
        Some(stop) => Err(stop.reason(budget)),
        None => result.map(|()| account.used(budget)),
    }
}

fn outputs(
    program: &Program,
    run: &Run<'_>,
    input: Val,
    variables: [Val; 3],
    each: &mut impl FnMut(Val, &Account) -> Result<(), Reason>,
) -> Result<(), Reason> {
    let ctx = Ctx::<Kind>::new(run, Bound::new(variables));
    for output in program.filter.id.run((ctx, input)) {
        // Each output pays, so that a program cannot give endless small ones.
        run.account.tick().map_err(|stop| stop.reason(&Budget::DEFAULT))?;
        match output {
            Ok(value) => each(value, run.account)?,
            Err(exception) => {
                return Err(match exception.get_err() {
                    Ok(error) => fault_from_val(&error.into_val()),
                    Err(_) => Reason::new("mapping-failed", "the mapping broke off"),
                });
            }
        }
    }
    Ok(())
}
