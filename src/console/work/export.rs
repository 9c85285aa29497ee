//! An export on its way: gathered page by page, written whole or not at all.

use std::io;

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
        let Some(door) = self.door.borrow().clone() else {
            let fault = Fault::unavailable("the hub is not there");
            return self.spawn(async { Answer::Exported(Err(fault)) });
        };
        if let What::Search(request) = &mut asked.what {
            request.zone = self.zone_name();
        }
        let token = CancellationToken::new();
        self.export = Some(token.clone());
        let caller = local_caller(&self.clock);
        let (tell, rows) = watch::channel(0);
        let send = self.send.clone();
        self.tasks.spawn(tell_rows(rows, send));
        self.spawn(async move {
            let done = tokio::select! {
                done = export(&*door, &caller, asked, tell) => done,
                () = token.cancelled() => Err(Fault::unavailable("stopped; nothing was written")),
            };
            Answer::Exported(done)
        });
    }
}

async fn export(
    door: &dyn Door,
    caller: &Caller,
    asked: Asked,
    tell: watch::Sender<u64>,
) -> Result<Exported, Fault> {
    let Asked { what, format, to } = asked;
    // Who would only be asked to write over something is asked before the hub is.
    let file = match to {
        Target::Clipboard => None,
        Target::File { path, replace } => {
            let path = std::path::absolute(paths::expand(&path))
                .map_err(|error| Fault::invalid("this is no name of a file").cause(error))?;
            if !replace && path.exists() {
                return Err(taken(&path));
            }
            Some((path, replace))
        }
    };
    let tell = |rows| {
        tell.send_replace(rows);
    };
    let (text, rows, more) = export::text(door, caller, what, format, ROWS_MAX, tell).await?;
    let Some((path, replace)) = file else {
        return Ok(Exported { rows, more, went: Went::Clipboard(text) });
    };
    let at = path.clone();
    blocking(move || {
        export::write(&at, &text, replace).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => taken(&at),
            _ => Fault::unavailable(format!("{} cannot be written", at.display())).cause(error),
        })
    })
    .await?;
    Ok(Exported { rows, more, went: Went::File(path) })
}

fn taken(path: &std::path::Path) -> Fault {
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
