//! The same of jobs and health.

use serde_json::json;
use wheelhouse::{
    door::{Backfill, Caller, JobRef, JobView, NewJob, NewPause, RunLog, RunView, RunsRequest, WhichRuns},
    model::{
        Code, Fault, Id, Project, Projects,
        job::{CatchUp, Kind, Missed, Overlap, Retry, RetryOn, Schedule, Span},
    },
};

use super::Transcript;
use crate::harness::until;

fn slug(name: &str) -> JobRef {
    JobRef::Slug(name.to_owned())
}

fn shell(slug: &str, script: &str) -> NewJob {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    NewJob {
        slug: slug.into(),
        title: String::new(),
        project: None,
        enabled: None,
        schedule: None,
        kind: Kind::Command { argv, cwd: None, env: vec![] },
        overlap: Overlap::default(),
        catch_up: CatchUp::default(),
        jitter: Span::ZERO,
        timeout: None,
        retry: Retry::default(),
        pause_after_dead: 0,
    }
}

fn full() -> NewJob {
    NewJob {
        title: "Ünïcode \u{1f512} & more".into(),
        project: Some(Project::slug("team")),
        enabled: Some(true),
        schedule: Some(Schedule::Cron { cron: "30 2 * * *".into(), zone: "Europe/Berlin".into() }),
        overlap: Overlap::QueueAll,
        catch_up: CatchUp { missed: Missed::None, window: Span::from_secs(90) },
        jitter: Span::from_secs(5),
        timeout: Some(Span::from_secs(60)),
        retry: Retry { attempts: 1, on: vec![RetryOn::Lost, RetryOn::Busy], ..Retry::default() },
        pause_after_dead: 3,
        ..shell("nightly", "true")
    }
}

pub async fn ask_everything(t: &mut Transcript) {
    definitions(t).await;
    let runs = runs(t).await;
    standing(t).await;
    walls(t, runs[0]).await;
    health(t).await;
}

async fn definitions(t: &mut Transcript) {
    let door = t.door.clone();
    t.say("jobs of a new hub", &door.jobs(&t.caller()).await);
    t.say("define all fields", &door.define_job(&t.caller(), full()).await);
    t.say("define the same", &door.define_job(&t.caller(), full()).await);
    let changed = NewJob { title: "another".into(), ..full() };
    t.say("define a change", &door.define_job(&t.caller(), changed).await);
    t.say("define no slug", &door.define_job(&t.caller(), shell("No Slug", "true")).await);
    let never = Schedule::Cron { cron: "0 0 31 2 *".into(), zone: "UTC".into() };
    let never = NewJob { schedule: Some(never), ..shell("never", "true") };
    t.say("define what never comes", &door.define_job(&t.caller(), never).await);
    for (name, script) in
        [("greet", "echo hello; echo oh >&2"), ("fails", "exit 64"), ("waits", "exec sleep 600")]
    {
        t.say(&format!("define {name}"), &door.define_job(&t.caller(), shell(name, script)).await);
    }
    t.say("a job", &door.job(&t.caller(), slug("greet")).await);
    t.say("no job", &door.job(&t.caller(), slug("greeet")).await);
    t.say("no job of a strange name", &door.job(&t.caller(), slug("a/b?c=d ü")).await);
    t.say("no job by id", &door.job(&t.caller(), JobRef::Id(Id::NIL)).await);
    t.say("switch off", &door.enable_job(&t.caller(), slug("greet"), false).await);
    t.say("switch on", &door.enable_job(&t.caller(), slug("greet"), true).await);
    t.say("switch nothing", &door.enable_job(&t.caller(), slug("none"), true).await);
}

/// The run once nothing more is to come of it. What it was before depends on when one looks.
async fn ended(t: &Transcript, run: Result<RunView, Fault>) -> RunView {
    let id = run.unwrap().run.id;
    until("the end of a run", || async {
        let view = t.door.run(&t.caller(), id).await.unwrap();
        (!view.run.state.is_live()).then_some(view)
    })
    .await
}

