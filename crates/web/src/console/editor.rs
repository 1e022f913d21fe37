//! The editor of dead letters and refused inputs: the text, what it would change, and what speaks against it.

use bytes::Bytes;
use lineshaft_engine::handle::{Edit, Preview};
use lineshaft_model::{Reason, Reasons};
use serde::Deserialize;

use super::dead_letters::because;
use super::fault::Fault;
use super::session::Viewer;
use crate::problem::Problem;

/// The longest text that is edited in a form; what is longer is edited by the command line.
pub(super) const LONGEST_EDIT: usize = 256 * 1024;

/// The longest form of it, every character escaped.
pub(super) const LONGEST_FORM: usize = 4 * LONGEST_EDIT;

/// What the editor shows.
#[derive(Debug, Default)]
pub(super) struct Editor {
    /// The page of what is edited.
    pub(super) base: String,
    /// Where the form goes.
    pub(super) action: String,
    /// What is edited, in words.
    pub(super) about: &'static str,
    /// What the last button says.
    pub(super) verb: &'static str,
    pub(super) text: String,
    pub(super) reason: String,
    /// What may be changed; `None` for everything.
    pub(super) fields: Option<Vec<String>>,
    pub(super) preview: Option<Preview>,
    pub(super) problems: Reasons,
}

impl Editor {
    /// Lines of the field.
    pub(super) fn rows(&self) -> usize {
        self.text.lines().count().clamp(6, 28) + 1
    }

    /// What is shown when it was refused again as it came.
    pub(super) fn refused(problem: &Problem) -> Self {
        Self { problems: problems_of(problem), ..Self::default() }
    }

    /// What is shown after a step: the text as it was given, with what it would change or what speaks against it.
    pub(super) fn after(form: Written, outcome: Result<Option<Preview>, Problem>) -> Self {
        let (preview, problems) = match outcome {
            Ok(preview) => (preview, Vec::new()),
            Err(problem) => (None, problems_of(&problem)),
        };
        Self { text: form.data, reason: form.reason, preview, problems, ..Self::default() }
    }
}

fn problems_of(problem: &Problem) -> Reasons {
    if problem.errors().is_empty() { vec![problem.reason()] } else { problem.errors().to_vec() }
}

/// The form as it comes.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) form_token: String,
    data: String,
    #[serde(default)]
    reason: String,
    pub(super) step: EditStep,
}

/// What is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EditStep {
    /// Show what would change.
    Preview,
    /// Do it.
    Send,
    /// Show the text again.
    Back,
}

impl Written {
    /// What is asked for. A browser sends line ends of its own: they are those of the text again.
    pub(super) fn edit(&self, viewer: &Viewer) -> Result<Edit, Fault> {
        if self.step == EditStep::Preview && self.reason.trim().is_empty() {
            let reason = Reason::new("reason-missing", "an edit needs a reason").at("/reason");
            return Err(Fault::from(reason));
        }
        let data = Bytes::from(self.data.replace("\r\n", "\n"));
        Ok(Edit { data, roles: viewer.caller.roles(), asked: because(viewer, &self.reason)? })
    }
}
