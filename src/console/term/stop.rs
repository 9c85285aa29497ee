//! Stopping like any program of a shell: on Ctrl-Z, or when someone sends SIGTSTP.
//!
//! The signal is caught, so that the terminal can be given back first; what is caught no longer stops. SIGSTOP does, even
//! where nobody would ever continue the process, which is why it is looked first whether there is a shell.

use std::io;

use rustix::process::{Pid, Signal, getpid, getppid, kill_current_process_group, kill_process};

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
    let Some(own) = Place::of(getpid()) else { return false };
    let mut ancestor = getppid();
    for _ in 0..ANCESTORS_MAX {
        let Some(theirs) = ancestor.and_then(Place::of) else { return false };
        if theirs.session != own.session {
            return false;
        }
        if theirs.group != own.group {
            return true;
        }
        ancestor = theirs.parent;
    }
    false
}

/// Where a process stands among the others.
struct Place {
    parent: Option<Pid>,
    /// Number of its process group; 0 where that was made outside of this container.
    group: i32,
    /// Number of its session; 0 likewise.
    session: i32,
}

impl Place {
    /// Of `/proc`, as the parent of another process is told nowhere else, and as a group of 0 is no [`Pid`].
    #[cfg(target_os = "linux")]
    fn of(pid: Pid) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        // pid (name) state parent group session: the name may hold anything, also a parenthesis.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut numbers = rest.split_whitespace().skip(1).map_while(|number| number.parse().ok());
        Some(Self {
            parent: Pid::from_raw(numbers.next()?),
            group: numbers.next()?,
            session: numbers.next()?,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(pid: Pid) -> Option<Self> {
        use rustix::process::{getpgid, getsid};
        let (group, session) = (getpgid(Some(pid)).ok()?, getsid(Some(pid)).ok()?);
        Some(Self {
            parent: None,
            group: group.as_raw_nonzero().get(),
            session: session.as_raw_nonzero().get(),
        })
    }
}
