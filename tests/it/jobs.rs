//! Jobs through the door of a hub with a real store: what is asked of them, what they do, and what is left of it.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wheelhouse::{
    door::{
        Backfill, Caller, Door, EventQuery, JobRef, JobView, NewJob, NewPause, Order, RunAttempt, RunView,
        RunsRequest, WhichRuns,
    },
    hub::{Hub, HubDoor, HubOptions, JobOptions},
    model::{
        Code, Event, EventFilter, Id, Project, Projects, Status,
        job::{RunState, Trigger},
    },
    store::Retention,
    tasks::{Clock, Tasks},
};

use crate::harness::{House, HouseOptions, Process, clock, note, until};

/// A hub that stays: it runs its jobs by itself.
async fn staying() -> House {
    staying_in(tempfile::tempdir().unwrap(), clock()).await
}

async fn staying_in(dir: tempfile::TempDir, clock: wheelhouse::tasks::Clock) -> House {
    let jobs = JobOptions { dir: Some(dir.path().join("jobs")), commands: true, env: vec!["CARGO".into()] };
    House::open_with(dir, clock, HouseOptions { announce: true, jobs, ..HouseOptions::default() }).await
}

fn by_slug(slug: &str) -> JobRef {
    JobRef::Slug(slug.to_owned())
}

fn new(job: serde_json::Value) -> NewJob {
    serde_json::from_value(job).unwrap()
}

fn shell(slug: &str, script: &str) -> NewJob {
    new(json!({ "slug": slug, "kind": { "command": ["sh", "-c", script] }, "retry": { "attempts": 1 } }))
}

async fn run_in(door: &dyn Door, caller: &Caller, run: Id, states: &[RunState]) -> RunView {
    until(&format!("a run that is one of {states:?}"), || async {
        let found = door.run(caller, run).await.unwrap();
        states.contains(&found.run.state).then_some(found)
    })
    .await
}

async fn ended(house: &House, run: Id) -> RunView {
    until("the end of a run", || async {
        let found = house.door.run(&house.caller(), run).await.unwrap();
        (!found.run.state.is_live()).then_some(found)
    })
    .await
}

async fn lines(house: &House, run: Id) -> Vec<String> {
    let log = house.door.run_log(&house.caller(), run, 0, 0).await.unwrap();
    log.lines.into_iter().map(|line| line.text).collect()
}

async fn events(house: &House, pattern: &str) -> Vec<Event> {
    let filter = EventFilter { patterns: vec![pattern.parse().unwrap()], ..EventFilter::default() };
    let query = EventQuery { filter, order: Order::Asc, limit: 1_000, ..EventQuery::default() };
    house.door.events(&house.caller(), query).await.unwrap().events
}

async fn kinds(house: &House, pattern: &str) -> Vec<String> {
    events(house, pattern).await.into_iter().map(|event| event.kind).collect()
}

async fn job(house: &House, slug: &str) -> JobView {
    house.door.job(&house.caller(), by_slug(slug)).await.unwrap()
}

#[tokio::test]
async fn a_command_runs_now_and_its_log_stays() {
    let house = staying().await;
    let caller = house.caller();
    let script = "echo one; echo two >&2; echo three";
    let made = house.door.define_job(&caller, shell("say", script)).await.unwrap();
    assert_eq!((made.job.revision, made.when.as_str(), made.recent.len()), (1, "when asked", 0));
    let run = house.door.run_job(&caller, by_slug("say")).await.unwrap();
    assert_eq!((run.slug.as_str(), run.run.trigger), ("say", Trigger::Manual));
    let run = ended(&house, run.run.id).await.run;
    assert_eq!((run.state, run.attempt, run.by.as_ref()), (RunState::Succeeded, 1, Some(&caller.actor)));
    let mut said = lines(&house, run.id).await;
    said.sort();
    assert_eq!(said, ["one", "three", "two"]);
    let mut told = kinds(&house, "_.job.*.say").await;
    // What comes within a quarter of a second is told together.
    told.dedup();
    assert_eq!(told, ["job.defined", "job.scheduled", "job.started", "job.progress", "job.succeeded"]);
    let of_run = events(&house, "_.job.*.say").await;
    assert!(of_run[1..].iter().all(|event| event.correlation_id == run.id));

    // After a restart all of it is there.
    let clock = house.clock.clone();
    let house = staying_in(house.close().await, clock).await;
    let found = house.door.run(&house.caller(), run.id).await.unwrap().run;
    assert_eq!(found, run);
    assert_eq!(lines(&house, run.id).await.len(), 3);
    let log = house.door.run_log(&house.caller(), run.id, 2, 10).await.unwrap();
    assert_eq!((log.lines.len(), log.cursor, log.missed, log.live), (1, 3, 0, false));
    assert_eq!(job(&house, "say").await.recent[0].id, run.id);
    house.close().await;
}

