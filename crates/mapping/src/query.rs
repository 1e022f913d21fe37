//! A program with its plan, when it has one, and the interpreter behind it.

use std::sync::OnceLock;

use jaq_json::Val;
use lineshaft_model::Reason;

use crate::budget::{Account, Budget, Stop};
use crate::convert::{text_of, val_from_datum, write_val};
use crate::datum::Datum;
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, Vars};
use crate::functions::Context;
use crate::guard::{self, Program, Syntax};
use crate::input::Input;
use crate::mapping::MappingError;
use crate::plan::{self, Halt, Plan, Runner, Unplanned, V};
use crate::reads::Reads;

/// A compiled expression of any kind: mapping, condition, template part.
#[derive(Debug)]
pub(crate) struct Query {
    source: Box<str>,
    plan: Result<Plan, Unplanned>,
    /// Compiled at once when there is no plan, else when the plan first gives up.
    program: OnceLock<Result<Program, String>>,
    environment: Environment,
}

/// How an expression runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// As a plan over the borrowed input; the fast way.
    Compiled,
    /// By the interpreter, because of something a plan does not cover.
    Interpreted {
        /// What it is, for instance "the filter `gsub`".
        why: String,
        /// Where it stands, from 1, when known.
        line: Option<u32>,
    },
}

/// An output of either way of running.
pub(crate) enum Output<'v, 'e> {
    Planned(&'v V<'e>),
    Interpreted(&'v Val),
}

impl Output<'_, '_> {
    pub(crate) const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Planned(V::Bool(truth)) | Self::Interpreted(Val::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Planned(V::Null) | Self::Interpreted(Val::Null))
    }

    /// Neither an array nor an object.
    pub(crate) fn is_scalar(&self) -> bool {
        match self {
            Self::Planned(value) => value.array_len().is_none() && value.object_len().is_none(),
            Self::Interpreted(value) => !matches!(value, Val::Arr(_) | Val::Obj(_)),
        }
    }

    /// Appends it as JSON text.
    pub(crate) fn write(&self, out: &mut Vec<u8>, account: &Account, budget: &Budget) -> Result<(), Reason> {
        match self {
            Self::Planned(value) => value.write(out, account).map_err(|stop| stop.reason(budget)),
            Self::Interpreted(value) => write_val(value, out),
        }
    }

    /// Appends it as interpolation shows it.
    pub(crate) fn show(&self, out: &mut Vec<u8>, account: &Account, budget: &Budget) -> Result<(), Reason> {
        match self {
            Self::Planned(value) => value.show(out, account).map_err(|stop| stop.reason(budget)),
            Self::Interpreted(value) => text_of(value, out),
        }
    }
}

/// Why a run gave nothing, and the line of the program when it is known.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) line: Option<u32>,
}

impl Failure {
    /// The error of something called `name`.
    pub(crate) fn of(self, name: &str) -> MappingError {
        MappingError { mapping: name.into(), reason: self.reason, line: self.line }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self { reason, line: None }
    }
}

/// How the run of a plan ended.
enum Ended<R> {
    Outputs(Vec<R>),
    /// The budget is used up, or an output was not wanted.
    Failed(Failure),
    /// A function or the mapping itself refused.
    Refused(Failure),
    /// Only the interpreter can tell.
    GaveUp,
}

impl Query {
    pub(crate) fn compile(source: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        let syntax = Syntax::parse(source)?;
        let plan = plan::compile(syntax.source, &syntax.term);
        let program = OnceLock::new();
        if plan.is_err() {
            let compiled = Program::compile(syntax)?;
            let _ = program.set(Ok(compiled));
        }
        Ok(Self { source: source.into(), plan, program, environment: environment.clone() })
    }

    /// The same without a plan, to compare with.
    #[cfg(test)]
    pub(crate) fn interpreted(source: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        let mut query = Self::compile(source, environment)?;
        query.plan = Err(Unplanned { why: "asked for".to_owned(), line: None });
        Ok(query)
    }

    pub(crate) fn how(&self) -> How {
        match &self.plan {
            Ok(_) => How::Compiled,
            Err(unplanned) => How::Interpreted { why: unplanned.why.clone(), line: unplanned.line },
        }
    }

    /// What it reads of its input.
    pub(crate) fn reads(&self) -> Reads {
        self.plan.as_ref().map_or_else(|_| Reads::everything(), |plan| Reads::of(plan::reads::reads(plan)))
    }

