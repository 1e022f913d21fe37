//! The report of a benchmark: a small table for people, or JSON.

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// How much.
    pub value: f64,
    /// In what.
    pub unit: &'static str,
    /// What it is to be, in words; none for a figure that only explains others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

/// Figures in the order in which they are shown.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The benchmark.
    pub name: &'static str,
    /// The processors it could use.
    pub processors: usize,
    /// The figures.
    pub figures: Vec<Figure>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        Self { name, processors, figures: Vec::new() }
    }

    /// Adds a figure.
    pub fn add(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { what: what.into(), value, unit, target: None, met: None });
    }

    /// Adds a figure that is to be at least `least`.
    pub fn at_least(&mut self, what: impl Into<String>, value: f64, unit: &'static str, least: f64) {
        let target = Some(format!("at least {}", number(least)));
        self.figures.push(Figure { what: what.into(), value, unit, target, met: Some(value >= least) });
    }

    /// Adds a figure that is to be at most `most`.
    pub fn at_most(&mut self, what: impl Into<String>, value: f64, unit: &'static str, most: f64) {
        let target = Some(format!("at most {}", number(most)));
        self.figures.push(Figure { what: what.into(), value, unit, target, met: Some(value <= most) });
    }

    /// Prints it.
    pub fn print(&self, json: bool) -> crate::machine::Outcome<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        let width = self.figures.iter().map(|figure| figure.what.chars().count()).max().unwrap_or(0);
        println!("{} on {} processors", self.name, self.processors);
        for figure in &self.figures {
            let Figure { what, value, unit, target, met } = figure;
            let verdict = match (target, met) {
                (Some(target), Some(true)) => format!("   met: {target}"),
                (Some(target), _) => format!("   NOT met: {target}"),
                _ => String::new(),
            };
            println!("  {what:width$}  {:>12} {unit:<10}{verdict}", number(*value));
        }
        Ok(())
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