#[tokio::test]
async fn a_failure_is_tried_again_then_dead_then_retried_or_dismissed() {
    let house = staying().await;
    let caller = house.caller();
    let script = "echo try; test -e now-it-works";
    let job_in = |dir: &Path| {
        new(json!({
            "slug": "flaky", "kind": { "command": ["sh", "-c", script], "cwd": dir },
            "retry": { "attempts": 2, "delay": "0s" },
        }))
    };
    house.door.define_job(&caller, job_in(house.dir.path())).await.unwrap();
    let first = house.door.run_job(&caller, by_slug("flaky")).await.unwrap().run.id;
    let view = ended(&house, first).await;
    let of = |attempt: &RunAttempt| {
        assert!(attempt.ended >= Some(attempt.started), "{attempt:?}");
        let message = attempt.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
        format!("{} {} {message}", attempt.number, attempt.state.word())
    };
    let attempts: Vec<String> = view.attempts.iter().map(of).collect();
    assert_eq!(attempts, ["1 failed it ended with status 1", "2 failed it ended with status 1"]);
    let dead = view.run;
    assert_eq!((dead.state, dead.attempt), (RunState::Dead, 2));
    assert_eq!(dead.error.as_ref().unwrap().code, Code::Unavailable);
    assert_eq!(dead.error.unwrap().message, "it ended with status 1");
    // Numbers go on from one attempt to the next.
    let log = house.door.run_log(&caller, first, 0, 0).await.unwrap();
    let numbers: Vec<u64> = log.lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let told = events(&house, "_.job.*.flaky").await;
    let severities: Vec<_> = told.iter().map(|event| (event.kind.as_str(), event.severity.word())).collect();
    assert_eq!(severities.iter().filter(|one| **one == ("job.failed", "warn")).count(), 2);
    assert!(severities.contains(&("job.dead", "error")));
    assert_eq!(job(&house, "flaky").await.dead, 1);
    let dead = RunsRequest { which: WhichRuns::Dead, ..RunsRequest::default() };
    let page = house.door.runs(&caller, dead.clone()).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].run.id, page.next), (1, first, None));
    assert_eq!(page.items[0].attempts, view.attempts);

    fs::write(house.dir.path().join("now-it-works"), "").unwrap();
    let again = house.door.retry_run(&caller, first).await.unwrap().run;
    assert_eq!((again.retry_of, again.trigger), (Some(first), Trigger::Retry));
    let done = ended(&house, again.id).await;
    assert_eq!((done.run.state, done.attempts.len()), (RunState::Succeeded, 1));
    assert_eq!((done.attempts[0].state, done.attempts[0].ended), (RunState::Succeeded, done.run.ended));
    assert_eq!(house.door.run(&caller, first).await.unwrap().run.state, RunState::Failed);
    let fault = house.door.dismiss_run(&caller, first).await.unwrap_err();
    assert_eq!(fault.code, Code::Conflict);

    fs::remove_file(house.dir.path().join("now-it-works")).unwrap();
    let other = house.door.run_job(&caller, by_slug("flaky")).await.unwrap().run.id;
    assert_eq!(ended(&house, other).await.run.state, RunState::Dead);
    assert_eq!(house.door.dismiss_run(&caller, other).await.unwrap().run.state, RunState::Failed);
    assert!(house.door.runs(&caller, dead).await.unwrap().items.is_empty());
    house.close().await;
}

#[tokio::test]
async fn slots_come_with_the_clock_and_a_pause_holds_them() {
    let house = staying().await;
    let caller = house.caller();
    let mut tick = shell("tick", "true");
    tick.schedule = Some(serde_json::from_value(json!({ "every": "1h" })).unwrap());
    let made = house.door.define_job(&caller, tick).await.unwrap();
    let hour = "2026-11-21T11:00:00Z".parse().unwrap();
    assert_eq!((made.next, made.when.as_str()), (Some(hour), "every hour"));
    house.clock.advance(Duration::from_secs(3_600));
    let first = until("the first slot", || async {
        job(&house, "tick").await.recent.first().cloned().filter(|run| run.state == RunState::Succeeded)
    })
    .await;
    assert_eq!((first.trigger, first.attempt), (Trigger::Schedule, 1));

    let pause = NewPause { reason: "for the night".into(), until: None };
    let paused = house.door.pause_job(&caller, by_slug("tick"), pause).await.unwrap();
    assert_eq!((paused.paused.unwrap().reason.as_str(), paused.next), ("for the night", None));
    house.clock.advance(Duration::from_secs(3 * 3_600));
    let resumed = house.door.resume_job(&caller, by_slug("tick")).await.unwrap();
    assert!(resumed.paused.is_none() && resumed.next.is_some());
    let skipped = until("what was skipped", || async {
        job(&house, "tick").await.recent.first().cloned().filter(|run| run.state == RunState::Skipped)
    })
    .await;
    let whole = house.door.run(&caller, skipped.id).await.unwrap().run;
    assert_eq!(whole.skipped.unwrap().slots, 3);

    // Those that were skipped are run after all when somebody asks: one of the three has the record.
    let slots = Backfill { after: "2026-11-21T11:00:00Z".parse().unwrap(), until: house.clock.now() };
    let filled = house.door.backfill(&caller, by_slug("tick"), slots).await.unwrap();
    assert_eq!(filled.len(), 3);
    for run in filled {
        let run = ended(&house, run.run.id).await.run;
        assert_eq!((run.state, run.trigger), (RunState::Succeeded, Trigger::Backfill));
    }
    let next = house.door.next_slots(&caller, by_slug("tick"), 2, None).await.unwrap();
    assert_eq!(next, ["2026-11-21T15:00:00Z".parse().unwrap(), "2026-11-21T16:00:00Z".parse().unwrap()]);
    house.close().await;
}

