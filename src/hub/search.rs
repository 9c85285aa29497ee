//! Searching: the index when it is there, a bounded scan of the records while it is not.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Hub,
    decisions::decision_event,
    told::{event, memory_event, object, tell_later},
};
use crate::{
    door::{CacheStatus, Caller, SearchAnswer, SearchRequest, SuggestAnswer, SuggestRequest, ViewState},
    model::{Change, Code, Commit, Decision, EventDraft, Fault, Id, Projects, TimeWords, ZoneError},
    search::{Lexical, STILL_CHECKED, Searched, counted::Counted},
};

/// A search asked for by a verb or an agent waits this long for an index that is about to be ready.
const INDEX_PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks.
const INDEX_LOOK: Duration = Duration::from_millis(5);
/// Records that a scan may read; more would hold the answer back.
const SCAN_RECORDS_MAX: usize = 5_000;
/// Of a query, in the event that tells it.
const QUERY_CHARS_TOLD: usize = 200;

/// Answers kept.
const ANSWERS_MAX: u64 = 1_000;
/// An answer is kept no longer than this; one that asks for a time relative to now, no longer than that.
const KEPT: Duration = Duration::from_secs(60);
const KEPT_WITH_TIME: Duration = Duration::from_secs(1);

/// Answers of the index, as long as nothing they hold can have changed.
pub struct Answers(Counted<String, Kept>);

#[derive(Clone)]
struct Kept {
    answer: Arc<SearchAnswer>,
    stamp: [u64; 3],
    at: Instant,
    patience: Duration,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers(Counted::new(ANSWERS_MAX))
    }
}

impl Answers {
    pub fn status(&self) -> CacheStatus {
        self.0.status("answers")
    }

    fn get(&self, key: &String, stamp: [u64; 3]) -> Option<SearchAnswer> {
        let holds = |kept: &Kept| kept.stamp == stamp && kept.at.elapsed() < kept.patience;
        let kept = self.0.get(key, holds)?;
        let cached_ms = Some(kept.at.elapsed().as_millis() as u64);
        Some(SearchAnswer { cached_ms, took_ms: 0.0, parts_ms: BTreeMap::new(), ..(*kept.answer).clone() })
    }

    fn keep(&self, key: String, stamp: [u64; 3], request: &SearchRequest, answer: &SearchAnswer) {
        let asks_for_time = request.filter.since.is_some()
            || request.filter.until.is_some()
            || ["since:", "after:", "before:"].iter().any(|field| request.query.contains(field));
        let patience = if asks_for_time { KEPT_WITH_TIME } else { KEPT };
        self.0.put(key, Kept { answer: Arc::new(answer.clone()), stamp, at: Instant::now(), patience });
    }

    /// Lets go of all: what has changed is not to be kept in old answers.
    pub fn clear(&self) {
        self.0.clear();
    }
}

/// The index's answer, or the same one from a moment ago.
async fn answered(
    hub: &Arc<Hub>,
    request: &SearchRequest,
    wall: Projects,
    words: TimeWords,
) -> Result<SearchAnswer, Fault> {
    let key = serde_json::to_string(&(request, &wall))
        .map_err(|error| Fault::bug("a request's key").cause(error))?;
    // Taken before the index is asked: what changes meanwhile makes the answer an old one.
    let stamp = hub.lexical.stamp();
    if let Some(answer) = hub.answers.get(&key, stamp) {
        return Ok(answer);
    }
    let (lexical, asked) = (hub.lexical.clone(), request.clone());
    let answer = hub.searchers.run(move || lexical.search(&asked, &wall, words)).await?;
    // What is said of the index itself may be otherwise in a moment.
    let of_the_moment =
        answer.degraded_mode.is_some() || answer.degraded_reasons.iter().any(|why| why == STILL_CHECKED);
    if !of_the_moment {
        hub.answers.keep(key.clone(), stamp, request, &answer);
        // The feed let go of those from before the change that came meanwhile.
        if hub.lexical.stamp() != stamp {
            hub.answers.0.remove(&key);
        }
    }
    Ok(answer)
}

