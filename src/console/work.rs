//! Does what `update` asks for, beside the loop: each question to the door is a task of its own; drafts, former
//! queries and what is kept for the next start are written one after another by a task each; every result comes back as a
//! message.

mod drafts;
mod each;
mod export;
mod files;
mod highlight;
mod jobs;
mod keeper;
mod paths;
mod queries;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    effect::{Ask, Effect, Save},
    keymap,
    link::Line,
    model::At,
    msg::{Answer, Msg},
    theme::Themes,
};
use crate::{
    door::{Caller, Door, Forgetting, LOG_PAGE, SuggestRequest},
    home::local_caller,
    ingest::{self, ImportRequest, Progress},
    model::{DecisionRef, Fault, Project, Zone},
    tasks::{Clock, Tasks, blocking},
};

use self::{drafts::Drafts, files::Files, highlight::Highlight, keeper::Keeper, queries::Queries};

/// Progress is shown this often.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);
/// How long what is on its way (a draft, a commit of the import) is waited for at the end.
const END_PATIENCE: Duration = Duration::from_secs(5);

pub struct Work {
    tasks: Tasks,
    /// In the order of the fleet.
    lines: Vec<Line>,
    chosen: At,
    turn: u64,
    clock: Clock,
    send: mpsc::Sender<Msg>,
    drafts: Drafts,
    queries: Queries,
    keeper: Keeper,
    highlight: Highlight,
    keymap: PathBuf,
    import: Option<CancellationToken>,
    export: Option<CancellationToken>,
    files: Files,
    themes_dir: PathBuf,
}

impl Work {
    pub fn new(
        lines: Vec<Line>,
        clock: Clock,
        send: mpsc::Sender<Msg>,
        (data_dir, keymap, themes_dir): (&Path, PathBuf, &Path),
        tasks: Tasks,
    ) -> Work {
        let drafts = Drafts::start(data_dir.join("drafts"), send.clone(), &tasks);
        let files = Files::seen(&keymap, themes_dir);
        let queries = Queries::start(data_dir.to_owned(), send.clone(), &tasks);
        let keeper = Keeper::start(data_dir.to_owned(), send.clone(), &tasks);
        let highlight = Highlight::start(send.clone(), &tasks);
        Work {
            tasks,
            lines,
            chosen: At(0),
            turn: 0,
            clock,
            send,
            drafts,
            queries,
            keeper,
            highlight,
            keymap,
            import: None,
            export: None,
            files,
            themes_dir: themes_dir.to_owned(),
        }
    }

