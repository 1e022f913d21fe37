//! A definition as a picture needs it: tasks, what is inside them, and where the flow goes.

use std::sync::Arc;

use super::{Call, Definition, Flow, Kind, Task, Undo};

/// A definition, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its tasks in order.
    pub tasks: Vec<ShownTask>,
}

/// A task, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownTask {
    /// Its name.
    pub name: String,
    /// What people call it; empty when it has no other name.
    pub title: String,
    /// JSON pointer to it.
    pub place: String,
    /// `call`, `wait` and so on.
    pub kind: &'static str,
    /// What it calls, in a few words; empty for most kinds.
    pub what: String,
    /// Lists of tasks inside it, each with what it is: `try` and `catch`, the branches of a fork.
    pub inside: Vec<(String, Vec<Self>)>,
    /// Whether it can be undone.
    pub undo: bool,
    /// Where the flow goes other than to the next task, each with the case that leads there.
    pub leads: Vec<(String, String)>,
}

impl Definition {
    /// The definition, for a picture.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown { tasks: self.list(&self.body, 0) }
    }

    fn list(&self, tasks: &[Arc<Task>], depth: usize) -> Vec<ShownTask> {
        tasks.iter().map(|task| self.one(task, depth)).collect()
    }

    fn one(&self, task: &Task, depth: usize) -> ShownTask {
        let list = |name: &str, tasks: &[Arc<Task>]| (name.to_owned(), self.list(tasks, depth + 1));
        let mut leads = Vec::new();
        let mut inside = match &task.kind {
            Kind::Do(tasks) => vec![list("", tasks)],
            Kind::For { body, .. } => vec![list("each", body)],
            Kind::Fork { branches, .. } => branches
                .iter()
                .map(|branch| (branch.name.clone(), vec![self.one(branch, depth + 1)]))
                .collect(),
            Kind::Try { body, catch } => {
                let handler = catch.body.as_deref().map(|tasks| list("catch", tasks));
                [list("try", body)].into_iter().chain(handler).collect()
            }
            Kind::Listen(listen) => {
                let each = listen.each.as_ref().map(|each| list("each", &each.body));
                each.into_iter().filter(|(_, tasks)| !tasks.is_empty()).collect()
            }
            Kind::Call(Call::Function { name, .. }) if depth < super::tasks::DEEPEST => {
                let called = self.functions.get(name);
                called.map(|called| (name.clone(), vec![self.one(called, depth + 8)])).into_iter().collect()
            }
            Kind::Switch(cases) => {
                leads.extend(cases.iter().filter_map(|case| Some((case.name.clone(), lead(&case.then)?))));
                Vec::new()
            }
            _ => Vec::new(),
        };
        if let Some(Undo::Tasks(tasks)) = &task.undo {
            inside.push(list("undo", tasks));
        }
        leads.extend(lead(&task.then).map(|to| (String::new(), to)));
        ShownTask {
            name: task.name.clone(),
            title: task.title.clone(),
            place: task.path.to_string(),
            kind: task.kind.word(),
            what: what(&task.kind),
            inside,
            undo: task.undo.is_some(),
            leads,
        }
    }
}

fn lead(flow: &Flow) -> Option<String> {
    match flow {
        Flow::Continue => None,
        Flow::Exit => Some("exit".to_owned()),
        Flow::End => Some("end".to_owned()),
        Flow::To(name) => Some(name.clone()),
    }
}

fn what(kind: &Kind) -> String {
    match kind {
        Kind::Call(Call::Http(http)) => format!("{} http", http.method.to_ascii_uppercase()),
        Kind::Call(Call::OpenApi { operation, .. } | Call::AsyncApi { operation, .. }) => operation.clone(),
        Kind::Call(Call::Function { name, .. } | Call::Operation { name, .. }) => name.clone(),
        Kind::Call(Call::Case { .. }) => "case".to_owned(),
        Kind::Run { process, .. } => process.name.clone(),
        Kind::Listen(listen) => {
            let types: Vec<String> =
                listen.to.filters().iter().filter_map(super::Filter::event_type).collect();
            types.join(", ")
        }
        _ => String::new(),
    }
}