pub async fn search(hub: &Arc<Hub>, caller: &Caller, request: SearchRequest) -> Result<SearchAnswer, Fault> {
    let began = Instant::now();
    // What is typed is answered with what is there; what is asked for once waits to see what was just saved.
    if !request.as_you_type {
        index_ready(hub).await;
    }
    let (wall, words) = (caller.projects.clone(), words(hub, request.zone.as_deref())?);
    let asked = request.clone();
    let answer = if can_answer(hub) {
        answered(hub, &asked, wall, words).await?
    } else {
        hub.read(move |store| {
            let mut records: Vec<Searched> = Vec::new();
            let scanned = store.scan(&mut |stored| {
                if !stored.hidden {
                    records.push(Searched::Memory(Box::new(stored.memory.clone())));
                }
                records.len() < SCAN_RECORDS_MAX
            });
            let scanned = scanned.and_then(|()| {
                store
                    .decisions(None, &mut |_, decision| {
                        records.push(Searched::Decision(Box::new(decision)));
                        records.len() < SCAN_RECORDS_MAX
                    })
                    .or_else(|fault| if fault.code == Code::Unavailable { Ok(()) } else { Err(fault) })
            });
            // What can be read is searched; the answer says that it is less than all anyway.
            scanned.or_else(|fault| if fault.code == Code::Damaged { Ok(()) } else { Err(fault) })?;
            Lexical::scan(&asked, &wall, words, &mut records.into_iter())
        })
        .await?
    };
    hub.health.searches.record(began.elapsed());
    if !request.as_you_type {
        tell_served(hub, caller, &request, &answer);
    }
    Ok(answer)
}

pub async fn suggest(
    hub: &Arc<Hub>,
    caller: &Caller,
    request: SuggestRequest,
) -> Result<SuggestAnswer, Fault> {
    if !can_answer(hub) {
        return Ok(SuggestAnswer::default());
    }
    let (lexical, wall, words) = (hub.lexical.clone(), caller.projects.clone(), words(hub, None)?);
    hub.searchers.run(move || lexical.suggest(&request, &wall, words)).await
}

/// The hit was opened: its use is counted in the log, not in the record.
pub async fn opened(hub: &Arc<Hub>, caller: &Caller, id: Id, query: &str) -> Result<(), Fault> {
    let decision: Option<Decision> = hub.read(move |store| store.decision(id)).await?;
    let (mut served, changes) = match decision.filter(|decision| caller.projects.see(&decision.project)) {
        // Only the use of memories is counted.
        Some(decision) => (decision_event(hub, caller, &decision, "search.served"), Vec::new()),
        None => {
            let memory = super::memories::visible(hub, caller, id).await?;
            (memory_event(hub, caller, &memory, "search.served"), vec![Change::Accessed { id }])
        }
    };
    served.data.insert("query".to_owned(), told(query).into());
    let commit = Commit { changes, events: vec![served], ..Commit::default() };
    tell_later(hub, commit);
    Ok(())
}

fn tell_served(hub: &Arc<Hub>, caller: &Caller, request: &SearchRequest, answer: &SearchAnswer) {
    let data = json!({
        "query": told(&request.query),
        "hits": answer.total,
        "took_ms": (answer.took_ms * 100.0).round() / 100.0,
        "legs": answer.legs_used,
    });
    let project = match &request.filter.projects {
        crate::model::Projects::Only(list) => list.first().map_or("_", |project| project.as_str()),
        crate::model::Projects::All => "_",
    };
    // What went wrong is told each time.
    let (kind, picked) = match answer.degraded_mode {
        Some(_) => ("search.degraded", Some(None)),
        None => ("search.served", hub.sampler.picks(caller.correlation, hub.clock.passed())),
    };
    let Some(sampled_rate) = picked else { return };
    let served = EventDraft { sampled_rate, ..event(hub, caller, project, kind, object(data)) };
    tell_later(hub, Commit { events: vec![served], ..Commit::default() });
}

fn told(query: &str) -> String {
    query.chars().take(QUERY_CHARS_TOLD).collect()
}

/// An index that is catching up answers with what it has; one that is opening or being rebuilt does not.
pub fn can_answer(hub: &Hub) -> bool {
    matches!(hub.lexical.state(), ViewState::Ready | ViewState::CatchingUp { .. })
}

/// Until the index holds all that was acknowledged before this moment, or patience ends.
async fn index_ready(hub: &Hub) {
    let head = *hub.store.head().borrow();
    let deadline = tokio::time::Instant::now() + INDEX_PATIENCE;
    while tokio::time::Instant::now() < deadline {
        match hub.lexical.state() {
            ViewState::Failed { .. } => return,
            ViewState::Opening => {}
            _ if hub.lexical.applied() >= head => return,
            _ => {}
        }
        tokio::time::sleep(INDEX_LOOK).await;
    }
}

/// How times in a query are read: in the zone it names, else in the hub's.
fn words(hub: &Hub, zone: Option<&str>) -> Result<TimeWords, Fault> {
    let named = zone.map(|name| {
        name.parse().map_err(|error: ZoneError| Fault::invalid("the zone is not known here").cause(error))
    });
    Ok(TimeWords { now: hub.clock.now(), zone: named.transpose()?.unwrap_or_else(|| hub.clock.zone()) })
}