    /// What the loop does itself (the terminal's) is not for here, and passed over.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(ask) => self.ask(self.chosen, ask, None),
            Effect::AskEach(ask) => self.ask_each(ask),
            Effect::SaveDraft(draft) => self.drafts.save(draft),
            Effect::DropDraft(purpose) => self.drafts.drop(purpose),
            Effect::LoadDraft(purpose) => self.drafts.load(purpose),
            Effect::KeepQuery(query) => self.queries.keep(query),
            Effect::DropQuery(query) => self.queries.drop(query),
            Effect::LoadQueries => self.queries.load(),
            Effect::Highlight { id, revision, blocks } => self.highlight.ask(id, revision, blocks),
            Effect::CompletePath(asked) => self.complete(asked),
            Effect::Import { path, project } => self.import(path, project),
            Effect::ReadThemes => {
                let dir = self.themes_dir.clone();
                self.spawn(async move {
                    let read = blocking(move || themes(&dir)).await;
                    Answer::Themes(read)
                });
            }
            Effect::KeepTheme(choice) => self.keeper.theme(choice),
            Effect::KeepChoices(choices) => self.keeper.choices(choices),
            Effect::KeepState(state) => self.keeper.state(state),
            Effect::LookAtFiles => self.look_at_files(),
            Effect::Export(asked) => self.export(*asked),
            Effect::CancelExport => {
                if let Some(token) = &self.export {
                    token.cancel();
                }
            }
            Effect::CancelImport => {
                if let Some(token) = &self.import {
                    token.cancel();
                }
            }
            Effect::Retry(at) => {
                if let Some(line) = self.line(at) {
                    line.retry.notify_one();
                }
            }
            Effect::Choose { at, turn } => (self.chosen, self.turn) = (at, turn),
            Effect::ReadKeymap => {
                let path = self.keymap.clone();
                self.spawn(async move { Answer::Keymap(blocking(move || keymap::read(&path)).await) });
            }
            Effect::Quit
            | Effect::Suspend
            | Effect::Copy(_)
            | Effect::CaptureMouse(_)
            | Effect::UseZone(_)
            | Effect::DrawAscii(_)
            | Effect::Edit { .. } => {}
        }
    }

    /// Stops the import, writes what is left, and waits for both.
    pub async fn end(self) {
        if let Some(token) = &self.import {
            token.cancel();
        }
        drop((self.drafts, self.queries, self.keeper, self.highlight));
        if !self.tasks.end(END_PATIENCE).await {
            tracing::warn!("something the console had asked for was still on its way when it ended");
        }
    }

    fn spawn(&self, task: impl Future<Output = Answer> + Send + 'static) {
        self.spawn_as(task, Msg::Answer);
    }

    fn spawn_as(
        &self,
        task: impl Future<Output = Answer> + Send + 'static,
        message: impl FnOnce(Answer) -> Msg + Send + 'static,
    ) {
        let (send, token) = (self.send.clone(), self.tasks.token());
        self.tasks.spawn(async move {
            tokio::select! {
                answer = task => {
                    // Nobody listens any more: the console ends.
                    drop(send.send(message(answer)).await);
                }
                () = token.cancelled() => {}
            }
        });
    }

    fn line(&self, at: At) -> Option<&Line> {
        self.lines.get(usize::from(at.0))
    }

    fn door(&self, at: At) -> Result<Arc<dyn Door>, Fault> {
        let door = self.line(at).and_then(|line| line.door.borrow().clone());
        door.ok_or_else(|| Fault::unavailable("the hub is not there"))
    }

    fn ask(&self, at: At, mut ask: Ask, patience: Option<Duration>) {
        self.in_my_zone(&mut ask);
        let (door, turn) = (self.door(at), self.turn);
        let caller = local_caller(&self.clock);
        let answered = async move {
            let door = match door {
                Ok(door) => door,
                Err(fault) => return refused(ask, fault),
            };
            let Some(patience) = patience else { return answer(&*door, &caller, ask).await };
            let unanswered = refused(ask.clone(), each::late());
            timeout(patience, answer(&*door, &caller, ask)).await.unwrap_or(unanswered)
        };
        self.spawn_as(answered, move |answer| Msg::OfHub { at, turn, answer });
    }

    /// A hub elsewhere reads `since:yesterday` as it is meant here.
    fn in_my_zone(&self, ask: &mut Ask) {
        if let Ask::Search { request, .. } | Ask::SearchMore { request, .. } | Ask::Explain { request, .. } =
            ask
        {
            request.zone = self.zone_name();
        }
    }

    /// The zone that was picked; the machine's own is the hub's too.
    fn zone_name(&self) -> Option<String> {
        self.clock.zones().picked.and_then(Zone::name).map(str::to_owned)
    }

    fn complete(&self, asked: String) {
        self.spawn(async move {
            let path = asked.clone();
            let names = blocking(move || Ok(paths::complete(&path))).await.unwrap_or_default();
            Answer::Paths { asked, names }
        });
    }

    fn import(&mut self, path: PathBuf, project: Option<Project>) {
        let door = match self.door(self.chosen) {
            Ok(door) => door,
            Err(fault) => return self.spawn(async { Answer::Imported(Err(fault)) }),
        };
        let token = CancellationToken::new();
        self.import = Some(token.clone());
        let (tell, progress) = watch::channel(Progress::default());
        let caller = local_caller(&self.clock);
        let request = ImportRequest { paths: vec![paths::expand(&path)], project };
        let send = self.send.clone();
        self.tasks.spawn(tell_progress(progress, send.clone()));
        self.tasks.spawn(async move {
            let result = ingest::import(door, caller, request, tell, token).await;
            drop(send.send(Msg::Answer(Answer::Imported(result))).await);
        });
    }
}

fn themes(dir: &Path) -> Result<Themes, Fault> {
    Themes::read(dir)
        .map_err(|error| Fault::unavailable(format!("{} cannot be read", dir.display())).cause(error))
}

/// The newest progress, now and then, until the import lets go of it.
async fn tell_progress(mut progress: watch::Receiver<Progress>, send: mpsc::Sender<Msg>) {
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        if send.send(Msg::Answer(Answer::ImportProgress(now))).await.is_err() {
            return;
        }
        tokio::time::sleep(PROGRESS_PAUSE).await;
    }
}

