//! `lineshaft views rebuild`: the views made again from the journal, while no hub runs on it.

use std::sync::Arc;

use clap::{Args, Subcommand};
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_model::Reason;
use lineshaft_ports::journal::JournalRead;
use lineshaft_store::index::{Index, Span};
use lineshaft_store::journal::disk::RealDisk;
use lineshaft_store::journal::{self, Options};
use lineshaft_store::views::{Progress, Projector};

use super::Around;
use super::reach::DataArgs;
use crate::failure::{Exit, Failure, Outcome};

/// Makes the views again from the journal.
#[derive(Args, Debug)]
pub struct Views {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Drop the views and compute them again; nothing is lost, the hub must not be running
    Rebuild(DataArgs),
}

impl Views {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let What::Rebuild(data) = &self.what;
        let data = data.folder(around)?;
        let failed = |error: &dyn std::fmt::Display| -> Failure {
            let reason = Reason::new("views-not-rebuilt", format!("the views cannot be made: {error}"));
            reason
                .at(data.views().display().to_string())
                .hint("`lineshaft journal verify` shows whether the journal holds")
                .into()
        };
        // A journal that is not there must not be made by a look at it.
        journal::stat(RealDisk, data.journal()).map_err(|error| Failure::problem(error.reason()))?;
        // Opening it to write keeps a hub from starting meanwhile, and says so when one runs.
        let now = SystemClock::new().now();
        let journal = journal::Journal::open(RealDisk, data.journal(), Options::default(), now)
            .map_err(|error| Failure::problem(error.reason()))?;
        let records: Arc<dyn JournalRead> = Arc::new(journal.reader());
        let spans: Vec<Span> =
            journal.segments().iter().map(|s| Span { first: s.first, last: s.last }).collect();
        let show = |what: &str, done: Progress| {
            let Progress { position, end, events } = done;
            let percent = position.0.saturating_mul(100) / end.0.max(1);
            around.terminal.progress(&format!("{what}: {percent} %, {position} of {end}, {events} events"));
        };
        let index = Index::open(&data.index(), journal.id(), &spans, Arc::clone(&records), &mut |p| {
            show("indexes", p);
        })
        .map_err(|error| failed(&error))?;
        let (mut projector, views) = Projector::open(&data.views(), journal.id(), records.end(), index)
            .map_err(|error| failed(&error))?;
        projector.rebuild(&*records, &mut |p| show("views", p)).map_err(|error| failed(&error))?;
        around.terminal.progress_done();
        around.terminal.line(&format!("views made again up to position {}", views.applied()))?;
        Ok(Exit::Well)
    }
}
