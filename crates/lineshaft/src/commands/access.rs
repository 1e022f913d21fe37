//! `lineshaft access explain|roles|policies|schema`: who may see and do what, and which policy says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use lineshaft_access::{Decision, Kind, Policies, Principal, Question, ROLES, SCHEMA, SHIPPED, Subject};
use lineshaft_model::Reason;
use lineshaft_model::sight::{About, Act};
use lineshaft_web::access::{TokenFile, TokenRow, UserFile, UserRow};
use serde::Serialize;

use super::Around;
use crate::data::DataFolder;
use crate::failure::{Exit, Failure, Outcome};
use crate::workspace::{self, Severity};

/// Explains who may see and do what, by the policies of a workspace.
#[derive(Args, Debug)]
pub struct Access {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Whether somebody may do something, and which policies decide
    Explain(Box<Explain>),
    /// The roles that policies are shipped for
    Roles,
    /// A file of the shipped policies, or their names; one of the same name in `policies/` stands in for it
    Policies {
        /// Which, for instance buyer
        name: Option<String>,
    },
    /// What policies may speak of, as a Cedar schema
    Schema,
}

#[derive(Args, Debug)]
struct Explain {
    /// Name of a token or user, or `role:NAME` for anybody of a role
    who: String,
    /// What they would do, for instance see, see-data, see-raw, mend, see-hub, send; `all` for everything
    act: String,
    /// The type of the object, for instance purchase-order
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    object_type: String,
    /// A partner that the record names; may be given more than once
    #[arg(long = "partner", value_name = "PARTNER")]
    partners: Vec<String>,
    /// The site it concerns
    #[arg(long, value_name = "SITE", default_value = "")]
    site: String,
    /// The system that sent it, or that is acted on
    #[arg(long, value_name = "SYSTEM", default_value = "")]
    system: String,
    /// The group of fields, for see-fields
    #[arg(long, value_name = "GROUP", default_value = "prices")]
    group: String,
    /// The partner that `role:NAME` speaks for
    #[arg(long, value_name = "PARTNER", default_value = "")]
    as_partner: String,
    /// A site that `role:NAME` works at; may be given more than once
    #[arg(long = "as-site", value_name = "SITE")]
    as_sites: Vec<String>,
    /// A JSON array instead of words
    #[arg(long)]
    json: bool,
    /// Workspace with the policies and the data folder
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    workspace: PathBuf,
}

/// One answer.
#[derive(Serialize)]
struct Answer {
    who: String,
    roles: Vec<String>,
    act: Act,
    #[serde(flatten)]
    decision: Decision,
}

impl Access {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        match &self.what {
            What::Explain(given) => return given.run(around),
            What::Roles => {
                for (name, what) in ROLES {
                    around.terminal.line(&format!("{name:<22}{what}"))?;
                }
            }
            What::Policies { name: None } => {
                for (file, _) in SHIPPED {
                    around.terminal.line(file.trim_end_matches(".cedar"))?;
                }
            }
            What::Policies { name: Some(name) } => {
                let wanted = format!("{}.cedar", name.trim_end_matches(".cedar"));
                let Some((_, text)) = SHIPPED.iter().find(|(file, _)| *file == wanted) else {
                    let reason = Reason::new("not-found", format!("no policies `{name}` are shipped"));
                    return Err(reason.hint("`lineshaft access policies` names them").into());
                };
                around.terminal.write(text.as_bytes())?;
            }
            What::Schema => around.terminal.write(SCHEMA.as_bytes())?,
        }
        Ok(Exit::Well)
    }
}

