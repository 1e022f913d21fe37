//! `lineshaft map DIR MAPPING`: one mapping tried on standard input.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_mapping::{Budget, CodeList, Environment, Mapping, Units, Vars};
use lineshaft_model::Reason;

use super::Around;
use super::listing::pretty;
use crate::failure::{Exit, Failure, Outcome};
use crate::workspace::{Files, Problem, Problems, Style, render, spelling};

/// Tries one mapping: a JSON document in, what the mapping makes of it out, one a line.
#[derive(Args, Debug)]
pub struct Map {
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A file of mappings/, for instance wms-count.jq
    #[arg(value_name = "MAPPING")]
    mapping: String,
    /// The system the document comes from, as the mapping sees it
    #[arg(long, value_name = "NAME", default_value = "")]
    system: String,
    /// The source the document comes from, as the mapping sees it
    #[arg(long, value_name = "NAME", default_value = "")]
    source: String,
}

impl Map {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let mapping = self.compiled(around)?;
        let input = standard_input()?;
        let now = SystemClock::new().now().to_string();
        let vars =
            Vars { system: &self.system, source: &self.source, tenant: "main", now: &now, ..Vars::default() };
        let outputs = mapping
            .run_bytes(&input, &vars, &Budget::DEFAULT)
            .map_err(|error| Failure::problem(error.into()))?;
        for output in outputs {
            let text = String::from_utf8_lossy(&output);
            match around.terminal.width {
                Some(_) => around.terminal.line(&pretty(&text))?,
                None => around.terminal.line(&text)?,
            }
        }
        Ok(Exit::Well)
    }

    /// Only the mapping and what it looks up has to be right: it is often tried while the rest is not there yet.
    fn compiled(&self, around: &Around) -> Result<Mapping, Failure> {
        let mut problems = Problems::default();
        let files = Files::read(&self.folder, &mut problems);
        let wanted = self.mapping.trim_start_matches("mappings/");
        let name = if wanted.ends_with(".jq") { wanted.to_owned() } else { format!("{wanted}.jq") };
        let Some((_, file, text)) =
            files.of("mappings").find(|(_, file, _)| *file == format!("mappings/{name}"))
        else {
            let known: Vec<&str> = files.of("mappings").map(|(stem, ..)| stem).collect();
            let message = format!("there is no mapping `{}`", spelling::clip(&name));
            return Err(Failure::wrong_use(message, spelling::meant(wanted, known)));
        };
        let mut problems = Problems::default();
        let (mut lists, mut units) = (Vec::new(), Units::default());
        for (stem, file, text) in files.of("codes") {
            let faults = match stem {
                "units" => Units::parse(text.as_bytes()).map(|read| units = read),
                _ => CodeList::parse(stem, text.as_bytes()).map(|read| lists.push(read)),
            };
            problems.extend(
                faults.err().unwrap_or_default().iter().map(|f| Problem::of_diagnostic(file, text, f)),
            );
        }
        let compiled = Mapping::compile(&name, text, &Environment::new(lists, units));
        if let Err(faults) = &compiled {
            problems.extend(faults.iter().map(|fault| Problem::of_diagnostic(file, text, fault)));
        }
        match compiled {
            Ok(mapping) if problems.errors() == 0 => Ok(mapping),
            _ => {
                let style = match around.terminal.talkative {
                    true => Style::Snippets { colour: around.terminal.colour },
                    false => Style::Lines,
                };
                around.terminal.say(render(&problems, &files, style).trim_end());
                Err(Failure { exit: Exit::Problems, reasons: Vec::new() })
            }
        }
    }
}

/// Everything on standard input, up to a bound.
pub(super) fn standard_input() -> Result<Vec<u8>, Failure> {
    const MOST_BYTES: u64 = 256 << 20;
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut input);
    read.map_err(|error| Failure::io("standard input cannot be read", "stdin", &error))?;
    if input.len() as u64 > MOST_BYTES {
        let reason = Reason::new("input-too-long", format!("more than {MOST_BYTES} bytes on standard input"));
        return Err(reason.hint("send less at once").into());
    }
    Ok(input)
}
