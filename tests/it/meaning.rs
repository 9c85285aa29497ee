//! Search by meaning, through the door of a real hub and by the program.

use std::path::Path;

use serde_json::{Value, json};
use wheelhouse::{
    door::{SearchAnswer, SearchMode, SearchRequest, Step, ViewName, ViewState},
    model::{Id, MemoryFilter, Project, Projects},
};

use super::harness::{House, Program, note, until};

async fn search(house: &House, query: &str, mode: SearchMode) -> SearchAnswer {
    let request = SearchRequest { query: query.into(), mode, ..SearchRequest::default() };
    house.door.search(&house.caller(), request).await.unwrap()
}

async fn embedded(house: &House) {
    until("the vectors", || async {
        let status = house.door.status().await.unwrap();
        let ready = |name| status.view(name).is_some_and(ViewState::is_ready);
        (ready(ViewName::Lexical) && ready(ViewName::Vectors)).then_some(())
    })
    .await;
}

async fn add(house: &House, text: &str, project: &str) -> Id {
    let new = wheelhouse::door::NewMemory { project: Some(Project::slug(project)), ..note(text) };
    house.door.add(&house.caller(), new).await.unwrap().memory.id
}

const CRANE: &str = "The harbour crane jams when its winch is wet";
const RECIPE: &str = "Bread needs flour, water, salt and a night of rest";
const VAULT: &str = "Credentials stand in the vault, never in a settings file";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_other_words_is_found_and_says_why() {
    let house = House::open().await;
    let crane = add(&house, CRANE, "a").await;
    add(&house, RECIPE, "a").await;
    let vault = add(&house, VAULT, "b").await;
    embedded(&house).await;

    let asked = "lifting machine stuck after rain";
    assert!(search(&house, asked, SearchMode::Lexical).await.results.iter().all(|hit| hit.id != crane));
    let answer = search(&house, asked, SearchMode::Auto).await;
    assert_eq!(answer.results[0].id, crane);
    assert_eq!((answer.degraded_mode, answer.degraded_reasons), (None, vec![]));
    assert_eq!(answer.legs_used, ["lexical", "vector", "rerank", "prior"]);
    for part in ["embed", "lexical", "rerank", "vector"] {
        assert!(answer.parts_ms.contains_key(part), "{part} of {:?}", answer.parts_ms);
    }
    let legs = answer.results[0].legs;
    assert!(legs.vector.is_some_and(|cosine| cosine > 0.3) && legs.rerank.is_some(), "{legs:?}");

    let explain = SearchRequest { query: asked.into(), explain: true, ..SearchRequest::default() };
    let explained = house.door.search(&house.caller(), explain).await.unwrap();
    let words = &explained.results[0].explain.as_ref().unwrap().words;
    assert!(words.iter().any(|sentence| sentence.contains("in meaning")), "{words:?}");

    // A wall holds in this leg too.
    let secret = SearchRequest {
        query: "where are the passwords".into(),
        mode: SearchMode::Vector,
        filter: MemoryFilter {
            projects: Projects::Only(vec![Project::slug("a")]),
            ..MemoryFilter::default()
        },
        ..SearchRequest::default()
    };
    let walled = house.door.search(&house.caller(), secret.clone()).await.unwrap();
    assert!(walled.results.iter().all(|hit| hit.id != vault), "{:?}", walled.results);
    let open = SearchRequest { filter: MemoryFilter::default(), ..secret };
    assert_eq!(house.door.search(&house.caller(), open).await.unwrap().results[0].id, vault);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_near_a_memory_is_asked_for_by_it_and_what_says_the_same_is_one_hit() {
    let house = House::open().await;
    let crane = add(&house, CRANE, "_").await;
    let lift = add(&house, "A wet winch stops the crane in the harbour", "_").await;
    add(&house, RECIPE, "_").await;
    let again = add(&house, CRANE, "other").await;
    embedded(&house).await;

    let related = search(&house, &format!("like:{lift}"), SearchMode::Auto).await;
    assert_eq!(related.legs_used, ["vector"]);
    assert!(related.results.iter().all(|hit| hit.id != lift), "it is not like itself");
    let first = &related.results[0];
    let both = [first.id, first.alike[0]];
    assert!(both.contains(&crane) && both.contains(&again), "{first:?}");

    let unfolded =
        SearchRequest { query: "crane".into(), without: vec![Step::Fold], ..SearchRequest::default() };
    let hits = house.door.search(&house.caller(), unfolded).await.unwrap().results;
    assert_eq!(hits.iter().filter(|hit| [crane, again].contains(&hit.id)).count(), 2);
    let missing = format!("like:{}", Id::NIL);
    let nothing = search(&house, &missing, SearchMode::Auto).await;
    assert_eq!((nothing.results.len(), nothing.degraded_mode.as_deref()), (0, Some("lexical")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_until_something_changes() {
    let house = House::open().await;
    add(&house, CRANE, "_").await;
    embedded(&house).await;
    let mut first = search(&house, "crane", SearchMode::Auto).await;
    assert_eq!(first.cached_ms, None);
    // What the hub does at its start may still change something between two.
    let second = until("an answer is kept", async || {
        let second = search(&house, "crane", SearchMode::Auto).await;
        if second.cached_ms.is_none() {
            first = second;
            return None;
        }
        Some(second)
    })
    .await;
    assert_eq!(second.results, first.results);
    add(&house, "Another crane", "_").await;
    embedded(&house).await;
    // What has changed is not kept in old answers either.
    until("old answers gone", || async {
        let status = house.door.status().await.unwrap();
        let entries = status.caches.iter().find(|cache| cache.name == "answers").unwrap().entries;
        (entries == 0).then_some(())
    })
    .await;
    let third = search(&house, "crane", SearchMode::Auto).await;
    assert_eq!((third.cached_ms, third.results.len()), (None, 2));
    let status = house.door.status().await.unwrap();
    let cache = status.caches.iter().find(|cache| cache.name == "answers").unwrap();
    assert!(cache.hits >= 1 && cache.misses >= 2, "{cache:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phrase_that_stands_nowhere_is_searched_by_its_words_and_says_so() {
    let house = House::open().await;
    let crane = add(&house, CRANE, "_").await;
    embedded(&house).await;
    let said = search(&house, "\"winch is wet\"", SearchMode::Auto).await;
    assert_eq!((said.results[0].id, said.degraded_reasons.len()), (crane, 0));
    let near = search(&house, "\"wet winch\" jams", SearchMode::Auto).await;
    assert_eq!(near.results[0].id, crane);
    assert!(near.degraded_reasons[0].contains("without the quotes"), "{:?}", near.degraded_reasons);
    // While typing the quotes are taken at their word.
    let typed =
        SearchRequest { query: "\"wet winch\"".into(), as_you_type: true, ..SearchRequest::default() };
    assert_eq!(house.door.search(&house.caller(), typed).await.unwrap().results.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_and_odd_questions_get_an_answer() {
    let house = House::open().await;
    let crane = add(&house, CRANE, "_").await;
    embedded(&house).await;
    let long = format!("crane {}", "and what of it ".repeat(700));
    assert_eq!(search(&house, &long, SearchMode::Auto).await.results[0].id, crane);
    for odd in ["?!…", "x", "何ですか", "\u{202e}abc", "🧭"] {
        search(&house, odd, SearchMode::Hybrid).await;
        search(&house, odd, SearchMode::Vector).await;
    }
}

#[test]
fn vectors_that_are_deleted_are_made_again() {
    let program = Program::new();
    program.prints(&["add", CRANE]);
    program.prints(&["add", RECIPE]);
    program.prints(&["reindex", "vectors"]);
    let asked = ["search", "lifting machine stuck after rain", "--json"];
    let best = |answer: &Value| answer["results"][0]["title"].clone();
    let before = document(&program, &asked);
    assert_eq!(best(&before), json!(CRANE));
    std::fs::remove_dir_all(program.data_dir().join("vectors")).unwrap();
    // At once, by a hub that has none yet: honest about it.
    let without = document(&program, &asked);
    assert!(without["degraded_reasons"].to_string().contains("no vector yet"), "{without}");
    program.prints(&["reindex", "vectors"]);
    let after = document(&program, &asked);
    assert_eq!((best(&after), &after["degraded_reasons"]), (best(&before), &json!([])));
    assert!(has_vectors(&program.data_dir()));
}

fn document(program: &Program, args: &[&str]) -> Value {
    serde_json::from_str(&program.prints(args)).unwrap()
}

fn has_vectors(data_dir: &Path) -> bool {
    std::fs::read_dir(data_dir.join("vectors"))
        .unwrap()
        .flatten()
        .any(|entry| entry.path().extension().is_some_and(|extension| extension == "vec"))
}

/// The floor under the quality of search, on a collection of our own; the public ones stand in `docs/search.md`.
#[test]
fn search_is_as_good_as_it_was() {
    let program = Program::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/collection");
    let report = document(&program, &["bench", "search", "--collection", folder.to_str().unwrap(), "--json"]);
    assert_eq!((&report["docs"], &report["queries"]), (&json!(36), &json!(20)));
    let ndcg = |mode: &str| report["modes"][mode]["ndcg10"].as_f64().unwrap();
    assert!(ndcg("hybrid") > 0.8, "hybrid {}", ndcg("hybrid"));
    assert!(ndcg("vector") > 0.8, "vector {}", ndcg("vector"));
    assert!(ndcg("lexical") > 0.55, "lexical {}", ndcg("lexical"));
    for measure in ["recall10", "mrr", "p50_ms", "p95_ms"] {
        assert!(report["modes"]["hybrid"][measure].is_number(), "{measure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_hits_of_a_broad_question_say_different_things() {
    let house = House::open().await;
    let parts = ["rope", "bolts", "winch", "brake", "cabin", "hook"];
    for n in 0..60 {
        let part = parts[n % parts.len()];
        add(&house, &format!("Crane log {n}: the {part} was looked after, nothing to say"), "_").await;
    }
    let bird = add(&house, "A crane is a bird that dances in wet meadows at dawn", "_").await;
    let film = add(&house, "The crane shot in that film begins above the roofs of the town", "_").await;
    embedded(&house).await;
    let ask = |without: Vec<Step>| SearchRequest {
        query: "crane".into(),
        limit: 40,
        without,
        ..SearchRequest::default()
    };
    let plain =
        house.door.search(&house.caller(), ask(vec![Step::Fold, Step::Diversity])).await.unwrap().results;
    let spread = house.door.search(&house.caller(), ask(vec![Step::Fold])).await.unwrap().results;
    assert_eq!(spread[0].id, plain[0].id, "the best stays the best");
    let place =
        |hits: &[wheelhouse::door::Hit], id| hits.iter().position(|hit| hit.id == id).unwrap_or(hits.len());
    for other in [bird, film] {
        assert!(place(&spread, other) <= place(&plain, other));
        assert!(place(&spread, other) < 6, "{} of {}", place(&spread, other), place(&plain, other));
    }
    let ids = |hits: &[wheelhouse::door::Hit]| {
        hits.iter().map(|hit| hit.id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&spread), ids(&plain), "nothing is lost by it");
}
