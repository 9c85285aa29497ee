//! `jobs`: what runs when, what became of it, and what to do about it.

mod act;
mod files;
mod follow;
mod list;
mod marks;
mod runs;
mod show;

pub use self::files::validate;

use super::{
    Stop,
    args::{Jobs, Wait},
    verb::Ask,
};
use crate::{
    door::{JobRef, WhichRuns},
    model::{Fault, Projects},
};

pub async fn run(ask: &mut Ask, what: Jobs) -> Result<(), Stop> {
    // Two projects may have jobs of one name.
    if ask.setup.project_flag {
        ask.caller.projects = Projects::Only(vec![ask.setup.project.clone()]);
    }
    match what {
        Jobs::Ls => list::list(ask).await,
        Jobs::Show { job } => show::show(ask, named(&job)?).await,
        Jobs::Run { job, wait } => follow::run(ask, named(&job)?, wait).await,
        Jobs::Pause { job, reason, until } => act::pause(ask, named(&job)?, reason, until.as_deref()).await,
        Jobs::Resume { job } => act::resume(ask, named(&job)?).await,
        Jobs::Enable { job } => act::enable(ask, named(&job)?, true).await,
        Jobs::Disable { job } => act::enable(ask, named(&job)?, false).await,
        Jobs::Define { file } => files::define(ask, &file).await,
        Jobs::Next { job, count, after } => act::next(ask, named(&job)?, count, after.as_deref()).await,
        Jobs::Backfill { job, after, until, wait } => {
            follow::backfill(ask, named(&job)?, &after, until.as_deref(), wait).await
        }
        Jobs::Runs { job, live, dead, page } => {
            let which = match (live, dead) {
                (true, _) => WhichRuns::Live,
                (_, true) => WhichRuns::Dead,
                _ => WhichRuns::All,
            };
            runs::list(ask, job.as_deref(), which, page).await
        }
        Jobs::Dead { job, page } => runs::list(ask, job.as_deref(), WhichRuns::Dead, page).await,
        Jobs::Logs { run, follow, lines } => follow::logs(ask, &run, follow, lines).await,
        Jobs::Cancel { run } => act::cancel(ask, &run).await,
        Jobs::Retry { run, wait } => follow::retry(ask, &run, wait).await,
        Jobs::Dismiss { run } => act::dismiss(ask, &run).await,
        Jobs::Validate { .. } => Err(Fault::bug("this verb needs no hub").into()),
    }
}

/// Whether it says itself what becomes of what it waits for when it is interrupted.
pub fn ends_itself(what: &Jobs) -> bool {
    matches!(what, Jobs::Run { .. } | Jobs::Retry { .. } | Jobs::Backfill { .. } | Jobs::Logs { .. })
}

fn named(typed: &str) -> Result<JobRef, Fault> {
    typed.parse()
}

impl Wait {
    /// A hub of this command alone ends with it, and its runs with that: then there is no other way than to wait.
    fn is_meant(self, ask: &Ask) -> bool {
        ask.home.owns() || self.wait || (!self.no_wait && ask.out.manner.stdout_is_terminal)
    }
}
