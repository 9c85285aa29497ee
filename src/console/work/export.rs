//! An export on its way: gathered page by page, written whole or not at all. It can be stopped while it gathers; what is
//! being written is waited for, and told as it went.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{PROGRESS_PAUSE, Work, paths};
use crate::{
    console::{
        export::{self, Asked, Exported, ROWS_MAX, Target, Went, What},
        msg::{Answer, Msg},
    },
    door::{Caller, Door},
    home::local_caller,
    model::{Code, Fault},
    tasks::blocking,
};

impl Work {
    pub(super) fn export(&mut self, mut asked: Asked) {
        let doors: Result<Vec<_>, Fault> = match &asked.hubs[..] {
            [] => self.door(self.chosen).map(|door| vec![(String::new(), door)]),
            hubs => hubs.iter().map(|(at, name)| Ok((name.clone(), self.door(*at)?))).collect(),
        };
        let doors = match doors {
            Ok(doors) => doors,
            Err(fault) => return self.spawn(async { Answer::Exported(Err(fault)) }),
        };
        if let What::Search(request) = &mut asked.what {
            request.zone = self.zone_name();
        }
        let token = self.tasks.token().child_token();
        self.export = Some(token.clone());
        let caller = local_caller(&self.clock);
        let (tell, rows) = watch::channel(0);
        let send = self.send.clone();
        self.tasks.spawn(tell_rows(rows, send.clone()));
        // Ends by itself, at the end too: the token stops the gathering, and a file that was begun is waited for.
        self.tasks.spawn(async move {
            let done = export(&doors, &caller, asked, tell, &token).await;
            // Nobody listens any more: the console ends.
            drop(send.send(Msg::Answer(Answer::Exported(done))).await);
        });
    }
}

async fn export(
    doors: &[(String, Arc<dyn Door>)],
    caller: &Caller,
    asked: Asked,
    tell: watch::Sender<u64>,
    token: &CancellationToken,
) -> Result<Exported, Fault> {
    let Asked { what, hubs, format, to } = asked;
    let file = file(to)?;
    let unasked = file.as_ref().filter(|file| !file.replace).map(|file| file.path.clone());
    let gathering = async move {
        // Who would only be asked to write over something is asked before the hub is.
        if let Some(path) = unasked {
            blocking(move || if path.exists() { Err(taken(&path)) } else { Ok(()) }).await?;
        }
        let tell = |rows| {
            tell.send_replace(rows);
        };
        match doors {
            [(_, door)] if hubs.is_empty() => {
                export::text(&**door, caller, what, format, ROWS_MAX, tell).await
            }
            doors => export::fleet_text(doors, caller, what, format, ROWS_MAX, tell).await,
        }
    };
    unless_stopped(token, gathering, |text| put(text, file)).await
}

async fn unless_stopped<P: Future<Output = Result<Went, Fault>>>(
    token: &CancellationToken,
    gathering: impl Future<Output = Result<(String, u64, bool), Fault>>,
    put: impl FnOnce(String) -> P,
) -> Result<Exported, Fault> {
    let (text, rows, more) = tokio::select! {
        // Stopped as the last page came is stopped.
        biased;
        () = token.cancelled() => return Err(Fault::unavailable("stopped; nothing was written")),
        gathered = gathering => gathered?,
    };
    Ok(Exported { rows, more, went: put(text).await? })
}

struct File {
    path: PathBuf,
    replace: bool,
}

/// None is the clipboard.
fn file(to: Target) -> Result<Option<File>, Fault> {
    let Target::File { path, replace } = to else { return Ok(None) };
    let path = std::path::absolute(paths::expand(&path))
        .map_err(|error| Fault::invalid("this is no name of a file").cause(error))?;
    Ok(Some(File { path, replace }))
}

async fn put(text: String, file: Option<File>) -> Result<Went, Fault> {
    let Some(File { path, replace }) = file else { return Ok(Went::Clipboard(text)) };
    blocking(move || match export::write(&path, &text, replace) {
        Ok(()) => Ok(Went::File(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(&path)),
        Err(error) => Err(Fault::unavailable(format!("{} cannot be written", path.display())).cause(error)),
    })
    .await
}

fn taken(path: &Path) -> Fault {
    Fault::new(Code::Conflict, format!("{} is there already", path.display()))
}

/// How many rows there are, now and then, until the export lets go of it.
async fn tell_rows(mut rows: watch::Receiver<u64>, send: mpsc::Sender<Msg>) {
    while rows.changed().await.is_ok() {
        let now = *rows.borrow_and_update();
        if send.send(Msg::Answer(Answer::ExportProgress(now))).await.is_err() {
            return;
        }
        tokio::time::sleep(PROGRESS_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_rows() -> Result<(String, u64, bool), Fault> {
        Ok(("a\nb\nc\n".into(), 3, false))
    }

    #[tokio::test]
    async fn stopped_while_it_gathers_nothing_is_written() {
        let token = CancellationToken::new();
        let gathering = async {
            token.cancel();
            std::future::pending().await
        };
        let done = unless_stopped(&token, gathering, |_| async { panic!("written") }).await;
        assert_eq!(done.unwrap_err().message, "stopped; nothing was written");
        let done = unless_stopped(&token, async { three_rows() }, |_| async { panic!("written") }).await;
        assert!(done.is_err(), "also when all had come");
    }

    #[tokio::test]
    async fn what_is_being_written_is_told_as_it_went() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.txt");
        let token = CancellationToken::new();
        let write = |text| {
            token.cancel();
            put(text, Some(File { path: path.clone(), replace: false }))
        };
        let done = unless_stopped(&token, async { three_rows() }, write).await;
        assert_eq!(done, Ok(Exported { rows: 3, more: false, went: Went::File(path.clone()) }));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "a\nb\nc\n");
    }
}
