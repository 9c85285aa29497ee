//! A hub that stays when the face that wanted it is gone: this program again, without a console, in a process of its own.
//!
//! It is given the lock with the first breath, as its standard input: from the face that held it to the hub that holds it
//! next there is no moment at which somebody else could take it, and if the program does not start it is free by itself.

use std::{
    ffi::OsString,
    io,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use super::lock::Lock;

/// How it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    pub program: PathBuf,
    /// What it is told, beside where it is to listen.
    pub args: Vec<OsString>,
}

impl Successor {
    /// Its process. It says in the lock where it answers, or lets go of it.
    pub fn start(&self, lock: Lock, listen: &[SocketAddr]) -> io::Result<u32> {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for address in listen {
            command.arg("--listen").arg(address.to_string());
        }
        // A service manager that waits for this process does not wait for that one.
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        // A group of its own: what a terminal sends to this one is not meant for it.
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = lock.give(|file| command.stdin(file).spawn())?;
        let pid = child.id();
        // If it ends before this process does, somebody has to take note, or it stays in the kernel's list.
        thread::Builder::new().name("successor".to_owned()).spawn(move || match child.wait() {
            Ok(status) => tracing::info!(pid, %status, "the hub that was started ended"),
            Err(error) => tracing::debug!(%error, pid, "the hub that was started is not waited for"),
        })?;
        Ok(pid)
    }
}
