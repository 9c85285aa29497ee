//! The program's own jobs: one table says which there are, when they run and what does them.

mod checks;
mod metrics;
mod optimise;
mod reviews;

use std::{future::Future, pin::Pin, sync::Arc};

use super::attempt::Attempt;
use crate::{
    hub::cleaner,
    model::{
        Actor, Code, Fault, Id, Project,
        job::{CatchUp, Job, JobOrigin, Kind, Missed, Overlap, Retry, Schedule, Span},
    },
    store::Cleaned,
};

type Work = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

struct Builtin {
    /// Of the work; the job that comes with it has it for a slug.
    name: &'static str,
    title: &'static str,
    /// None is when asked.
    every: Option<Span>,
    /// So that they do not all begin together.
    phase: Span,
    missed: Missed,
    timeout: Span,
    work: fn(Arc<Attempt>) -> Work,
}

const HOUR: Span = Span::from_secs(3_600);
const DAY: Span = Span::from_secs(24 * 3_600);

/// Every one.
const BUILTINS: [Builtin; 7] = [
    Builtin {
        name: "performance_metrics",
        title: "Measures the hub and tells it",
        every: Some(HOUR),
        phase: minutes(0),
        missed: Missed::None,
        timeout: minutes(2),
        work: |attempt| Box::pin(metrics::run(attempt)),
    },
    Builtin {
        name: "review_due",
        title: "Tells which decisions are to be looked at again",
        every: Some(HOUR),
        phase: minutes(5),
        missed: Missed::Latest,
        timeout: minutes(5),
        work: |attempt| Box::pin(reviews::run(attempt)),
    },
    Builtin {
        name: "cleaner",
        title: "Lets go of old events and erases what was forgotten",
        every: Some(HOUR),
        phase: minutes(17),
        missed: Missed::Latest,
        timeout: minutes(60),
        work: |attempt| Box::pin(async move { clean(&attempt).await }),
    },
    Builtin {
        name: "snapshot",
        title: "Takes a snapshot of the records",
        every: Some(HOUR),
        phase: minutes(37),
        missed: Missed::None,
        timeout: minutes(30),
        work: |attempt| Box::pin(checks::snapshot(attempt)),
    },
    Builtin {
        name: "memory_optimisation",
        title: "Merges equal memories, archives expired ones, tells near ones",
        every: Some(DAY),
        phase: minutes(3 * 60 + 30),
        missed: Missed::Latest,
        timeout: minutes(60),
        work: |attempt| Box::pin(optimise::run(attempt, optimise::Mode::Real)),
    },
    Builtin {
        name: "memory_optimisation_dry",
        title: "Says what memory_optimisation would do",
        every: None,
        phase: minutes(0),
        missed: Missed::None,
        timeout: minutes(60),
        work: |attempt| Box::pin(optimise::run(attempt, optimise::Mode::Dry)),
    },
    Builtin {
        name: "index_check",
        title: "Holds the search index against the records",
        every: Some(DAY),
        phase: minutes(4 * 60),
        missed: Missed::Latest,
        timeout: minutes(60),
        work: |attempt| Box::pin(checks::index(attempt)),
    },
];

const fn minutes(n: u64) -> Span {
    Span::from_secs(n * 60)
}

/// Has the cleaner do what there is to do, and says what that was.
async fn clean(attempt: &Attempt) -> Result<(), Fault> {
    if cleaner::must_wait(&attempt.hub) {
        attempt.note("the index is being built anew; the next run cleans");
        return Ok(());
    }
    match cleaner::clean(&attempt.hub).await? {
        Some(cleaned) => attempt.note(&said_of(&cleaned)),
        None => attempt.note("nothing was to go, and nothing to be packed closer"),
    }
    Ok(())
}

fn said_of(cleaned: &Cleaned) -> String {
    let log = &cleaned.log;
    let records = if cleaned.compacted {
        "the records were packed closer"
    } else {
        "the records are packed close enough"
    };
    format!(
        "{} segments written anew ({} bytes, {} before), {} memories erased; {records}",
        cleaned.segments,
        log.bytes_after,
        log.bytes_before,
        cleaned.erased.len()
    )
}

fn named(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

pub fn is_known(name: &str) -> bool {
    named(name).is_some()
}

/// Refuses a job for work that there is not.
pub fn check(job: &Job) -> Result<(), Fault> {
    match &job.kind {
        Kind::Builtin { name } if !is_known(name) => {
            let names: Vec<&str> = BUILTINS.iter().map(|builtin| builtin.name).collect();
            Err(Fault::invalid(format!("kind.builtin is {name:?}, and no work is called so"))
                .hint(format!("one of {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}

pub async fn run(name: &str, attempt: &Arc<Attempt>) -> Result<(), Fault> {
    match named(name) {
        Some(builtin) => (builtin.work)(attempt.clone()).await,
        None => Err(Fault::new(Code::Unsupported, format!("this version has no work called {name}"))),
    }
}

/// The jobs that come with the program.
pub fn definitions() -> Vec<Job> {
    let definition = |builtin: &Builtin| Job {
        id: Id::NIL,
        created_at: Default::default(),
        updated_at: Default::default(),
        revision: 0,
        origin: JobOrigin::Builtin,
        by: Actor::hub(),
        slug: builtin.name.to_owned(),
        title: builtin.title.to_owned(),
        project: Project::none(),
        enabled: true,
        schedule: match builtin.every {
            Some(every) => Schedule::Every { every, phase: builtin.phase },
            None => Schedule::Manual,
        },
        kind: Kind::Builtin { name: builtin.name.to_owned() },
        overlap: Overlap::Skip,
        catch_up: CatchUp { missed: builtin.missed, window: Span::from_secs(7 * 86_400) },
        jitter: Span::ZERO,
        timeout: builtin.timeout,
        retry: Retry::default(),
        pause_after_dead: 0,
    };
    BUILTINS.iter().map(definition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_holds() {
        for job in definitions() {
            crate::jobs::check(&job).unwrap();
            check(&job).unwrap();
        }
    }
}
