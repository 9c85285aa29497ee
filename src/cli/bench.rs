//! `bench search`: how good and how fast search is on a collection with judgements, through the same door as ever.
//!
//! The collection is imported into a hub of its own, in a temporary directory that goes at the end. What is measured is
//! what the product does.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Stop, reindex, text, verb::Ask};
use crate::{
    api::Reach,
    door::{BATCH_MAX, Caller, Door, NewMemory, SearchMode, SearchRequest, Step, Upsert, ViewName},
    home::{Home, HomeOptions, Stay, local_caller},
    hub::JobOptions,
    model::{Code, Fault, Id, MemoryFilter, Project, Projects},
    store::Retention,
    tasks::{Clock, blocking},
};

/// What a ranking is judged by: its first ten, and for the reciprocal rank its first hundred.
const DEPTH: usize = 100;
const TOP: usize = 10;
/// Samples of the queries, drawn with replacement, for an interval.
const RESAMPLES: usize = 1_000;
/// Hybrid first: the others then find the query's vector made, which is counted to them again.
const MODES: [SearchMode; 3] = [SearchMode::Hybrid, SearchMode::Lexical, SearchMode::Vector];

pub async fn search(ask: &mut Ask, folder: PathBuf, off: Vec<Step>) -> Result<(), Stop> {
    // Each document is judged by itself, where the ranking puts it.
    let without: Vec<Step> = off.into_iter().chain([Step::Fold, Step::Diversity]).collect();
    let named =
        folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
    let collection = blocking(move || Collection::read(&folder)).await?;
    let clock = Clock::system();
    let dir = std::env::temp_dir().join(format!("wheelhouse-bench-{}", clock.id()));
    let home = Home::new(HomeOptions {
        data_dir: dir.clone(),
        unsafe_filesystem: ask.setup.unsafe_filesystem,
        hub_name: "bench".to_owned(),
        clock: clock.clone(),
        retention: Retention::default(),
        sampling: Default::default(),
        stay: Stay::Verb,
        jobs: JobOptions::default(),
        hub: None,
        reach: Reach::default(),
    });
    let measured = measure(ask, &home, &collection, &without).await;
    home.close().await;
    if let Err(error) = std::fs::remove_dir_all(&dir) {
        ask.out.warn(&format!("{} stays: {error}", dir.display()), None);
    }
    let modes = measured?;
    if ask.out.manner.json {
        let by_name: Map<String, Value> =
            modes.iter().map(|(mode, measured)| (mode.word().to_owned(), json!(measured))).collect();
        return ask.out.document(&json!({
            "collection": named,
            "docs": collection.docs.len(),
            "queries": collection.queries.len(),
            "without": without,
            "modes": by_name,
        }));
    }
    let docs = text::counted(collection.docs.len() as u64, "document", "documents");
    ask.out.line(&format!("{named}  {docs}, {} judged queries", collection.queries.len()))?;
    let mut rows = vec![
        ["", "NDCG@10", "", "recall@10", "MRR", "p50 ms", "p95 ms", "p99 ms"].map(str::to_owned).to_vec(),
    ];
    rows.extend(modes.iter().map(|(mode, m)| {
        let mut row = vec![mode.word().to_owned(), format!("{:.3}", m.ndcg10)];
        row.push(format!("{:.3}–{:.3}", m.ndcg10_interval[0], m.ndcg10_interval[1]));
        row.extend([m.recall10, m.mrr].map(|value| format!("{value:.3}")));
        row.extend([m.p50_ms, m.p95_ms, m.p99_ms].map(|ms| format!("{ms:.1}")));
        row
    }));
    for line in text::table(&rows, |_, cell| cell.to_owned()) {
        ask.out.line(&line)?;
    }
    ask.out.flush()
}

/// How a mode did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Measured {
    ndcg10: f64,
    recall10: f64,
    mrr: f64,
    /// Of the mean, 95 % of resampled sets of queries.
    ndcg10_interval: [f64; 2],
    recall10_interval: [f64; 2],
    mrr_interval: [f64; 2],
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

