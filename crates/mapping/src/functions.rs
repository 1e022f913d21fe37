//! Our functions: one table, used by both ways a mapping can run and by the reference page.

mod dates;
mod decimals;
mod lookups;
mod text;

#[cfg(test)]
mod tests;

use lineshaft_model::Reason;

use crate::datum::Datum;
use crate::environment::{Environment, References};

/// What a function may look at besides its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) references: &'a dyn References,
    /// The hub's date as `YYYY-MM-DD`, empty when there is none.
    pub(crate) today: &'a str,
}

/// The arguments of one call: the input `.` first when the function uses it.
pub(crate) type Arguments<'a, 'd> = &'a [Datum<'d>];

pub(crate) type Run = fn(Arguments<'_, '_>, Context<'_>) -> Result<Datum<'static>, Reason>;

/// One function of ours.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// How many arguments stand between the parentheses.
    pub(crate) arity: usize,
    /// Whether `.` is handed over as the first argument.
    pub(crate) uses_input: bool,
    pub(crate) run: Run,
}

const fn function(name: &'static str, arity: usize, run: Run) -> Function {
    Function { name, arity, uses_input: false, run }
}

const fn filter(name: &'static str, arity: usize, run: Run) -> Function {
    Function { name, arity, uses_input: true, run }
}

/// Every function, in the order of the reference page.
pub(crate) const FUNCTIONS: &[Function] = &[
    function("dec_add", 2, decimals::add),
    function("dec_sub", 2, decimals::sub),
    function("dec_mul", 2, decimals::mul),
    function("dec_div", 3, decimals::div),
    function("dec_round", 2, decimals::round),
    function("dec_cmp", 2, decimals::cmp),
    function("dec_neg", 1, decimals::neg),
    function("dec_abs", 1, decimals::abs),
    function("dec_sum", 1, decimals::sum),
    function("dec_norm", 1, decimals::norm),
    filter("dec_sum", 0, decimals::sum),
    filter("dec_norm", 0, decimals::norm),
    filter("dec_neg", 0, decimals::neg),
    filter("dec_abs", 0, decimals::abs),
    function("qty", 2, lookups::qty),
    function("convert", 2, lookups::convert),
    function("convert", 3, lookups::convert),
    function("convert", 4, lookups::convert),
    function("unit", 2, lookups::unit),
    function("code", 2, lookups::code),
    function("code", 3, lookups::code),
    function("code_back", 2, lookups::code_back),
    function("code_back", 3, lookups::code_back),
    function("xref", 3, lookups::xref),
    function("xref_back", 3, lookups::xref_back),
    function("datetime", 3, dates::datetime),
    function("date_only", 2, dates::date_only),
    filter("date", 1, dates::date_only),
    filter("odata_date", 0, dates::odata_date),
    filter("x12_date", 0, dates::x12_date),
    function("add_days", 2, dates::add_days),
    filter("pad_left", 2, text::pad_left),
    filter("strip_zeros", 0, text::strip_zeros),
    filter("blank_to_null", 0, text::blank_to_null),
    function("hash_id", 1, text::hash_id),
];

/// Where a function stands in [`FUNCTIONS`].
pub(crate) fn find(name: &str, arity: usize) -> Option<usize> {
    FUNCTIONS.iter().position(|f| f.name == name && f.arity == arity)
}

/// The arities a function of this name has; empty when there is none.
pub(crate) fn arities(name: &str) -> Vec<usize> {
    FUNCTIONS.iter().filter(|f| f.name == name).map(|f| f.arity).collect()
}
