//! `lineshaft explain CODE`: the page of an error code.

use clap::Args;
use lineshaft_model::Reason;

use super::Around;
use crate::explain;
use crate::failure::{Exit, Outcome};
use crate::workspace::spelling;

/// Prints the page of an error code; all codes when none is given.
#[derive(Args, Debug)]
pub struct Explain {
    /// Code, for instance contract-violation
    code: Option<String>,
}

impl Explain {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let Some(code) = &self.code else {
            let codes: Vec<&str> = explain::codes().collect();
            around.terminal.line(&codes.join("\n"))?;
            return Ok(Exit::Well);
        };
        match explain::page(code) {
            Some(page) => {
                around.terminal.write(page.as_bytes())?;
                Ok(Exit::Well)
            }
            None => {
                let hint = match spelling::closest(code, explain::codes()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => "`lineshaft explain` lists every code".to_owned(),
                };
                Err(Reason::new("code-unknown", format!("there is no page of `{}`", spelling::clip(code)))
                    .hint(hint)
                    .into())
            }
        }
    }
}