#[tokio::test]
async fn an_event_sets_a_job_off_and_its_own_events_do_not() {
    let house = staying().await;
    let caller = house.caller();
    let mut on = shell("heard", "true");
    on.schedule = Some(serde_json::from_value(json!({ "on": ">" })).unwrap());
    on.overlap = serde_json::from_value(json!("queue_all")).unwrap();
    house.door.define_job(&caller, on).await.unwrap();
    let mut other = shell("echo", "true");
    other.schedule = Some(serde_json::from_value(json!({ "on": "_.job.succeeded.heard" })).unwrap());
    house.door.define_job(&caller, other).await.unwrap();
    house.door.add(&caller, note("set it off")).await.unwrap();
    let run = until("the run of the event", || async {
        let runs = job(&house, "heard").await.recent;
        runs.into_iter().find(|run| run.trigger == Trigger::Event && run.state == RunState::Succeeded)
    })
    .await;
    assert_eq!(run.attempt, 1);
    until("the run of the run", || async {
        let runs = job(&house, "echo").await.recent;
        runs.into_iter().find(|run| run.state == RunState::Succeeded)
    })
    .await;
    // Everything settles: runs set off by runs would go on for ever.
    let heard = job(&house, "heard").await.recent.len();
    house.door.add(&caller, note("once more")).await.unwrap();
    until("one more run", || async {
        let runs = job(&house, "heard").await.recent;
        (runs.len() == heard + 1 && runs.iter().all(|run| !run.state.is_live())).then_some(())
    })
    .await;
    house.close().await;
}

#[tokio::test]
async fn one_at_a_time_unless_they_may_overlap() {
    let house = staying().await;
    let caller = house.caller();
    let (gate, script) = (house.dir.path().join("gate"), "while ! test -e gate; do sleep 0.01; done");
    let waiting = |slug: &str, overlap: &str| {
        new(json!({
            "slug": slug, "kind": { "command": ["sh", "-c", script], "cwd": house.dir.path() },
            "overlap": overlap,
        }))
    };
    house.door.define_job(&caller, waiting("one", "skip")).await.unwrap();
    house.door.define_job(&caller, waiting("many", "allow")).await.unwrap();
    let first = house.door.run_job(&caller, by_slug("one")).await.unwrap().run.id;
    let second = house.door.run_job(&caller, by_slug("one")).await.unwrap().run;
    assert_eq!((second.state, second.skipped.unwrap().slots), (RunState::Skipped, 1));
    let mut beside = Vec::new();
    for _ in 0..3 {
        beside.push(house.door.run_job(&caller, by_slug("many")).await.unwrap().run.id);
    }
    for run in &beside {
        run_in(&*house.door, &caller, *run, &[RunState::Running]).await;
    }
    let live = RunsRequest { which: WhichRuns::Live, ..RunsRequest::default() };
    assert_eq!(house.door.runs(&caller, live).await.unwrap().items.len(), 4);
    fs::write(gate, "").unwrap();
    for run in beside.into_iter().chain([first]) {
        assert_eq!(ended(&house, run).await.run.state, RunState::Succeeded);
    }
    house.close().await;
}

