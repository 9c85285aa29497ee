//! The scheduler at work: how many runs a second come to their end, beside how many times a second the disk syncs, and
//! how late the slots of twenty jobs start, each due every second.
//!
//! `WHEELHOUSE_JOBS_SECONDS` (60).

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::json;
use wheelhouse::{
    api::Reach,
    door::{Door, JobRef, NewJob, RunPage, RunsRequest, WhichRuns},
    home::{Home, HomeOptions, Stay, local_caller},
    hub::JobOptions,
    model::job::{Run, RunState, Slot},
    store::Retention,
    tasks::Clock,
};

const JOBS: usize = 20;
const RUNS: usize = 2_000;
const SYNCS: u32 = 300;

pub fn run() {
    let seconds = std::env::var("WHEELHOUSE_JOBS_SECONDS").map_or(60, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let home = Home::new(HomeOptions {
        data_dir: dir.path().join("data"),
        unsafe_filesystem: false,
        hub_name: "jobs".into(),
        clock: Clock::system(),
        retention: Retention::default(),
        sampling: Default::default(),
        stay: Stay::Face,
        jobs: JobOptions::default(),
        hub: None,
        reach: Reach::default(),
    });
    let before = syncs(dir.path());
    let (runs, took) = runtime.block_on(asked(&home));
    let after = syncs(dir.path());
    let disk = f64::midpoint(before, after);
    let rate = runs as f64 / took.as_secs_f64();
    println!("jobs: {runs} runs asked for at once, of {JOBS} jobs whose work is nothing");
    println!("  runs ended              {rate:8.0} /s  {:.2} a sync", rate / disk);
    println!("  syncs of one small file {disk:8.0} /s  ({before:.0} before, {after:.0} after)");
    let mut late = runtime.block_on(lateness(&home, Duration::from_secs(seconds)));
    runtime.block_on(home.close());
    late.sort();
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "jobs: {JOBS} jobs due every second, {seconds} s, {} slots of {}",
        late.len(),
        JOBS as u64 * seconds
    );
    println!(
        "  late                    P50 {:.1} ms  P99 {:.1} ms  most {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// How many times a second a small write is on disk, one after another.
fn syncs(dir: &Path) -> f64 {
    let mut file = File::create(dir.join("synced")).unwrap();
    let began = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[7; 512]).unwrap();
        file.sync_data().unwrap();
    }
    f64::from(SYNCS) / began.elapsed().as_secs_f64()
}

async fn define(door: &Arc<dyn Door>, home: &Home, n: usize, every: bool) {
    let mut job = json!({
        "slug": format!("job-{n}"),
        "kind": { "builtin": "review_due" },
        "overlap": "allow",
    });
    if every {
        job["schedule"] = json!({ "every": "1s" });
        job["overlap"] = json!("queue_all");
    }
    let new: NewJob = serde_json::from_value(job).unwrap();
    door.define_job(&local_caller(home.clock()), new).await.unwrap();
}

/// How many runs came to their end, and how long that took from the first request on.
async fn asked(home: &Home) -> (usize, Duration) {
    let door = home.door().await.unwrap().door;
    for n in 0..JOBS {
        define(&door, home, n, false).await;
    }
    let began = Instant::now();
    let asks = (0..RUNS).map(|n| {
        let door = door.clone();
        let caller = local_caller(home.clock());
        async move { door.run_job(&caller, JobRef::Slug(format!("job-{}", n % JOBS))).await.unwrap() }
    });
    let asked = join_all(asks).await.len();
    while !page(&door, home, WhichRuns::Live, None).await.items.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    let ended = all(&door, home).await.into_iter().filter(|run| run.state == RunState::Succeeded).count();
    assert!(ended >= asked, "{ended} of {asked} succeeded");
    (asked, took)
}

async fn lateness(home: &Home, lasts: Duration) -> Vec<Duration> {
    let door = home.door().await.unwrap().door;
    for n in 0..JOBS {
        define(&door, home, n, true).await;
    }
    tokio::time::sleep(lasts).await;
    let runs = all(&door, home).await.into_iter();
    runs.filter_map(|run| match (run.slot, run.started) {
        (Slot::At(due), Some(started)) => Some(started.since(due)),
        _ => None,
    })
    .collect()
}

async fn page(door: &Arc<dyn Door>, home: &Home, which: WhichRuns, after: Option<String>) -> RunPage {
    let request = RunsRequest { job: None, which, limit: 500, after };
    door.runs(&local_caller(home.clock()), request).await.unwrap()
}

async fn all(door: &Arc<dyn Door>, home: &Home) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut after = None;
    loop {
        let page = page(door, home, WhichRuns::All, after).await;
        runs.extend(page.items.into_iter().map(|view| view.run));
        after = page.next;
        if after.is_none() {
            return runs;
        }
    }
}
