//! Finds what code is made of, beside the loop. Whoever walks through a list asks again with every step: only the last
//! text asked for is worked on, and one that nobody looks at any more is left between two blocks.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use crate::{
    console::{
        markdown::code::{Block, Grammars},
        msg::{Answer, Msg},
    },
    model::Id,
    tasks::{Tasks, blocking},
};

/// The grammars are let go when nothing was asked for this long: they are read again in milliseconds.
const KEPT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
struct Job {
    id: Id,
    revision: u32,
    blocks: Vec<Block>,
}

pub struct Highlight(watch::Sender<Option<Job>>);

impl Highlight {
    pub fn start(send: mpsc::Sender<Msg>, tasks: &Tasks) -> Highlight {
        let (newest, jobs) = watch::channel(None);
        // Ends when the sender is dropped.
        tasks.spawn(work(jobs, send));
        Highlight(newest)
    }

    pub fn ask(&self, id: Id, revision: u32, blocks: Vec<Block>) {
        self.0.send_replace(Some(Job { id, revision, blocks }));
    }
}

async fn work(mut jobs: watch::Receiver<Option<Job>>, send: mpsc::Sender<Msg>) {
    let mut kept: Option<Arc<Grammars>> = None;
    'jobs: loop {
        // Without grammars there is nothing to wake up for.
        let next = match kept {
            Some(_) => timeout(KEPT, jobs.changed()).await,
            None => Ok(jobs.changed().await),
        };
        match next {
            Err(_) => {
                kept = None;
                continue;
            }
            Ok(Err(_)) => return,
            Ok(Ok(())) => {}
        }
        let Some(Job { id, revision, blocks }) = jobs.borrow_and_update().clone() else { continue };
        let mut tokens = Vec::with_capacity(blocks.len());
        let grammars = Arc::clone(kept.get_or_insert_default());
        for block in blocks {
            let grammars = Arc::clone(&grammars);
            match blocking(move || Ok(grammars.tokens(&block))).await {
                Ok(found) => tokens.push(found),
                // It stays plain.
                Err(fault) => {
                    tracing::warn!(%fault, "code was not coloured");
                    continue 'jobs;
                }
            }
            if jobs.has_changed().unwrap_or(true) {
                continue 'jobs;
            }
        }
        if send.send(Msg::Answer(Answer::Highlighted { id, revision, tokens })).await.is_err() {
            return;
        }
    }
}
