//! What a person does with the plan: asks another planning system, takes its schedule.

use lineshaft_model::{Position, Reason};

use super::{Asked, Handle};
use crate::intake::PLANNING;
use crate::planner::{PlanRequest, Planner, request_event};

impl Handle {
    fn planning(&self) -> Result<&Planner, Reason> {
        self.planner().map(|planner| &**planner).ok_or_else(|| {
            Reason::new("planning-off", "this hub does not plan")
                .hint("add `planning: {}` to lineshaft.yaml and start it again")
        })
    }

    /// Asks other planning systems: the request goes out as an event, wherever routes carry it. Durable when it returns.
    pub async fn ask_planners(
        &self,
        site: Option<&str>,
        horizon_ms: Option<i64>,
    ) -> Result<(PlanRequest, Position), Reason> {
        let request = self.planning()?.request(site, horizon_ms, self.now())?;
        let admitted = self.intake.derived(PLANNING, vec![request_event(&request)]).await;
        let position = admitted.first().map(|one| one.position).ok_or_else(not_kept)?;
        Ok((request, position))
    }

    /// Takes a schedule that another planning system has sent: it goes out as `schedule.revised`, and each order that moves as
    /// rescheduled, through intake like anything else. The position is that of the audit record; the count of orders beside it.
    pub async fn take_schedule(&self, name: &str, asked: Asked) -> Result<(Position, usize), Reason> {
        let (system, drafts) = self.planning()?.taken(name, &asked.reason)?;
        let position = self.act("schedule.take", name, asked, Vec::new()).await?;
        let count = drafts.len();
        if self.intake.derived(&system, drafts).await.len() < count {
            return Err(not_kept());
        }
        Ok((position, count.saturating_sub(1)))
    }
}

fn not_kept() -> Reason {
    Reason::new("busy", "the hub has no room for what follows").hint("nothing was kept: try again")
}