async fn runs(t: &mut Transcript) -> Vec<Id> {
    let door = t.door.clone();
    let greeted = ended(t, door.run_job(&t.caller(), slug("greet")).await).await;
    t.say("a run", &Ok::<_, Fault>(&greeted));
    let id = greeted.run.id;
    let log = door.run_log(&t.caller(), id, 0, 0).await;
    // Two outputs have no order between them.
    let sorted = |log: RunLog| {
        let mut said: Vec<_> = log.lines.into_iter().map(|line| json!([line.stream, line.text])).collect();
        said.sort_by_key(ToString::to_string);
        json!([said, log.cursor, log.missed, log.live])
    };
    t.say("its log", &log.map(sorted));
    t.say("a line of its log", &door.run_log(&t.caller(), id, 0, 1).await.map(|log| log.lines.len()));
    t.say("the end of its log", &door.run_log(&t.caller(), id, 1_000, 5).await);
    t.say("no log", &door.run_log(&t.caller(), Id::NIL, 0, 0).await);
    t.say("run nothing", &door.run_job(&t.caller(), slug("none")).await);

    let failed = ended(t, door.run_job(&t.caller(), slug("fails")).await).await;
    t.say("a dead letter", &Ok::<_, Fault>(&failed));
    let again = ended(t, door.retry_run(&t.caller(), failed.run.id).await).await;
    t.say("tried again", &Ok::<_, Fault>(&again));
    t.say("dismissed", &door.dismiss_run(&t.caller(), again.run.id).await);
    t.say("dismissed again", &door.dismiss_run(&t.caller(), again.run.id).await);
    t.say("retry what went well", &door.retry_run(&t.caller(), id).await);
    t.say("retry nothing", &door.retry_run(&t.caller(), Id::NIL).await);

    let begun = door.run_job(&t.caller(), slug("waits")).await;
    let waits = begun.as_ref().unwrap().run.id;
    assert!(door.cancel_run(&t.caller(), waits).await.is_ok());
    let cancelled = ended(t, begun).await;
    t.say("cancelled", &Ok::<_, Fault>((cancelled.run.state, cancelled.slug)));
    t.say("cancelled again", &door.cancel_run(&t.caller(), waits).await);
    t.say("cancel nothing", &door.cancel_run(&t.caller(), Id::NIL).await);

    for which in WhichRuns::ALL {
        for job in [None, Some(slug("fails")), Some(slug("none"))] {
            let request = RunsRequest { job: job.clone(), which, ..RunsRequest::default() };
            let page = door.runs(&t.caller(), request).await;
            let said =
                page.map(|page| page.items.into_iter().map(|view| (view.slug, view.run.state)).collect());
            let mut said: Result<Vec<_>, Fault> = said;
            if let Ok(said) = &mut said {
                // All of one moment: the clock stands.
                said.sort();
            }
            t.say(&format!("runs {which:?} of {job:?}"), &said);
        }
    }
    let mut request = RunsRequest { limit: 1, ..RunsRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = door.runs(&t.caller(), request.clone()).await.unwrap();
        seen.extend(page.items.into_iter().map(|view| view.run.id));
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    assert!(seen.len() == 4 && seen.contains(&id), "{seen:?}");
    let many = RunsRequest { limit: 5_000, ..RunsRequest::default() };
    t.say("runs, too many", &door.runs(&t.caller(), many).await);
    vec![id, failed.run.id]
}

async fn standing(t: &mut Transcript) {
    let door = t.door.clone();
    let nightly = || slug("nightly");
    let until = Some("2026-12-01".parse().unwrap());
    let pause = NewPause { reason: "the disk & more".into(), until };
    t.say("pause", &door.pause_job(&t.caller(), nightly(), pause).await.map(bare));
    t.say("pause nothing", &door.pause_job(&t.caller(), slug("none"), NewPause::default()).await.map(bare));
    t.say("resume", &door.resume_job(&t.caller(), nightly()).await.map(bare));
    t.say("resume again", &door.resume_job(&t.caller(), nightly()).await.map(bare));
    for (count, after) in [(0, None), (3, Some("2027-03-27".parse().unwrap())), (5_000, None)] {
        t.say(&format!("next {count}"), &door.next_slots(&t.caller(), nightly(), count, after).await);
    }
    t.say("next when asked", &door.next_slots(&t.caller(), slug("greet"), 0, None).await);
    let days =
        |after: &str, until: &str| Backfill { after: after.parse().unwrap(), until: until.parse().unwrap() };
    let filled = door.backfill(&t.caller(), nightly(), days("2026-11-17", "2026-11-19")).await;
    let slots = filled.map(|runs| runs.into_iter().map(|view| view.run.slot).collect::<Vec<_>>());
    t.say("backfill", &slots);
    let twice = door.backfill(&t.caller(), nightly(), days("2026-11-17", "2026-11-19")).await;
    t.say("backfill again", &twice.map(|runs| runs.len()));
    let turned = door.backfill(&t.caller(), nightly(), days("2026-11-19", "2026-11-17")).await;
    t.say("backfill backwards", &turned.map(|runs| runs.len()));
}

/// Without what comes of its runs meanwhile.
fn bare(view: JobView) -> JobView {
    JobView { recent: vec![], ..view }
}

/// Of project `other` alone nothing of these is seen, and nothing happens to them.
async fn walls(t: &mut Transcript, run: Id) {
    let door = t.door.clone();
    let caller = Caller { projects: Projects::Only(vec![Project::slug("other")]), ..t.caller() };
    assert_eq!(door.jobs(&caller).await.unwrap(), []);
    assert_eq!(door.runs(&caller, RunsRequest::default()).await.unwrap().items, []);
    let answers = [
        ("a job", door.job(&caller, slug("nightly")).await.err()),
        ("a run of it", door.run_job(&caller, slug("nightly")).await.err()),
        ("its pause", door.pause_job(&caller, slug("nightly"), NewPause::default()).await.err()),
        ("a run", door.run(&caller, run).await.err()),
        ("its log", door.run_log(&caller, run, 0, 0).await.err()),
        ("its end", door.cancel_run(&caller, run).await.err()),
    ];
    for (asked, fault) in answers {
        let fault = fault.unwrap_or_else(|| panic!("{asked} behind a wall"));
        assert_eq!(fault.code, Code::NotFound, "{asked}");
        t.say(&format!("{asked} behind a wall"), &Err::<(), Fault>(fault));
    }
    let elsewhere =
        door.define_job(&caller, NewJob { project: Some(Project::slug("team")), ..shell("x", "true") });
    let denied = elsewhere.await;
    assert_eq!(denied.as_ref().map_err(|fault| fault.code), Err(Code::Denied));
    t.say("a job beyond a wall", &denied);
}

/// What a probe measures differs from moment to moment: what is compared is what there is.
async fn health(t: &mut Transcript) {
    let door = t.door.clone();
    let health = door.health().await.map(|health| {
        let names: Vec<String> = health.components.into_keys().collect();
        (health.version, health.hub, names, health.dead)
    });
    t.say("health", &health);
    let trends = door
        .trends(None)
        .await
        .map(|trends| (trends.step_ms, trends.latencies_ms.into_keys().collect::<Vec<_>>()));
    t.say("trends", &trends);
    let later = door.trends(Some("2999-01-01".parse().unwrap())).await;
    t.say("trends to come", &later.map(|trends| trends.points.len()));
}