#[tokio::test]
async fn what_ignores_being_asked_to_end_is_ended_with_all_it_started() {
    let house = staying().await;
    let caller = house.caller();
    let script = "trap '' TERM; echo $$; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & \
                  while :; do sleep 0.05; done";
    house.door.define_job(&caller, shell("deaf", script)).await.unwrap();
    let run = house.door.run_job(&caller, by_slug("deaf")).await.unwrap().run.id;
    let pids = until("both of them", || async {
        let said = lines(&house, run).await;
        (said.len() == 2).then_some(said)
    })
    .await;
    house.door.cancel_run(&caller, run).await.unwrap();
    assert_eq!(house.door.run(&caller, run).await.unwrap().run.state, RunState::Running);
    house.clock.advance(Duration::from_secs(11));
    assert_eq!(ended(&house, run).await.run.state, RunState::Cancelled);
    for pid in pids {
        until("the end of a process", || async {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            (stat.is_empty() || stat.contains(") Z ")).then_some(())
        })
        .await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_wall_hides_jobs_and_names_are_guessed() {
    let house = staying().await;
    let caller = house.caller();
    let mut secret = shell("backup-site", "true");
    secret.project = Some(Project::slug("ops"));
    house.door.define_job(&caller, secret).await.unwrap();
    let fault = house.door.job(&caller, by_slug("backup-sit")).await.unwrap_err();
    assert_eq!((fault.code, fault.hint.as_deref()), (Code::NotFound, Some("did you mean backup-site?")));
    let outside = house.caller_in(Projects::with_none(Project::slug("web")));
    let fault = house.door.job(&outside, by_slug("backup-site")).await.unwrap_err();
    assert_eq!(fault.code, Code::NotFound);
    assert!(!fault.hint.unwrap().contains("backup"));
    assert_eq!(house.door.run_job(&outside, by_slug("backup-site")).await.unwrap_err().code, Code::NotFound);
    let run = house.door.run_job(&caller, by_slug("backup-site")).await.unwrap().run.id;
    assert_eq!(house.door.run(&outside, run).await.unwrap_err().code, Code::NotFound);
    assert_eq!(house.door.run_log(&outside, run, 0, 0).await.unwrap_err().code, Code::NotFound);
    ended(&house, run).await;
    let all = house.door.runs(&outside, RunsRequest::default()).await.unwrap();
    assert!(all.items.iter().all(|one| one.slug != "backup-site"));
    let seen = house.door.jobs(&outside).await.unwrap();
    assert!(seen.iter().all(|view| view.job.slug != "backup-site") && !seen.is_empty());
    house.close().await;
}

#[tokio::test]
async fn job_files_are_read_and_a_wrong_or_missing_one_stops_its_own_jobs_only() {
    let dir = tempfile::tempdir().unwrap();
    let jobs = dir.path().join("jobs");
    fs::create_dir_all(&jobs).unwrap();
    fs::write(jobs.join("a.toml"), "slug = \"filed\"\nkind = { command = [\"true\"] }\n").unwrap();
    fs::write(jobs.join("b.toml"), "slug = \"other\"\nkind = { comand = [\"true\"] }\n").unwrap();
    let house = staying_in(dir, clock()).await;
    let caller = house.caller();
    let slugs = |jobs: Vec<JobView>| jobs.into_iter().map(|view| view.job.slug).collect::<Vec<_>>();
    let found = slugs(house.door.jobs(&caller).await.unwrap());
    assert!(found.contains(&"filed".to_owned()) && !found.contains(&"other".to_owned()));
    let run = house.door.run_job(&caller, by_slug("filed")).await.unwrap().run.id;
    ended(&house, run).await;
    let fault = house.door.define_job(&caller, shell("filed", "false")).await.unwrap_err();
    assert!(fault.code == Code::Conflict && fault.hint.unwrap().contains("a.toml"));

    let b = house.dir.path().join("jobs/b.toml");
    fs::write(&b, "slug = \"other\"\nkind = { command = [\"env\"], env = [\"CARGO\"] }\n# mended\n").unwrap();
    fs::remove_file(house.dir.path().join("jobs/a.toml")).unwrap();
    let found = house.door.jobs(&caller).await.unwrap();
    let filed = found.iter().find(|view| view.job.slug == "filed").unwrap();
    assert!(filed.cannot_run.as_ref().unwrap().contains("no longer in"), "{:?}", filed.cannot_run);
    assert_eq!(house.door.run_job(&caller, by_slug("filed")).await.unwrap_err().code, Code::Unsupported);
    let run = house.door.run_job(&caller, by_slug("other")).await.unwrap().run.id;
    assert_eq!(ended(&house, run).await.run.state, RunState::Succeeded);
    let mut names: Vec<String> = lines(&house, run)
        .await
        .iter()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.to_owned()))
        .collect();
    names.retain(|name| !["PATH", "HOME", "LANG", "TZ"].contains(&name.as_str()));
    names.retain(|name| !name.starts_with("WHEELHOUSE_"));
    assert_eq!(names, ["CARGO"], "it sees what it named and what every program sees");
    house.close().await;
}