impl Explain {
    fn run(&self, around: &Around) -> Outcome {
        let (policies, tenant, data) = self.policies(around)?;
        let principal = self.principal(&data, &tenant)?;
        let acts = match self.act.as_str() {
            "all" => Act::ALL.to_vec(),
            one => {
                vec![one.parse().map_err(|reason: Reason| Failure::wrong_use(reason.message, reason.hint))?]
            }
        };
        let mut partners: Vec<&str> = self.partners.iter().map(String::as_str).collect();
        partners.sort_unstable();
        partners.dedup();
        let about = About {
            tenant: &tenant,
            object_type: &self.object_type,
            site: &self.site,
            partners: &partners,
            system: &self.system,
        };
        let ask = |act: Act| {
            let decision =
                policies.decide(&Question { principal: &principal, act, about, group: &self.group });
            Answer { who: self.who.clone(), roles: principal.roles.clone(), act, decision }
        };
        let answers: Vec<Answer> = acts.into_iter().map(ask).collect();
        if self.json {
            around.terminal.json(&answers)?;
        } else {
            for answer in &answers {
                around.terminal.line(&self.told(answer, &policies))?;
            }
        }
        Ok(if answers.iter().any(|answer| answer.decision.allowed) { Exit::Well } else { Exit::Problems })
    }

    /// The policies, the tenant and the data folder of the workspace; the shipped policies where there is none.
    fn policies(&self, around: &Around) -> Result<(Arc<Policies>, String, PathBuf), Failure> {
        if workspace::settings_of(&self.workspace, &around.variables).is_none() {
            let shipped = Policies::shipped()
                .map_err(|_| Reason::new("internal-fault", "the shipped policies are wrong"))?;
            return Ok((Arc::new(shipped), "main".to_owned(), self.workspace.clone()));
        }
        let loaded = workspace::load(&self.workspace, &around.variables);
        match loaded.workspace {
            Some(workspace) => {
                let (tenant, data) = (workspace.settings.tenant.clone(), workspace.data_folder());
                Ok((workspace.policies, tenant, data))
            }
            None => {
                let errors = loaded.problems.iter().filter(|problem| problem.severity == Severity::Error);
                Err(Failure {
                    exit: Exit::Problems,
                    reasons: errors.map(workspace::Problem::to_reason).collect(),
                })
            }
        }
    }

    fn principal(&self, data: &Path, tenant: &str) -> Result<Principal, Failure> {
        if let Some(role) = self.who.strip_prefix("role:") {
            return Ok(Principal {
                kind: Kind::User,
                name: "somebody".to_owned(),
                tenant: tenant.to_owned(),
                roles: vec![lineshaft_access::role(role)?],
                partner: self.as_partner.clone(),
                sites: self.as_sites.clone(),
                system: self.system.clone(),
                ..Principal::default()
            });
        }
        let data = DataFolder::new(data);
        let rows = TokenFile::in_folder(data.path()).list()?;
        let users = UserFile::in_folder(data.path()).list()?;
        let user = users.iter().find(|row| row.name == self.who).map(UserRow::principal);
        let found = rows.iter().find(|row| row.name == self.who).map(TokenRow::principal).or(user);
        let Some(principal) = found else {
            let reason = Reason::new("not-found", format!("nobody is called `{}`", self.who));
            return Err(reason
                .hint("`lineshaft token list` and `lineshaft user list` name them; role:NAME asks for a role")
                .into());
        };
        Ok(Principal { tenant: tenant.to_owned(), ..principal })
    }

    /// `no   see-raw  of purchase-order: forbidden by everyone#own-sites`
    fn told(&self, answer: &Answer, policies: &Policies) -> String {
        let decision = &answer.decision;
        let by = match (decision.allowed, decision.policies.as_slice(), decision.errors.as_slice()) {
            (true, by, _) => format!("permitted by {}", by.join(", ")),
            (false, _, [error, ..]) => format!("refused, because a policy fails: {error}"),
            (false, [], _) => format!("none of the {} policies permits it", policies.count()),
            (false, by, _) => format!("forbidden by {}", by.join(", ")),
        };
        let verdict = if decision.allowed { "yes" } else { "no" };
        let of = match Subject::of(answer.act) {
            Subject::Record if self.object_type.is_empty() => "a record of any type".to_owned(),
            Subject::Record => self.object_type.clone(),
            Subject::System if self.system.is_empty() => "a system".to_owned(),
            Subject::System => self.system.clone(),
            Subject::Hub => "the hub".to_owned(),
            Subject::Plan => "the plan".to_owned(),
        };
        format!("{verdict:<4}{:<16}{of}: {by}", answer.act.as_str())
    }
}
