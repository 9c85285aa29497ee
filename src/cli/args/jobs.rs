//! What is typed about jobs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Clone, Subcommand)]
pub enum Jobs {
    /// List the jobs: schedule, last runs, next one, state
    ///
    /// The last ten runs, the newest on the right: ■ succeeded, ✗ failed, ? lost, – skipped, ○ cancelled, ▶ running,
    /// · waiting.
    Ls,
    /// Show a job in full, with its newest runs
    Show {
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Start a run now
    ///
    /// On a terminal its log is shown until it ends. Without a running hub the verb always waits: the run needs it.
    Run {
        #[arg(value_name = "JOB")]
        job: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Hold a job's runs back for a while
    Pause {
        #[arg(value_name = "JOB")]
        job: String,
        /// Why, for who looks at it later
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Until then: 2h, 18:00, "tomorrow 9am", 2026-12-01; else until it is resumed
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Let a paused job run again
    Resume {
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Switch a job on
    Enable {
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Switch a job off, for good
    Disable {
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Make jobs from a file, or change those of the same name
    Define {
        /// In TOML, as docs/jobs.md describes it
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Say what is wrong with job files; needs no hub
    Validate {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show when a job comes next
    Next {
        #[arg(value_name = "JOB")]
        job: String,
        /// Slots
        #[arg(long, short = 'n', value_name = "N", default_value_t = crate::door::NEXT)]
        count: usize,
        /// After this moment, not after now
        #[arg(long, value_name = "TIME")]
        after: Option<String>,
    },
    /// Run the slots of a time that is over and had no run
    Backfill {
        #[arg(value_name = "JOB")]
        job: String,
        /// Slots after: 2026-11-21, 3d, "last week"
        #[arg(long, value_name = "TIME")]
        after: String,
        /// Up to; else up to now
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Wait until they have ended
        #[arg(long)]
        wait: bool,
    },
    /// List runs, newest first
    Runs {
        /// Of this job alone
        #[arg(value_name = "JOB")]
        job: Option<String>,
        /// Only those of which something is still to come
        #[arg(long, conflicts_with = "dead")]
        live: bool,
        /// Only dead letters: failed for good, and nobody has seen to them
        #[arg(long)]
        dead: bool,
        #[command(flatten)]
        page: RunsPage,
    },
    /// List dead letters: runs that failed for good and that nobody has seen to
    Dead {
        /// Of this job alone
        #[arg(value_name = "JOB")]
        job: Option<String>,
        #[command(flatten)]
        page: RunsPage,
    },
    /// Show what a run said
    Logs {
        /// A run's id, or a job for its newest run
        #[arg(value_name = "RUN|JOB")]
        run: String,
        /// Stay, and show what comes until the run ends
        #[arg(long, short)]
        follow: bool,
        /// The last lines alone
        #[arg(long, short = 'n', value_name = "N")]
        lines: Option<usize>,
    },
    /// Ask a run to end
    Cancel {
        /// A run's id, or a job for the run it has now
        #[arg(value_name = "RUN|JOB")]
        run: String,
    },
    /// Try a dead letter again
    Retry {
        /// A run's id, or a job for its newest dead letter
        #[arg(value_name = "RUN|JOB")]
        run: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Take a dead letter off the list: somebody has seen to it
    Dismiss {
        /// A run's id, or a job for its newest dead letter
        #[arg(value_name = "RUN|JOB")]
        run: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Args)]
pub struct Wait {
    /// Show its log until it ends; a run that fails ends this with status 1
    #[arg(long, short)]
    pub wait: bool,
    /// Do not wait, on a terminal either
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Args)]
pub struct RunsPage {
    /// Runs at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
}