async fn measure(
    ask: &Ask,
    home: &Home,
    collection: &Collection,
    without: &[Step],
) -> Result<Vec<(SearchMode, Measured)>, Fault> {
    let door = home.door().await?.door;
    let caller = local_caller(home.clock());
    let ids = import(ask, &door, &caller, collection).await?;
    let mut modes = MODES.map(|mode| (mode, Vec::new(), Vec::new()));
    for (at, query) in collection.queries.iter().enumerate() {
        ask.out.progress(&format!("asking {} of {}", at + 1, collection.queries.len()));
        let mut embed_ms = 0.0;
        for (mode, scores, times) in &mut modes {
            let request = SearchRequest {
                query: query.text.clone(),
                limit: DEPTH,
                mode: *mode,
                without: without.to_vec(),
                filter: MemoryFilter { projects: query.projects(), ..MemoryFilter::default() },
                ..SearchRequest::default()
            };
            let begin = Instant::now();
            let answer = door.search(&caller, request).await?;
            let mut took = begin.elapsed().as_secs_f64() * 1e3;
            let embedded = answer.parts_ms.get("embed").copied().unwrap_or(0.0);
            match mode {
                SearchMode::Hybrid => embed_ms = embedded,
                SearchMode::Vector => took += embed_ms - embedded,
                _ => {}
            }
            times.push(took);
            let found: Vec<&str> =
                answer.results.iter().filter_map(|hit| ids.get(&hit.id).map(String::as_str)).collect();
            scores.push(judge(&found, &query.relevant));
        }
    }
    ask.out.progress("");
    let mut measured: Vec<_> =
        modes.into_iter().map(|(mode, scores, times)| (mode, sum_up(&scores, times))).collect();
    measured.sort_by_key(|(mode, _)| SearchMode::ALL.iter().position(|known| known == mode));
    Ok(measured)
}

/// Puts the documents into the hub and waits until every one is indexed and has its vectors.
async fn import(
    ask: &Ask,
    door: &Arc<dyn Door>,
    caller: &Caller,
    collection: &Collection,
) -> Result<HashMap<Id, String>, Fault> {
    let mut ids = HashMap::with_capacity(collection.docs.len());
    for (batch, docs) in collection.docs.chunks(BATCH_MAX).enumerate() {
        ask.out.progress(&format!("importing {} of {}", batch * BATCH_MAX, collection.docs.len()));
        let items = docs.iter().map(Doc::memory).collect();
        let done =
            door.upsert(caller, Upsert { items, source: "bench".to_owned(), ..Upsert::default() }).await?;
        ids.extend(done.items.iter().map(|item| item.id).zip(docs.iter().map(|doc| doc.id.clone())));
    }
    for name in [ViewName::Lexical, ViewName::Vectors] {
        reindex::ready_at(ask, door, name).await?;
    }
    Ok(ids)
}

/// A folder of `docs.jsonl`, `queries.jsonl` and `qrels.tsv` (query, document, grade), and the queries that are judged.
pub struct Collection {
    pub docs: Vec<Doc>,
    pub queries: Vec<Query>,
}

#[derive(Debug, Deserialize)]
pub struct Doc {
    pub id: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub text: String,
    /// Goes to a project of its own; a query searches its own.
    pub group: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Query {
    pub id: String,
    pub text: String,
    pub group: Option<String>,
    /// The documents that answer it.
    #[serde(skip)]
    pub relevant: HashSet<String>,
}

impl Doc {
    /// As it is imported.
    pub fn memory(&self) -> NewMemory {
        let content = if self.text.trim().is_empty() { &self.title } else { &self.text };
        NewMemory {
            // A document of nothing is found by nothing; a memory has to have something.
            content: if content.trim().is_empty() { "-".to_owned() } else { content.clone() },
            title: self.title.clone(),
            project: self.group.as_deref().map(Project::slug),
            url: Some(format!("bench:{}", self.id)),
            ..NewMemory::default()
        }
    }
}

impl Query {
    /// Where it is asked.
    pub fn projects(&self) -> Projects {
        match &self.group {
            None => Projects::All,
            Some(group) => Projects::Only(vec![Project::slug(group)]),
        }
    }
}

impl Collection {
    pub fn read(folder: &Path) -> Result<Collection, Fault> {
        let docs: Vec<Doc> = lines(&folder.join("docs.jsonl"))?;
        let mut queries: Vec<Query> = lines(&folder.join("queries.jsonl"))?;
        let mut relevant: HashMap<String, HashSet<String>> = HashMap::new();
        for line in file(&folder.join("qrels.tsv"))?.lines() {
            let mut cells = line.split('\t');
            if let (Some(query), Some(doc), grade) = (cells.next(), cells.next(), cells.next())
                && grade.is_none_or(|grade| grade.trim() != "0")
            {
                relevant.entry(query.to_owned()).or_default().insert(doc.to_owned());
            }
        }
        queries.retain_mut(|query| {
            query.relevant = relevant.remove(&query.id).unwrap_or_default();
            // A question is not a query of the language: what has a meaning there is a space here.
            query.text = query.text.replace(['"', ':', '-'], " ");
            !query.relevant.is_empty()
        });
        if docs.is_empty() || queries.is_empty() {
            return Err(Fault::invalid(format!("{} has no documents or no judged queries", folder.display()))
                .hint("docs.jsonl {id, title, text, group?}, queries.jsonl {id, text, group?}, qrels.tsv: query, document, grade"));
        }
        Ok(Collection { docs, queries })
    }
}

fn file(path: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(path).map_err(|error| {
        Fault::new(Code::Invalid, format!("cannot read {}", path.display()))
            .cause(error)
            .hint("a collection is a folder of docs.jsonl, queries.jsonl and qrels.tsv")
    })
}

fn lines<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>, Fault> {
    let text = file(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| Fault::invalid(format!("{}, line {}", path.display(), at + 1)).cause(error))
    };
    lines.map(read).collect()
}

