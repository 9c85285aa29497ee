//! Memories that may say the same: near in meaning, or in the same words. Only told: whether two that are nearly the same
//! are the same is for a person to say.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use crate::{
    hub::{Hub, jobs::attempt::Attempt},
    model::{Fault, Id, Memory, Project, Time, job::Progress},
    search::{
        meaning::vector::Vector,
        near::{Bands, Words},
    },
    store::Store,
    tasks::blocking,
};

/// The newest so many are held against each other.
const LOOKED_AT_MAX: u64 = 100_000;
/// By meaning each is held against all that are older, the newest first, until so many were compared: all of some twenty
/// thousand memories.
const COMPARED_MAX: usize = 200_000_000;
/// Compared before the progress is told and a wish to end is heard.
const COMPARED_AT_ONCE: usize = 4_000_000;
/// So many that sketches find near are read again and counted.
const READ_AGAIN_MAX: usize = 5_000;
/// Listed; the others are counted.
pub const LISTED_MAX: usize = 100;
/// From here on two texts may say the same: some still differ by a number that matters.
const NEAR_IN_MEANING: f32 = 0.95;
const NEAR_IN_WORDS: f32 = 0.8;
/// A sketch tells what words share to about a twentieth.
const NEAR_IN_SKETCH: f32 = NEAR_IN_WORDS - 0.1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Meaning,
    Words,
}

/// A memory, and the one before it that is nearest.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub younger: Id,
    pub elder: Id,
    pub by: By,
    /// The cosine, or the part of the words that is the same.
    pub how: f32,
    /// Of the younger, of the elder.
    pub titles: [String; 2],
}

impl Pair {
    pub fn words(&self) -> String {
        let Pair { younger, elder, how, titles: [title, other], .. } = self;
        let how = format!("{how:.2}");
        let near = match self.by {
            By::Meaning => format!("near in meaning, {how}"),
            By::Words => format!("in the same words, {how}"),
        };
        format!("{younger} may say what {elder} says ({near}): {title:?} and {other:?}")
    }
}

/// What is near what.
#[derive(Debug, Default)]
pub struct Near {
    /// The nearest first, at most [`LISTED_MAX`].
    pub pairs: Vec<Pair>,
    pub found: usize,
    pub looked_at: usize,
    /// Memories that were not looked at, and of those that were, how many were not held against all by meaning.
    pub older: u64,
    pub not_by_meaning: usize,
}

/// One that is looked at.
#[derive(Debug, Clone)]
struct Seen {
    id: Id,
    created_at: Time,
    project: u32,
    title: String,
}

/// The memories that `wanted` lets through, each held against those before it.
pub async fn find(
    attempt: &Attempt,
    wanted: impl Fn(&Memory) -> bool + Send + 'static,
) -> Result<Near, Fault> {
    let hub = &attempt.hub;
    let asked = attempt.asked.clone();
    let Looked { seen, met, older } =
        hub.read(move |store| look(store, &wanted, &|| !asked.is_cancelled())).await?;
    attempt.go_on()?;
    let seen = Arc::new(seen);
    let mut nearest = by_words(hub, &seen, met).await?;
    attempt.go_on()?;
    let not_by_meaning = by_meaning(attempt, &seen, &mut nearest).await?;
    let found = nearest.len();
    let mut pairs: Vec<(usize, Nearest)> = nearest.into_iter().collect();
    pairs.sort_by(|(at, a), (other, b)| b.how.total_cmp(&a.how).then(at.cmp(other)));
    pairs.truncate(LISTED_MAX);
    let pair = |(at, near): (usize, Nearest)| Pair {
        younger: seen[at].id,
        elder: seen[near.to].id,
        by: near.by,
        how: near.how,
        titles: [at, near.to].map(|at| seen[at].title.clone()),
    };
    Ok(Near {
        pairs: pairs.into_iter().map(pair).collect(),
        found,
        looked_at: seen.len(),
        older,
        not_by_meaning,
    })
}

/// By place, the nearest of those before it.
type NearestOf = HashMap<usize, Nearest>;

#[derive(Debug, Clone, Copy)]
struct Nearest {
    to: usize,
    by: By,
    how: f32,
}

struct Looked {
    /// The eldest first.
    seen: Vec<Seen>,
    /// By their places: the younger, the elder, and what their sketches share.
    met: Vec<(usize, usize, f32)>,
    older: u64,
}

