//! Stopping like any program of a shell: on Ctrl-Z, or when someone sends SIGTSTP.
//!
//! The signal is caught, so that the terminal can be given back first; what is caught no longer stops. SIGSTOP does, even
//! where nobody would ever continue the process, which is why it is looked first whether there is a shell.

use std::{fs, io};

use rustix::process::{
    Pid, Signal, getpgid, getpid, getppid, getsid, kill_current_process_group, kill_process,
};

/// Processes between this one and its shell: `env`, `sh -c`, a wrapper or two.
const ANCESTORS_MAX: usize = 32;

/// What the terminal does on Ctrl-Z: all of a pipeline stop, and the shell waits for all of them. This process is told by
/// [`super::Signal::Stop`].
pub fn ask_to_stop() -> io::Result<()> {
    Ok(kill_current_process_group(Signal::TSTP)?)
}

/// Stops this process until it is continued. Give the terminal back first.
pub fn stop() -> io::Result<()> {
    Ok(kill_process(getpid(), Signal::STOP)?)
}

/// Whether somebody sees that this process has stopped, and can continue it: an ancestor in the same session, in another
/// process group. The system's own rule is the same: it never stops a group that has no such parent.
pub fn has_shell() -> bool {
    let (Ok(group), Ok(session)) = (getpgid(None), getsid(None)) else { return false };
    let mut ancestor = getppid();
    for _ in 0..ANCESTORS_MAX {
        let Some(pid) = ancestor else { return false };
        match (getsid(Some(pid)), getpgid(Some(pid))) {
            (Ok(theirs), Ok(other)) if theirs == session && other == group => ancestor = parent(pid),
            (Ok(theirs), Ok(_)) => return theirs == session,
            _ => return false,
        }
    }
    false
}

/// The parent of another process, where the system tells it in `/proc`.
fn parent(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // pid (name) state parent: the name may hold anything, also a parenthesis.
    let (_, rest) = stat.rsplit_once(')')?;
    Pid::from_raw(rest.split_whitespace().nth(1)?.parse().ok()?)
}
