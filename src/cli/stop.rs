//! Why a verb ended before it was done.

use std::{io, process::ExitCode};

use super::out::Manner;
use crate::{model::Fault, report};

/// What a shell says of a program that SIGINT ended.
const INTERRUPTED_STATUS: u8 = 130;

/// What was asked for was done, and did not turn out well.
const FAILED_STATUS: u8 = 1;

/// Why a verb ended before it was done, or with a status of its own.
#[derive(Debug)]
pub enum Stop {
    Fault(Fault),
    /// The verb did its work: what it waited for failed of this. One status, whatever the fault's code.
    Failed(Fault),
    /// Whoever read standard output has enough.
    ReaderGone,
    /// Ctrl-C or SIGTERM; what was to be said has been.
    Interrupted,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

impl From<io::Error> for Stop {
    /// From writing to standard output.
    fn from(error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::ReaderGone,
            _ => Fault::unavailable("cannot write to standard output").cause(error).into(),
        }
    }
}

impl Stop {
    /// Says it where it needs to be said, and the exit status that goes with it.
    pub fn report(self, manner: Manner) -> ExitCode {
        match self {
            Stop::ReaderGone => ExitCode::SUCCESS,
            Stop::Interrupted => INTERRUPTED_STATUS.into(),
            Stop::Fault(fault) => {
                tracing::info!(code = %fault.code, %fault, cause = ?fault.cause, "a verb failed");
                say(&fault, manner);
                fault.code.exit_status().into()
            }
            Stop::Failed(fault) => {
                say(&fault, manner);
                FAILED_STATUS.into()
            }
        }
    }
}

fn say(fault: &Fault, manner: Manner) {
    if manner.json {
        manner.complain(&format!("{}\n", problem(fault)));
    } else {
        manner.complain(&report::fault(fault, manner.stderr_paint));
    }
}

/// As an answer over HTTP has it.
fn problem(fault: &Fault) -> serde_json::Value {
    let mut problem = serde_json::json!({
        "type": format!("urn:wheelhouse:fault:{}", fault.code),
        "status": fault.code.http_status(),
        "code": fault.code,
        "message": fault.message,
    });
    for (name, text) in [("cause", &fault.cause), ("hint", &fault.hint)] {
        if let Some(text) = text {
            problem[name] = text.as_str().into();
        }
    }
    problem
}
