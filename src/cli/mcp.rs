//! `mcp`: the server for agents, and its entry in their settings.

mod clients;
mod entry;
mod install;

use std::io::IsTerminal;

use super::{Stop, interrupted, out::Out, setup::Setup};
use crate::{
    api::{Reach, own_user},
    home::Home,
    mcp::{self, Opening, Options, WorkingProject},
};

pub use self::{
    clients::Client,
    install::{install, uninstall},
};

/// Serves one client on standard input and output. Where no hub is running one is started that outlives it, for the next
/// client and for everyone who looks on.
pub async fn serve(setup: Setup, out: &Out) -> Result<(), Stop> {
    if std::io::stdin().is_terminal() {
        out.remark(
            "this is for an agent to start: it reads requests of the Model Context Protocol from standard input. \
             `wheelhouse mcp install --client claude-code` enters it in a client's settings; Ctrl-C ends it here",
        );
    }
    let clock = setup.clock();
    let home = Home::new(setup.home(clock.clone(), setup.apart(), Reach::default()));
    let opening: Opening = {
        let home = home.clone();
        Box::new(move || {
            let home = home.clone();
            Box::pin(async move { Ok(home.door().await?.door) })
        })
    };
    let project = match &setup.config.project {
        Some(project) => WorkingProject::Named(project.clone()),
        None => WorkingProject::Found(setup.project.clone()),
    };
    let options = Options { clock, user: own_user().to_owned(), project };
    let served = tokio::select! {
        served = mcp::serve_stdio(opening, options) => served.map_err(Stop::from),
        () = interrupted() => Err(Stop::Interrupted),
    };
    home.close().await;
    served
}