async fn answer(door: &dyn Door, caller: &Caller, ask: Ask) -> Answer {
    match ask {
        Ask::Search { generation, request } => {
            Answer::Search { generation, result: door.search(caller, request).await }
        }
        Ask::SearchMore { generation, request } => {
            Answer::SearchMore { generation, result: door.search(caller, request).await }
        }
        Ask::Recent { generation, request } => {
            Answer::Recent { generation, result: door.list(caller, request).await }
        }
        Ask::RecentMore { generation, request } => {
            Answer::RecentMore { generation, result: door.list(caller, request).await }
        }
        Ask::Explain { id, request } => Answer::Explain { id, result: door.search(caller, request).await },
        Ask::Alike { request } => Answer::Alike(door.search(caller, request).await),
        Ask::Suggest { generation, request } => {
            Answer::Suggest { generation, result: door.suggest(caller, request).await }
        }
        Ask::Projects => {
            let request = SuggestRequest { query: "project:".into(), limit: 20, ..SuggestRequest::default() };
            Answer::Projects(door.suggest(caller, request).await)
        }
        Ask::Memory { id } => {
            let result = door.get(caller, &[id]).await;
            let first = result.and_then(|memories| {
                memories.into_iter().next().ok_or_else(|| Fault::not_found("this memory is not there"))
            });
            Answer::Memory { id, result: first.map(Box::new) }
        }
        Ask::History { id } => Answer::History { id, result: door.history(caller, id).await },
        Ask::Opened { id, query } => match door.opened(caller, id, &query).await {
            // That it was opened is counted, not needed.
            Ok(()) | Err(_) => Answer::Nothing,
        },
        Ask::Save(save) => {
            let saved = match save {
                Save::New(new) => door.add(caller, new).await,
                Save::Edit { id, patch, revision } => door.edit(caller, id, patch, Some(revision)).await,
                Save::Supersede { id, new } => door.supersede(caller, id, new).await,
            };
            Answer::Saved(saved.map(Box::new))
        }
        Ask::Forget { id } => Answer::Forgotten(door.forget(caller, id, Forgetting::Hide).await),
        Ask::Restore { id } => Answer::Restored(door.restore(caller, id).await.map(Box::new)),
        Ask::Decision { id } => {
            let result = door.decision(caller, DecisionRef::Id(id)).await;
            Answer::Decision { id, result: result.map(Box::new) }
        }
        Ask::Decisions { what, request } => {
            Answer::Decisions { what, result: door.decisions(caller, request).await }
        }
        Ask::Calibration { generation, filter } => {
            Answer::Calibration { generation, result: door.calibration(caller, filter).await }
        }
        Ask::Decide(new) => Answer::Decided(door.decide(caller, *new).await.map(Box::new)),
        Ask::RecordOutcome { id, outcome } => {
            let recorded = door.record_outcome(caller, DecisionRef::Id(id), outcome).await;
            Answer::Decided(recorded.map(Box::new))
        }
        Ask::DecisionHistory { id } => {
            Answer::DecisionHistory { id, result: door.decision_history(caller, DecisionRef::Id(id)).await }
        }
        Ask::Jobs { generation } => Answer::Jobs { generation, result: door.jobs(caller).await },
        Ask::JobRuns { generation, job } => {
            Answer::JobRuns { generation, job, result: jobs::runs(door, caller, job).await }
        }
        Ask::Job(deed) => Answer::Job { result: jobs::perform(door, caller, deed.clone()).await, deed },
        Ask::RunLog { run, after } => {
            Answer::RunLog { run, result: door.run_log(caller, run, after, LOG_PAGE).await }
        }
        Ask::Health { generation, trends } => {
            Answer::Health { generation, result: jobs::health(door, trends).await }
        }
    }
}

/// The same answers, when there is no door to ask.
fn refused(ask: Ask, fault: Fault) -> Answer {
    match ask {
        Ask::Search { generation, .. } => Answer::Search { generation, result: Err(fault) },
        Ask::SearchMore { generation, .. } => Answer::SearchMore { generation, result: Err(fault) },
        Ask::Recent { generation, .. } => Answer::Recent { generation, result: Err(fault) },
        Ask::RecentMore { generation, .. } => Answer::RecentMore { generation, result: Err(fault) },
        Ask::Explain { id, .. } => Answer::Explain { id, result: Err(fault) },
        Ask::Alike { .. } => Answer::Alike(Err(fault)),
        Ask::Suggest { generation, .. } => Answer::Suggest { generation, result: Err(fault) },
        Ask::Projects => Answer::Projects(Err(fault)),
        Ask::Memory { id } => Answer::Memory { id, result: Err(fault) },
        Ask::History { id } => Answer::History { id, result: Err(fault) },
        Ask::Opened { .. } => Answer::Nothing,
        Ask::Save(_) => Answer::Saved(Err(fault)),
        Ask::Forget { .. } => Answer::Forgotten(Err(fault)),
        Ask::Restore { .. } => Answer::Restored(Err(fault)),
        Ask::Decision { id } => Answer::Decision { id, result: Err(fault) },
        Ask::Decisions { what, .. } => Answer::Decisions { what, result: Err(fault) },
        Ask::Calibration { generation, .. } => Answer::Calibration { generation, result: Err(fault) },
        Ask::Decide(_) | Ask::RecordOutcome { .. } => Answer::Decided(Err(fault)),
        Ask::DecisionHistory { id } => Answer::DecisionHistory { id, result: Err(fault) },
        Ask::Jobs { generation } => Answer::Jobs { generation, result: Err(fault) },
        Ask::JobRuns { generation, job } => Answer::JobRuns { generation, job, result: Err(fault) },
        Ask::Job(deed) => Answer::Job { deed, result: Err(fault) },
        Ask::RunLog { run, .. } => Answer::RunLog { run, result: Err(fault) },
        Ask::Health { generation, .. } => Answer::Health { generation, result: Err(fault) },
    }
}
