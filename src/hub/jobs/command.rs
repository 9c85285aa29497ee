//! The kind `command`: a program, started without a shell, in a process group of its own.
//!
//! It sees the variables that every program does here ([`ALWAYS`]), of those that its job names the ones that the
//! settings allow, and `WHEELHOUSE_JOB`, `_RUN`, `_SLOT` and `_ATTEMPT`: what is done for one slot can be done once. What it writes becomes the log of its run, line by line. Asked to end, its group gets SIGTERM; ended, or
//! gone, its group gets SIGKILL, so that nothing of it outlives its run.
//!
//! | it ends with | the attempt |
//! |---|---|
//! | 0 | succeeded |
//! | 64 (usage), 126 (cannot be started), 127 (not found) | failed as `invalid`: another try cannot help |
//! | 77 (no permission) | failed as `denied` |
//! | any other status, a signal | failed as `unavailable`: tried again as its job says |

use std::{
    ffi::OsString,
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::unix::pipe,
};

use super::attempt::Attempt;
use crate::{
    door::LogStream,
    jobs::LINE_BYTES_MAX,
    model::{Code, Fault},
    tasks::blocking,
};

/// What every program sees of the environment.
pub const ALWAYS: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// Read at a time.
const CHUNK: usize = 8 << 10;
/// What holds its outputs open outside of its group is not waited for longer.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(500);

/// The variables that a job wants and the settings do not allow.
pub fn refused<'a>(wanted: &'a [String], allowed: &[String]) -> Vec<&'a str> {
    let is_allowed = |name: &String| ALWAYS.contains(&name.as_str()) || allowed.contains(name);
    wanted.iter().filter(|name| !is_allowed(name)).map(String::as_str).collect()
}

pub async fn run(
    attempt: &Arc<Attempt>,
    argv: &[String],
    cwd: Option<&str>,
    env: &[String],
) -> Result<(), Fault> {
    let options = &attempt.hub.jobs.options;
    if !options.commands {
        return Err(Fault::new(Code::Unsupported, "commands are off on this hub"));
    }
    let names = ALWAYS.into_iter().chain(env.iter().map(String::as_str));
    let seen: Vec<(String, OsString)> = names
        .filter(|name| ALWAYS.contains(name) || options.env.iter().any(|allowed| allowed == name))
        .filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)))
        .collect();
    let about = [
        ("WHEELHOUSE_JOB", attempt.job.slug.clone()),
        ("WHEELHOUSE_RUN", attempt.run.id.to_string()),
        ("WHEELHOUSE_SLOT", attempt.run.slot.to_string()),
        ("WHEELHOUSE_ATTEMPT", attempt.run.attempt.to_string()),
    ];
    let dir = cwd.map_or_else(|| attempt.hub.data_dir.clone(), PathBuf::from);
    let (program, words) = (argv[0].clone(), argv[1..].to_vec());
    let started = blocking(move || {
        let mut command = Command::new(&program);
        command.args(words).env_clear().envs(seen).envs(about).current_dir(&dir).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| not_started(&program, &error))?;
        Ok(Group(Some(child)))
    });
    let mut group = started.await?;
    let (out, err) = group.outputs()?;
    let pid = group.pid();
    let ended = group.ended();
    let reading = async {
        futures::join!(lines(attempt, LogStream::Out, out), lines(attempt, LogStream::Err, err));
    };
    let mut reading = std::pin::pin!(reading);
    let mut ended = std::pin::pin!(ended);
    let mut is_read = false;
    let mut is_asked = false;
    let status = loop {
        tokio::select! {
            status = &mut ended => break status?,
            () = &mut reading, if !is_read => is_read = true,
            () = attempt.asked.cancelled(), if !is_asked => {
                is_asked = true;
                signal(pid, Signal::TERM);
            }
        }
    };
    // What it left behind ends with it, and with that its outputs.
    signal(pid, Signal::KILL);
    if !is_read && tokio::time::timeout(OUTPUT_PATIENCE, reading).await.is_err() {
        attempt
            .note("something outside of its process group still holds its outputs; they are read no further");
    }
    verdict(status)
}

/// A program and all that it starts; ended hard when it is dropped.
struct Group(Option<Child>);