/// NDCG@10 with binary gains against the ideal over all that is relevant, recall@10, reciprocal rank.
pub fn judge(found: &[&str], relevant: &HashSet<String>) -> [f64; 3] {
    let gain = |at: usize| 1.0 / (at as f64 + 2.0).log2();
    let hits = |n: usize| found.iter().take(n).enumerate().filter(|(_, id)| relevant.contains(**id));
    let ideal: f64 = (0..relevant.len().min(TOP)).map(gain).sum();
    [
        hits(TOP).map(|(at, _)| gain(at)).sum::<f64>() / ideal,
        hits(TOP).count() as f64 / relevant.len() as f64,
        hits(DEPTH).next().map_or(0.0, |(at, _)| 1.0 / (at as f64 + 1.0)),
    ]
}

fn sum_up(scores: &[[f64; 3]], mut times: Vec<f64>) -> Measured {
    times.sort_by(f64::total_cmp);
    let at = |q: f64| times.get(((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1)));
    let quantile = |q| at(q).copied().unwrap_or(0.0);
    let mean =
        |which: usize| scores.iter().map(|score| score[which]).sum::<f64>() / scores.len().max(1) as f64;
    let [ndcg10_interval, recall10_interval, mrr_interval] = intervals(scores);
    Measured {
        ndcg10: mean(0),
        recall10: mean(1),
        mrr: mean(2),
        ndcg10_interval,
        recall10_interval,
        mrr_interval,
        p50_ms: quantile(0.5),
        p95_ms: quantile(0.95),
        p99_ms: quantile(0.99),
    }
}

/// Percentile bootstrap of the means. The draws are the same in every run.
fn intervals(scores: &[[f64; 3]]) -> [[f64; 2]; 3] {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % scores.len().max(1) as u64) as usize
    };
    let mut means = [const { Vec::new() }; 3];
    for _ in 0..RESAMPLES {
        let mut sums = [0.0; 3];
        for _ in 0..scores.len() {
            let drawn = scores[draw()];
            sums.iter_mut().zip(drawn).for_each(|(sum, value)| *sum += value);
        }
        means.iter_mut().zip(sums).for_each(|(means, sum)| means.push(sum / scores.len() as f64));
    }
    means.map(|mut means: Vec<f64>| {
        means.sort_by(f64::total_cmp);
        let at = |q: f64| means[(RESAMPLES as f64 * q) as usize];
        [at(0.025), at(0.975)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_is_judged() {
        let relevant: HashSet<String> = ["a", "b"].map(str::to_owned).into();
        assert_eq!(judge(&["a", "b", "c"], &relevant), [1.0, 1.0, 1.0]);
        let [ndcg, recall, mrr] = judge(&["c", "a"], &relevant);
        assert!((ndcg - 0.386_85).abs() < 1e-4, "{ndcg}");
        assert_eq!((recall, mrr), (0.5, 0.5));
        assert_eq!(judge(&[], &relevant), [0.0; 3]);
    }

    #[test]
    fn an_interval_holds_the_mean() {
        let scores: Vec<[f64; 3]> = (0..50).map(|i| [f64::from(i % 2), 0.5, 1.0]).collect();
        let [[low, high], half, one] = intervals(&scores);
        assert!(low > 0.3 && low < 0.5 && high > 0.5 && high < 0.7, "{low} {high}");
        assert_eq!((half, one), ([0.5, 0.5], [1.0, 1.0]));
    }
}