    fn program(&self) -> Result<&Program, Reason> {
        let compile = || {
            let problem =
                |problems: Vec<Diagnostic>| problems.first().map(ToString::to_string).unwrap_or_default();
            Syntax::parse(&self.source).and_then(Program::compile).map_err(problem)
        };
        self.program
            .get_or_init(compile)
            .as_ref()
            .map_err(|problem| Reason::new("mapping-failed", problem.clone()))
    }

    /// Runs it and gathers what `take` makes of each output.
    pub(crate) fn run<R>(
        &self,
        input: &Input<'_>,
        vars: &Vars<'_>,
        budget: &Budget,
        mut take: impl FnMut(Output<'_, '_>, &Account) -> Result<R, Reason>,
    ) -> Result<Vec<R>, Failure> {
        let mut told = None;
        if let Ok(plan) = &self.plan {
            match self.run_plan(plan, input, vars, budget, &mut take) {
                Ended::Outputs(outputs) => return Ok(outputs),
                Ended::Failed(failure) => return Err(failure),
                // The interpreter has the last word on whether that counts.
                Ended::Refused(failure) => told = Some(failure),
                Ended::GaveUp => {}
            }
        }
        let mut outputs = Vec::new();
        let context = self.context(vars);
        let take = |value: Val, account: &Account| {
            outputs.push(take(Output::Interpreted(&value), account)?);
            Ok(())
        };
        match (guard::run(self.program()?, input.interpreted(), variables(vars), context, budget, take), told)
        {
            (Ok(_), _) => Ok(outputs),
            (Err(reason), Some(told)) if told.reason.code == reason.code => Err(told),
            (Err(reason), _) => Err(reason.into()),
        }
    }

    fn run_plan<R>(
        &self,
        plan: &Plan,
        input: &Input<'_>,
        vars: &Vars<'_>,
        budget: &Budget,
        take: &mut impl FnMut(Output<'_, '_>, &Account) -> Result<R, Reason>,
    ) -> Ended<R> {
        let account = Account::new(budget);
        let runner = Runner::new(plan, input.tree(), vars, self.context(vars), &account);
        let mut outputs = Vec::new();
        let mut refusal = None;
        let result = runner.run(plan, &mut |value| {
            account.tick().map_err(Halt::Stop)?;
            match take(Output::Planned(&value), &account) {
                Ok(output) => {
                    outputs.push(output);
                    Ok(())
                }
                Err(reason) => {
                    refusal = Some(reason);
                    Err(Halt::Enough)
                }
            }
        });
        match (result, refusal) {
            (_, Some(reason)) => Ended::Failed(reason.into()),
            (Ok(()), None) => Ended::Outputs(outputs),
            (Err(Halt::Stop(stop)), None) => Ended::Failed(stop.reason(budget).into()),
            (Err(Halt::Fault(fault)), None) => {
                Ended::Refused(Failure { reason: fault.reason, line: fault.line })
            }
            (Err(Halt::Bail | Halt::Enough), None) => Ended::GaveUp,
        }
    }

    fn context<'a>(&'a self, vars: &Vars<'a>) -> Context<'a> {
        Context {
            environment: &self.environment,
            references: vars.references,
            today: vars.now.get(..10).unwrap_or_default(),
        }
    }
}

/// Takes from the room for outputs.
pub(crate) fn take_room(room: &mut usize, len: usize, budget: &Budget) -> Result<(), Reason> {
    *room = room.checked_sub(len).ok_or_else(|| Stop::Output.reason(budget))?;
    Ok(())
}

/// The three variables as the interpreter's values.
fn variables(vars: &Vars<'_>) -> [Val; 3] {
    let word = |text: &str| if text.is_empty() { Datum::Null } else { Datum::text(text.to_owned()) };
    let optional = |text: Option<&str>| text.map_or(Datum::Null, |text| Datum::text(text.to_owned()));
    let source = Datum::Fields(vec![
        ("system".into(), word(vars.system)),
        ("source".into(), word(vars.source)),
        ("tenant".into(), word(vars.tenant)),
        ("site".into(), optional(vars.site)),
        ("file".into(), optional(vars.file)),
        ("line".into(), vars.line.map_or(Datum::Null, |line| Datum::Number(line.to_string().into()))),
    ]);
    let headers = vars.headers.iter().map(|(k, v)| (k.as_str().into(), Datum::text(v.as_str()))).collect();
    [val_from_datum(&source), val_from_datum(&word(vars.now)), val_from_datum(&Datum::Fields(headers))]
}