impl Group {
    fn pid(&self) -> Option<Pid> {
        self.0.as_ref().and_then(|child| Pid::from_raw(child.id() as i32))
    }

    fn outputs(&mut self) -> Result<(pipe::Receiver, pipe::Receiver), Fault> {
        let child = self.0.as_mut().ok_or_else(|| Fault::bug("a program that is gone already"))?;
        let unreadable = |error: io::Error| Fault::bug("its outputs cannot be read").cause(error);
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let out = child.stdout.take().ok_or_else(missing).map_err(unreadable)?;
        let err = child.stderr.take().ok_or_else(missing).map_err(unreadable)?;
        let receiver = |fd: std::os::fd::OwnedFd| pipe::Receiver::from_owned_fd(fd).map_err(unreadable);
        Ok((receiver(out.into())?, receiver(err.into())?))
    }

    /// Waits for it; dropped before, it ends all of it.
    async fn ended(self) -> Result<ExitStatus, Fault> {
        let guard = Ending(self.pid());
        let mut group = self;
        let Some(mut child) = group.0.take() else {
            return Err(Fault::bug("a program that is gone already"));
        };
        let unseen = |error: io::Error| Fault::bug("how it ended is not known").cause(error);
        let status = blocking(move || child.wait().map_err(unseen)).await;
        guard.done();
        status
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            signal(Pid::from_raw(child.id() as i32), Signal::KILL);
            if let Err(error) = child.wait() {
                tracing::warn!(%error, "a program that was ended");
            }
        }
    }
}

/// Ends a group that is waited for no longer; the waiting itself goes on beside and takes its status.
struct Ending(Option<Pid>);

impl Ending {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        signal(self.0, Signal::KILL);
    }
}

/// A group that is gone cannot be told anything.
fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group
        && let Err(error) = kill_process_group(group, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, ?signal, "a process group was not signalled");
    }
}

fn not_started(program: &str, error: &io::Error) -> Fault {
    let code = match error.kind() {
        io::ErrorKind::NotFound => Code::NotFound,
        io::ErrorKind::PermissionDenied => Code::Denied,
        _ => Code::Unavailable,
    };
    Fault::new(code, format!("{program} was not started")).cause(error)
}

fn verdict(status: ExitStatus) -> Result<(), Fault> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code @ (64 | 126 | 127)), _) => Err(Fault::invalid(format!("it ended with status {code}"))),
        (Some(77), _) => Err(Fault::new(Code::Denied, "it ended with status 77")),
        (Some(code), _) => Err(Fault::unavailable(format!("it ended with status {code}"))),
        (None, signal) => {
            Err(Fault::unavailable(format!("it was ended by signal {}", signal.unwrap_or_default())))
        }
    }
}

/// Every line of an output into the log; of one that is too long, its beginning.
async fn lines(attempt: &Attempt, stream: LogStream, mut output: impl AsyncRead + Unpin) {
    let mut line: Vec<u8> = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match output.read(&mut chunk).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                attempt.note(&format!("its output cannot be read: {error}"));
                break;
            }
        };
        for part in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            // One more than fits, so that it is seen to have been longer.
            let room = (LINE_BYTES_MAX + 1).saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            if is_whole {
                said(attempt, stream, &line);
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        said(attempt, stream, &line);
    }
}

fn said(attempt: &Attempt, stream: LogStream, line: &[u8]) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    attempt.say(stream, &String::from_utf8_lossy(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: i32, code: Option<Code>) {
        // As wait(2) has it: the status is in the second byte, a signal in the first.
        assert_eq!(verdict(ExitStatus::from_raw(status)).err().map(|fault| fault.code), code, "{status}");
    }

    #[test]
    fn which_end_is_tried_again() {
        check(0, None);
        check(1 << 8, Some(Code::Unavailable));
        check(75 << 8, Some(Code::Unavailable));
        check(77 << 8, Some(Code::Denied));
        check(127 << 8, Some(Code::Invalid));
        check(9, Some(Code::Unavailable));
    }

    #[test]
    fn only_what_is_allowed_is_seen() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wanted = names(&["PATH", "TOKEN", "REGION"]);
        assert_eq!(refused(&wanted, &names(&["REGION"])), ["TOKEN"]);
    }
}