#[tokio::test]
async fn commands_are_off_until_they_are_switched_on() {
    let house = House::open().await;
    let caller = house.caller();
    let made = house.door.define_job(&caller, shell("off", "true")).await.unwrap();
    assert!(made.cannot_run.unwrap().contains("jobs_commands"));
    let fault = house.door.run_job(&caller, by_slug("off")).await.unwrap_err();
    assert_eq!(fault.code, Code::Unsupported);
    house.close().await;
}

/// A hub for one command runs what it is asked for, and leaves the rest to one that stays.
#[tokio::test]
async fn a_hub_for_one_command_runs_what_is_asked_for() {
    let house = House::open().await;
    let caller = house.caller();
    house.clock.advance(Duration::from_secs(26 * 3_600));
    let run = house.door.run_job(&caller, by_slug("index_check")).await.unwrap().run.id;
    assert_eq!(ended(&house, run).await.run.state, RunState::Succeeded);
    house.clock.advance(Duration::from_secs(26 * 3_600));
    let again = house.door.run_job(&caller, by_slug("index_check")).await.unwrap().run.id;
    ended(&house, again).await;
    let runs = house.door.runs(&caller, RunsRequest::default()).await.unwrap().items;
    assert_eq!(runs.len(), 2, "no slot of the two days was decided on: {runs:#?}");
    house.close().await;
}

#[tokio::test]
async fn the_programs_own_jobs_are_told_once() {
    let house = staying().await;
    until("the definitions", || async { (!events(&house, "_.job.defined").await.is_empty()).then_some(()) })
        .await;
    let clock = house.clock.clone();
    let house = staying_in(house.close().await, clock).await;
    house.door.jobs(&house.caller()).await.unwrap();
    assert_eq!(kinds(&house, "_.job.>").await, ["job.defined"]);
    let off = house.door.enable_job(&house.caller(), by_slug("snapshot"), false).await.unwrap();
    assert!(!off.job.enabled && off.next.is_none());
    let clock = house.clock.clone();
    let house = staying_in(house.close().await, clock).await;
    assert!(!job(&house, "snapshot").await.job.enabled, "what was switched off stays off");
    house.close().await;
}

/// What does not heed being asked is ended hard, and the hub ends in its time all the same.
#[tokio::test]
async fn a_hub_does_not_wait_for_a_job_that_is_deaf() {
    let house = staying().await;
    let caller = house.caller();
    let script = "trap '' TERM; echo begun; while :; do sleep 0.05; done";
    house.door.define_job(&caller, shell("deaf", script)).await.unwrap();
    let run = house.door.run_job(&caller, by_slug("deaf")).await.unwrap().run.id;
    until("its first line", || async { (lines(&house, run).await == ["begun"]).then_some(()) }).await;
    let clock = house.clock.clone();
    let began = std::time::Instant::now();
    let dir = house.close().await;
    // Two seconds for the jobs, and what the store and a busy machine take.
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let house = staying_in(dir, clock).await;
    assert_eq!(house.door.run(&house.caller(), run).await.unwrap().run.state, RunState::Cancelled);
    house.close().await;
}

/// A server that answers every request with the status that is set; how many it was asked.
async fn server() -> (String, Arc<AtomicU16>, Arc<AtomicU64>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (status, asked) = (Arc::new(AtomicU16::new(200)), Arc::<AtomicU64>::default());
    let (answer, count) = (status.clone(), asked.clone());
    Tasks::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(read > 0);
            count.fetch_add(1, Ordering::SeqCst);
            let status = answer.load(Ordering::SeqCst);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 9\r\nconnection: close\r\n\r\n");
            stream.write_all(format!("{head}said\nthis").as_bytes()).await.unwrap();
        }
    });
    (url, status, asked)
}