fn look(store: &Store, wanted: &dyn Fn(&Memory) -> bool, go_on: &dyn Fn() -> bool) -> Result<Looked, Fault> {
    let of = store.state().borrow().memories.unwrap_or(0);
    let older = of.saturating_sub(LOOKED_AT_MAX);
    let mut left_out = older;
    let (mut seen, mut projects) = (Vec::new(), HashMap::<Project, u32>::new());
    store.scan(&mut |stored| {
        if stored.hidden {
            return go_on();
        }
        // They come by id, that is by when they were made here.
        if left_out > 0 {
            left_out -= 1;
            return go_on();
        }
        let memory = &stored.memory;
        if wanted(memory) {
            let next = projects.len() as u32;
            let one = Seen {
                id: memory.id,
                created_at: memory.created_at,
                project: *projects.entry(memory.project.clone()).or_insert(next),
                title: memory.title.clone(),
            };
            seen.push((one, Words::of(&memory.content).sketch()));
        }
        go_on()
    })?;
    seen.sort_by_key(|(one, _)| (one.created_at, one.id));
    // Walls stand between projects: what is near is looked for on one side.
    let mut bands: HashMap<u32, (Bands, Vec<usize>)> = HashMap::new();
    let mut met = Vec::new();
    for (at, (one, sketch)) in seen.iter_mut().enumerate() {
        let Some(sketch) = sketch.take() else { continue };
        let (bands, places) = bands.entry(one.project).or_default();
        let near = bands.meet(sketch).filter(|(_, shared)| *shared >= NEAR_IN_SKETCH);
        met.extend(near.map(|(elder, shared)| (at, places[elder], shared)));
        places.push(at);
    }
    met.sort_by_key(|(at, _, shared)| (Reverse((shared * 1_000.0) as u32), *at));
    met.truncate(READ_AGAIN_MAX);
    Ok(Looked { seen: seen.into_iter().map(|(one, _)| one).collect(), met, older })
}

/// Reads what sketches found near again, and counts.
async fn by_words(
    hub: &Arc<Hub>,
    seen: &Arc<Vec<Seen>>,
    met: Vec<(usize, usize, f32)>,
) -> Result<NearestOf, Fault> {
    let seen = seen.clone();
    hub.read(move |store| {
        let words = |at: usize| -> Result<Words, Fault> {
            let stored = store.get(seen[at].id)?;
            Ok(stored.map(|stored| Words::of(&stored.memory.content)).unwrap_or_default())
        };
        let mut nearest = NearestOf::new();
        for (at, to, _) in met {
            let how = words(at)?.shared(&words(to)?);
            if how >= NEAR_IN_WORDS {
                nearest.insert(at, Nearest { to, by: By::Words, how });
            }
        }
        Ok(nearest)
    })
    .await
}

/// Adds those that are near in meaning; answers how many were not held against all before them.
async fn by_meaning(
    attempt: &Attempt,
    seen: &Arc<Vec<Seen>>,
    nearest: &mut NearestOf,
) -> Result<usize, Fault> {
    let (hub, looking) = (attempt.hub.clone(), seen.clone());
    let vectors: Arc<Vec<(usize, Vector)>> = blocking(move || {
        let places: HashMap<Id, usize> = looking.iter().enumerate().map(|(at, one)| (one.id, at)).collect();
        let vectors = hub.lexical.vectors_of(&|id| places.contains_key(&id));
        let mut vectors: Vec<(usize, Vector)> =
            vectors.into_iter().map(|(id, vector)| (places[&id], vector)).collect();
        vectors.sort_unstable_by_key(|(at, _)| *at);
        vectors.dedup_by_key(|(at, _)| *at);
        Ok(vectors.into())
    })
    .await?;
    let total = vectors.len();
    // Of the newest, which is held against all, to the eldest.
    let (mut left, mut compared) = (total, 0);
    while left > 1 && compared < COMPARED_MAX {
        attempt.go_on()?;
        let rows = (COMPARED_AT_ONCE / left).clamp(1, left - 1);
        let (vectors, seen) = (vectors.clone(), seen.clone());
        let (from, to) = (left - rows, left);
        let found = blocking(move || {
            Ok((from..to).rev().filter_map(|row| nearest_before(&vectors, &seen, row)).collect::<Vec<_>>())
        })
        .await?;
        for (at, near) in found {
            let known = nearest.get(&at).is_some_and(|known| known.how >= near.how);
            if !known {
                nearest.insert(at, near);
            }
        }
        compared += rows * left;
        left = from;
        attempt
            .progress(Progress {
                done: (total - left) as u64,
                total: Some(total as u64),
                unit: "memories".to_owned(),
                note: "held against those before them".to_owned(),
            })
            .await;
    }
    // The eldest has none before it.
    Ok(left.saturating_sub(1))
}

fn nearest_before(vectors: &[(usize, Vector)], seen: &[Seen], row: usize) -> Option<(usize, Nearest)> {
    let (at, vector) = &vectors[row];
    let project = seen[*at].project;
    let before = vectors[..row].iter().filter(|(other, _)| seen[*other].project == project);
    let near = before.map(|(other, theirs)| (*other, vector.dot(theirs)));
    let (to, how) = near.filter(|(_, how)| *how >= NEAR_IN_MEANING).max_by(|a, b| a.1.total_cmp(&b.1))?;
    // Eight bits may make a little more than 1 of two that are equal.
    Some((*at, Nearest { to, by: By::Meaning, how: how.min(1.0) }))
}
