//! What jobs of the hub find, where it takes more than the door to have something found.

use super::*;
use crate::{
    door::Jobs,
    model::{Change, Entry, EventDraft, Severity, job::Run, job::RunState},
};

/// The end of a run of one of the program's own jobs, and what it said.
async fn ran(bench: &Bench, slug: &str) -> (Run, Vec<String>) {
    let run = bench.door.run_job(&ada(), slug.parse().unwrap()).await.unwrap().run.id;
    let began = std::time::Instant::now();
    loop {
        let run = bench.door.run(&ada(), run).await.unwrap().run;
        if !run.state.is_live() {
            let log = bench.door.run_log(&ada(), run.id, 0, 0).await.unwrap();
            return (run, log.lines.into_iter().map(|line| line.text).collect());
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{run:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Has the index apply what the log does not say.
fn mislead(bench: &Bench, change: Change) {
    let draft = EventDraft {
        id: bench.clock.id(),
        kind: "memory.updated".into(),
        subject: "_.memory.updated".parse().unwrap(),
        time: bench.clock.now(),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: Default::default(),
    };
    let next = bench.hub.lexical.applied().next();
    let entry = Entry {
        events: vec![draft.placed(next, bench.clock.now())],
        changes: vec![change],
        idempotency_key: None,
    };
    bench.hub.lexical.apply(&[Arc::new(entry)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_differs_from_the_records_is_found_out_in_both_directions() {
    let bench = Bench::new();
    let mut memories = Vec::new();
    for i in 0..5 {
        memories.push(bench.add(&format!("memory {i}")).await);
    }
    let (run, said) = ran(&bench, "index_check").await;
    assert_eq!(run.state, RunState::Succeeded, "{said:#?}");
    let both = "5 records looked up in the index and 5 of its entries among the records";
    assert!(said.iter().any(|line| line.starts_with(both)), "{said:#?}");

    let (missing, stranger) = (memories[2].id, bench.clock.id());
    let aged = Memory { updated_at: Time::from_unix_ms(1), ..memories[3].clone() };
    mislead(&bench, Change::Forget { id: missing });
    mislead(&bench, Change::Put { memory: Memory { id: stranger, ..memories[0].clone() } });
    mislead(&bench, Change::Put { memory: aged.clone() });
    let (run, said) = ran(&bench, "index_check").await;
    assert_eq!(run.state, RunState::Dead, "{said:#?}");
    assert_eq!(run.error.unwrap().message, "3 of them differ between the index and the records");
    for line in [
        format!("{missing} is a record, and not in the index"),
        format!("{stranger} is in the index, and no record"),
        format!("{} is in the index as it was at another time", aged.id),
    ] {
        assert_eq!(said.iter().filter(|said| **said == line).count(), 1, "{line}: {said:#?}");
    }
    bench.hub.close().await;
}