#[tokio::test]
async fn a_request_goes_out_until_its_host_is_left_alone() {
    let house = staying().await;
    let caller = house.caller();
    let (url, status, asked) = server().await;
    let hook = new(json!({
        "slug": "hook", "kind": { "http": url, "method": "POST", "body": "{}" },
        "retry": { "attempts": 3, "delay": "0s" },
    }));
    house.door.define_job(&caller, hook).await.unwrap();
    let run = async || {
        let run = house.door.run_job(&caller, by_slug("hook")).await.unwrap().run.id;
        ended(&house, run).await.run
    };
    let good = run().await;
    assert_eq!(good.state, RunState::Succeeded);
    assert_eq!(lines(&house, good.id).await, [&format!("POST {url}"), "status 200", "said", "this"]);

    // What another try cannot help is not tried again, and opens no breaker.
    for refused in [404, 403, 422] {
        status.store(refused, Ordering::SeqCst);
        let run = run().await;
        assert_eq!((run.state, run.attempt), (RunState::Dead, 1), "{refused}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 4);

    status.store(503, Ordering::SeqCst);
    assert_eq!(run().await.attempt, 3);
    let last = run().await;
    assert_eq!((last.attempt, last.state), (3, RunState::Dead));
    assert!(last.error.unwrap().message.contains("left alone"));
    assert_eq!(asked.load(Ordering::SeqCst), 9, "five failures, and no call after them");

    status.store(200, Ordering::SeqCst);
    house.clock.advance(Duration::from_secs(31));
    assert_eq!(run().await.state, RunState::Succeeded);
    let turns = until("the turns", || async {
        let turns = kinds(&house, "_.breaker.>").await;
        (turns.len() == 3).then_some(turns)
    })
    .await;
    assert_eq!(turns, ["breaker.opened", "breaker.half_opened", "breaker.closed"]);
    house.close().await;
}

#[tokio::test]
async fn equal_memories_are_merged_and_expired_ones_archived() {
    let house = staying().await;
    let caller = house.caller();
    let elder = house.door.add(&caller, note("said twice")).await.unwrap().memory.id;
    house.clock.advance(Duration::from_secs(1));
    let younger = house.door.add(&caller, note("said twice")).await.unwrap().memory.id;
    let over = wheelhouse::door::NewMemory { expires_at: Some(house.clock.now()), ..note("over soon") };
    let over = house.door.add(&caller, over).await.unwrap().memory.id;
    let all = [elder, younger, over];
    let before = house.door.get(&caller, &all).await.unwrap();
    let run = async |slug: &str| {
        let run = house.door.run_job(&caller, by_slug(slug)).await.unwrap().run.id;
        assert_eq!(ended(&house, run).await.run.state, RunState::Succeeded);
        lines(&house, run).await
    };
    let said = run("memory_optimisation_dry").await;
    assert!(said.iter().any(|line| line.starts_with(&format!("{younger} is superseded by {elder}"))));
    assert_eq!(house.door.get(&caller, &all).await.unwrap(), before, "a dry run changes nothing");
    run("memory_optimisation").await;
    let after = house.door.get(&caller, &all).await.unwrap();
    assert_eq!((after[0].status, after[0].supersedes.as_slice()), (Status::Active, &[younger][..]));
    assert_eq!((after[1].status, after[1].superseded_by), (Status::Superseded, Some(elder)));
    assert_eq!(after[2].status, Status::Archived);
    assert_eq!(house.door.history(&caller, younger).await.unwrap().len(), 2);
    let said = run("memory_optimisation").await;
    assert!(said[0].contains("0 say what an elder one says, 0 have expired"), "{said:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_that_are_nearly_the_same_are_told_and_left_alone() {
    let house = staying().await;
    let caller = house.caller();
    let add = async |content: &str, project: &str| {
        house.clock.advance(Duration::from_secs(1));
        let new = wheelhouse::door::NewMemory { project: Some(Project::slug(project)), ..note(content) };
        house.door.add(&caller, new).await.unwrap().memory.id
    };
    // Longer than the model reads at once: only words tell of these.
    let long = |day: u32| {
        let words: Vec<String> = (0..900).map(|n| format!("step{n}")).collect();
        format!("Runbook of day {day}: {}", words.join(" "))
    };
    let elder = add("Deploys fail while the migration lock is held", "a").await;
    let younger = add("Deploys fail when the migration lock is held", "a").await;
    let first = add(&long(11), "a").await;
    let second = add(&long(12), "a").await;
    add("Bread needs flour, water and a night of rest", "a").await;
    let walled = add("Deploys are failing while the migration lock is held", "b").await;
    until("the vectors", || async {
        let status = house.door.status().await.unwrap();
        let ready = |name| status.view(name).is_some_and(wheelhouse::door::ViewState::is_ready);
        use wheelhouse::door::ViewName::{Lexical, Vectors};
        (ready(Lexical) && ready(Vectors)).then_some(())
    })
    .await;
    let before = house.door.get(&caller, &[elder, younger, first, second, walled]).await.unwrap();
    for slug in ["memory_optimisation_dry", "memory_optimisation"] {
        let run = house.door.run_job(&caller, by_slug(slug)).await.unwrap().run.id;
        assert_eq!(ended(&house, run).await.run.state, RunState::Succeeded);
        let said = lines(&house, run).await;
        let pairs: Vec<&String> = said.iter().filter(|line| line.contains(" may say what ")).collect();
        let told = |younger: Id, elder: Id, near: &str| {
            let beginning = format!("{younger} may say what {elder} says ({near}, ");
            pairs.iter().any(|line| line.starts_with(&beginning))
        };
        assert!(told(younger, elder, "near in meaning"), "{said:#?}");
        assert!(told(second, first, "in the same words"), "{said:#?}");
        assert!(pairs.iter().all(|line| !line.contains(&walled.to_string())), "{said:#?}");
        let sum = "2 of 6 memories may say what an elder one says; none is merged by itself";
        assert!(said.iter().any(|line| line == sum), "{said:#?}");
        let packed = said.iter().any(|line| line.contains("packed close"));
        assert_eq!(packed, slug == "memory_optimisation", "{said:#?}");
    }
    let after = house.door.get(&caller, &[elder, younger, first, second, walled]).await.unwrap();
    assert_eq!(after, before);
    house.close().await;
}

#[tokio::test]
async fn a_review_is_told_once_for_its_day() {
    let house = staying().await;
    let caller = house.caller();
    let decision = serde_json::from_value(json!({
        "title": "Use it", "context": "Which?", "options": [{ "title": "it" }], "chosen_option": "it",
        "review_on": "2026-11-20",
    }))
    .unwrap();
    let made = house.door.decide(&caller, decision).await.unwrap().decision;
    for _ in 0..2 {
        let run = house.door.run_job(&caller, by_slug("review_due")).await.unwrap().run.id;
        assert_eq!(ended(&house, run).await.run.state, RunState::Succeeded);
    }
    let told = events(&house, "*.decision.review_due").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].record(), Some(made.id));
    house.close().await;
}

#[tokio::test]
async fn the_hub_is_measured_cleaned_and_snapshot() {
    let house = staying().await;
    let caller = house.caller();
    house.door.add(&caller, note("something")).await.unwrap();
    for slug in ["performance_metrics", "cleaner", "snapshot", "index_check"] {
        let run = house.door.run_job(&caller, by_slug(slug)).await.unwrap().run.id;
        let run = ended(&house, run).await.run;
        assert_eq!(run.state, RunState::Succeeded, "{slug}: {:?}", run.error);
    }
    let told = events(&house, "_.hub.metrics").await;
    assert_eq!(told[0].data["memories"], 1);
    let latencies = &told[0].data["latencies_ms"];
    assert!(latencies["search"].is_null(), "nobody searched: {latencies}");
    assert!(latencies["commit"]["count"].as_u64() > Some(0) && latencies["commit"]["p99"].is_number());
    assert!(fs::read_dir(house.dir.path().join("data/snapshots")).unwrap().count() > 0);
    house.close().await;
}

#[tokio::test]
async fn what_runs_when_the_hub_ends_is_ended_and_said_to_be_cancelled() {
    let house = staying().await;
    let caller = house.caller();
    let script = "echo begun; sleep 600";
    house.door.define_job(&caller, shell("long", script)).await.unwrap();
    let run = house.door.run_job(&caller, by_slug("long")).await.unwrap().run.id;
    until("its first line", || async { (lines(&house, run).await == ["begun"]).then_some(()) }).await;
    let clock = house.clock.clone();
    let house = staying_in(house.close().await, clock).await;
    let found = house.door.run(&house.caller(), run).await.unwrap().run;
    assert_eq!((found.state, found.attempt), (RunState::Cancelled, 1));
    assert_eq!(found.error.unwrap().message, "the hub ended while it ran");
    assert_eq!(kinds(&house, "_.job.cancelled.*").await, ["job.cancelled"]);
    assert_eq!(kinds(&house, "_.job.lost.*").await, [""; 0]);
    assert_eq!(lines(&house, run).await, ["begun"]);
    // It may be tried again by hand.
    let again = house.door.retry_run(&house.caller(), run).await.unwrap().run;
    assert_eq!(again.retry_of, Some(run));
    house.door.cancel_run(&house.caller(), again.id).await.unwrap();
    assert_eq!(ended(&house, again.id).await.run.state, RunState::Cancelled);
    house.close().await;
}

/// Kills in the middle of a run. More by `WHEELHOUSE_JOBS_KILL_ROUNDS`.
const KILLS: u64 = 8;
/// In the environment of the hub that is killed: its directory.
const CHILD: &str = "WHEELHOUSE_JOBS_CHILD";

/// A program that says in a file when it starts and when it ends, by the run and the attempt that it is told.
const NOTED: &str = "echo start $WHEELHOUSE_RUN $WHEELHOUSE_ATTEMPT >> noted; sleep 0.05; \
                     echo end $WHEELHOUSE_RUN $WHEELHOUSE_ATTEMPT >> noted";

fn noting(dir: &Path, slug: &str, retry: &serde_json::Value) -> NewJob {
    new(json!({
        "slug": slug, "kind": { "command": ["sh", "-c", NOTED], "cwd": dir }, "overlap": "queue_all",
        "schedule": { "every": "1s" }, "retry": retry,
    }))
}

#[test]
#[ignore = "the hub that the kill rounds kill, started by them"]
fn child() {
    let dir = std::path::PathBuf::from(std::env::var(CHILD).expect("started by the kill rounds"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (hub, door) = hub_in(&dir);
        let caller = wheelhouse::home::local_caller(&Clock::system());
        let careful = noting(&dir, "careful", &json!({ "attempts": 3, "delay": "0s" }));
        let again = noting(&dir, "again", &json!({ "attempts": 2, "delay": "0s", "on": ["lost"] }));
        for job in [careful, again] {
            door.define_job(&caller, job).await.unwrap();
        }
        loop {
            for slug in ["careful", "again"] {
                let run = door.run_job(&caller, by_slug(slug)).await.unwrap().run.id;
                run_in(&*door, &caller, run, &[RunState::Succeeded, RunState::Skipped]).await;
            }
            if hub_is_orphaned() {
                hub.close().await;
                return;
            }
        }
    });
}

/// So that a hub whose test has failed does not stay.
fn hub_is_orphaned() -> bool {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(1) == Some("1")
}

fn hub_in(dir: &Path) -> (Arc<Hub>, Arc<dyn Door>) {
    let options = HubOptions {
        name: "killed".into(),
        clock: Clock::system(),
        socket: None,
        listeners: Vec::new(),
        attached: Arc::default(),
        segment_bytes: None,
        retention: Retention::default(),
        sampling: Default::default(),
        announce: true,
        jobs: JobOptions { dir: None, commands: true, env: vec![] },
    };
    let data_dir = dir.join("data");
    fs::create_dir_all(&data_dir).unwrap();
    let hub = Hub::start(&data_dir, options).unwrap();
    (hub.clone(), Arc::new(HubDoor(hub)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_with_its_hub_is_done_again_at_most_as_often_as_its_job_says() {
    let rounds =
        std::env::var("WHEELHOUSE_JOBS_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let dir = tempfile::tempdir().unwrap();
    let noted = dir.path().join("noted");
    let said = || fs::read_to_string(&noted).unwrap_or_default();
    for round in 0..rounds {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["jobs::child", "--exact", "--ignored", "--nocapture", "--quiet"])
            .env(CHILD, dir.path());
        command.stderr(std::process::Stdio::null());
        let mut child = Process::start(&mut command);
        // A few runs on, in the middle of one.
        let until_line = said().lines().count() + 1 + 2 * (round as usize % 4);
        until("a run that has begun", || async {
            let said = said();
            let is_begun = said.lines().last().is_some_and(|line| line.starts_with("start"));
            (is_begun && said.lines().count() >= until_line).then_some(())
        })
        .await;
        child.kill();
    }

    let (hub, door) = hub_in(dir.path());
    let caller = wheelhouse::home::local_caller(&Clock::system());
    for slug in ["careful", "again"] {
        until("a pause", || async { door.pause_job(&caller, by_slug(slug), NewPause::default()).await.ok() })
            .await;
    }
    let runs = until("the end of all runs", || async {
        let all = RunsRequest { limit: 500, ..RunsRequest::default() };
        let mut items = door.runs(&caller, all).await.unwrap().items;
        items.retain(|one| ["careful", "again"].contains(&one.slug.as_str()));
        // What waits for its turn under a pause stays where it is.
        items.iter().all(|one| one.run.state != RunState::Running).then_some(items)
    })
    .await;
    let said = said();
    let starts = |run: Id| said.lines().filter(|line| line.starts_with(&format!("start {run} "))).count();
    let mut lost = 0;
    for RunView { run, slug, .. } in &runs {
        let started = starts(run.id);
        match slug.as_str() {
            "careful" => assert!(started <= 1, "{slug} {} was started {started} times", run.id),
            _ => {
                assert!(started <= 2, "{slug} {} was started {started} times", run.id);
                assert!(started < 2 || run.may_have_run_twice, "{run:?}");
            }
        }
        lost += u64::from(run.state == RunState::Lost || run.may_have_run_twice);
    }
    assert!(lost >= rounds / 2, "{lost} runs were lost in {rounds} kills");
    // No attempt was given out twice, by any of the hubs.
    let filter = EventFilter { patterns: vec!["_.job.started.*".parse().unwrap()], ..EventFilter::default() };
    let query = EventQuery { filter, order: Order::Asc, limit: 1_000, ..EventQuery::default() };
    let events = door.events(&caller, query).await.unwrap().events;
    let mut attempts: Vec<String> =
        events.iter().map(|event| format!("{} {}", event.data["run"], event.data["attempt"])).collect();
    let all = attempts.len();
    attempts.sort();
    attempts.dedup();
    assert_eq!(attempts.len(), all);
    hub.close().await;
}
