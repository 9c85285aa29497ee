//! Keeps for the next start what the console is left as and what was chosen in it. One task writes it all, so that no two
//! writes meet in one file: choices in the order they were made, of the state only the newest.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::sync::{mpsc, watch};

use crate::{
    config,
    console::{
        msg::{Answer, Msg},
        state::{self, State},
        theme::{self, Choice},
    },
    model::Fault,
    tasks::{Tasks, blocking},
};

/// Chosen and not yet written: more than a person chooses while one file is written.
const QUEUE_MAX: usize = 64;

enum Chosen {
    Settings(Vec<(&'static str, String)>),
    Theme(Choice),
}

pub struct Keeper {
    chosen: mpsc::Sender<Chosen>,
    state: watch::Sender<State>,
}

impl Keeper {
    pub fn start(data_dir: PathBuf, send: mpsc::Sender<Msg>, tasks: &Tasks) -> Keeper {
        let (chosen, choices) = mpsc::channel(QUEUE_MAX);
        let (state, states) = watch::channel(State::default());
        // Ends when both are closed, not by the token: what was left last is still kept.
        tasks.spawn(work(data_dir, choices, states, send));
        Keeper { chosen, state }
    }

    pub fn choices(&self, choices: Vec<(&'static str, String)>) {
        self.push(Chosen::Settings(choices));
    }

    pub fn theme(&self, choice: Choice) {
        self.push(Chosen::Theme(choice));
    }

    pub fn state(&self, state: State) {
        self.state.send_replace(state);
    }

    fn push(&self, chosen: Chosen) {
        if self.chosen.try_send(chosen).is_err() {
            tracing::warn!("the disk is so slow that a choice was not kept");
        }
    }
}

async fn work(
    dir: PathBuf,
    mut choices: mpsc::Receiver<Chosen>,
    mut states: watch::Receiver<State>,
    send: mpsc::Sender<Msg>,
) {
    loop {
        tokio::select! {
            Some(chosen) = choices.recv() => {
                let Err((what, fault)) = keep_chosen(&dir, chosen).await else { continue };
                if send.send(Msg::Answer(Answer::Failed { what, fault })).await.is_err() {
                    tracing::warn!(what, "the console ended before it could say so");
                }
            }
            Ok(()) = states.changed() => {
                let state = states.borrow_and_update().clone();
                // Without a word on screen: the state of a moment later is kept by the next one.
                if let Err(fault) = keep(&dir, move |dir| state::keep(dir, &state)).await {
                    tracing::warn!(%fault, "the console's state is not kept");
                }
            }
            else => return,
        }
    }
}

async fn keep_chosen(dir: &Path, chosen: Chosen) -> Result<(), (&'static str, Fault)> {
    match chosen {
        Chosen::Settings(choices) => {
            let kept = keep(dir, move |dir| config::keep(dir, &choices)).await;
            kept.map_err(|fault| ("the choice is not kept", fault))
        }
        Chosen::Theme(choice) => {
            let kept = keep(dir, move |dir| theme::keep(dir, &choice)).await;
            kept.map_err(|fault| ("the theme is not kept", fault))
        }
    }
}

async fn keep(dir: &Path, write: impl FnOnce(&Path) -> io::Result<()> + Send + 'static) -> Result<(), Fault> {
    let dir = dir.to_owned();
    let failed = |error| Fault::unavailable("the data directory takes no file").cause(error);
    blocking(move || write(&dir).map_err(failed)).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        config::{CHOOSABLE, Config, Provenance},
        console::theme::Mode,
    };

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread")]
    async fn the_last_state_and_every_choice_are_kept_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let (send, _messages) = mpsc::channel(1);
        let tasks = Tasks::new();
        let keeper = Keeper::start(dir.path().to_owned(), send, &tasks);
        let values = ["vim", "true", "none", "false", "reduced", "utc", "Asia/Tokyo"];
        let mut state = State::default();
        for (n, (name, value)) in CHOOSABLE.into_iter().zip(values).enumerate() {
            keeper.choices(vec![(name, value.to_owned())]);
            keeper.theme(Choice::Chosen { name: format!("theme-{n}"), on: Mode::Dark });
            state.set("n", &n);
            keeper.state(state.clone());
        }
        drop(keeper);
        assert!(tasks.end(PATIENCE).await);
        assert_eq!(state::read(dir.path()), Ok(state));
        assert_eq!(theme::kept(dir.path()), Choice::Chosen { name: "theme-6".into(), on: Mode::Dark });
        let mut config = Config::default();
        assert_eq!(config.take_choices(dir.path()), None);
        assert!(CHOOSABLE.iter().all(|name| config.provenance(name) == Provenance::Chosen));
    }

    #[tokio::test]
    async fn a_choice_that_cannot_be_kept_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (send, mut messages) = mpsc::channel(1);
        let tasks = Tasks::new();
        let keeper = Keeper::start(dir.path().join("gone"), send, &tasks);
        keeper.state(State::default());
        keeper.choices(vec![("time", "utc".into())]);
        let Some(Msg::Answer(Answer::Failed { what, .. })) = messages.recv().await else {
            panic!("not told")
        };
        assert_eq!(what, "the choice is not kept");
    }
}
