//! Drafts on disk: `<data>/drafts/<purpose>.json`, each written whole beside its place and renamed into it, so that a
//! kill at any moment leaves the old one or the new one. One task does it all, in the order it was asked for.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::sync::mpsc;

use crate::{
    config::write_whole,
    console::{
        msg::{Answer, Msg},
        overlay::form::{Draft, Purpose},
    },
    model::Fault,
    tasks::{Tasks, blocking},
};

/// Asked for and not yet done; the newest text of a draft is always among the last.
const QUEUE_MAX: usize = 256;

enum Job {
    Save(Draft),
    Drop(Purpose),
    Load(Purpose),
}

pub struct Drafts(mpsc::Sender<Job>);

impl Drafts {
    pub fn start(dir: PathBuf, send: mpsc::Sender<Msg>, tasks: &Tasks) -> Drafts {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        // Ends when the queue is closed, not by the token: what was typed is still written.
        tasks.spawn(work(dir, jobs, send));
        Drafts(queue)
    }

    pub fn save(&self, draft: Draft) {
        self.push(Job::Save(draft));
    }

    pub fn drop(&self, purpose: Purpose) {
        self.push(Job::Drop(purpose));
    }

    pub fn load(&self, purpose: Purpose) {
        self.push(Job::Load(purpose));
    }

    fn push(&self, job: Job) {
        if self.0.try_send(job).is_err() {
            tracing::warn!("the disk is so slow that a draft was not written; the next key writes it");
        }
    }
}

async fn work(dir: PathBuf, mut jobs: mpsc::Receiver<Job>, send: mpsc::Sender<Msg>) {
    while let Some(job) = jobs.recv().await {
        let at = dir.clone();
        let answer = match job {
            Job::Save(draft) => {
                let done = blocking(move || write(&at, &draft).map_err(|error| failed(&at, error))).await;
                done.err().map(|fault| Answer::Failed { what: "the draft is not kept", fault })
            }
            Job::Drop(purpose) => {
                let done = blocking(move || match fs::remove_file(at.join(purpose.file_name())) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&at, error)),
                    _ => Ok(()),
                });
                done.await.err().map(|fault| Answer::Failed { what: "the draft is still there", fault })
            }
            Job::Load(purpose) => {
                let draft = blocking(move || Ok(read(&at, purpose))).await.ok().flatten();
                Some(Answer::Draft { purpose, draft })
            }
        };
        if let Some(answer) = answer
            && send.send(Msg::Answer(answer)).await.is_err()
        {
            tracing::debug!("the console ended before it heard of its draft");
        }
    }
}

fn failed(dir: &Path, error: io::Error) -> Fault {
    Fault::unavailable(format!("cannot write in {}", dir.display())).cause(error)
}

fn write(dir: &Path, draft: &Draft) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    write_whole(&dir.join(draft.purpose.file_name()), &serde_json::to_vec(draft)?)
}

/// None when there is none, or when it cannot be read: a form opens empty rather than not at all.
fn read(dir: &Path, purpose: Purpose) -> Option<Draft> {
    serde_json::from_slice(&fs::read(dir.join(purpose.file_name())).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Id, Time};

    #[test]
    fn a_draft_reads_back_and_a_torn_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft {
            purpose: Purpose::Edit(Id::NIL),
            fields: [("content", "half a thought"), ("tags", "a, b")]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
            revision: 3,
            saved_at: Time::from_unix_ms(5),
        };
        write(dir.path(), &draft).unwrap();
        assert_eq!(read(dir.path(), draft.purpose), Some(draft));
        assert_eq!(read(dir.path(), Purpose::New), None);
        fs::write(dir.path().join(Purpose::New.file_name()), "{\"purpose\":").unwrap();
        assert_eq!(read(dir.path(), Purpose::New), None);
    }
}
