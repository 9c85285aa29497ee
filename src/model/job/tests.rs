use super::*;
use crate::model::{decode, encode};

fn job() -> Job {
    serde_json::from_str(r#"{"slug": "tidy", "kind": {"builtin": "tidy"}}"#).unwrap()
}

#[track_caller]
fn refused(change: impl Fn(&mut Job), message: &str) {
    let mut job = job();
    job.check().unwrap();
    change(&mut job);
    assert_eq!(job.check().unwrap_err().message, message);
}

#[test]
fn what_is_out_of_bounds_is_named() {
    refused(|job| job.slug = "Tidy Up".into(), "slug is \"Tidy Up\"; it is 1 to 64 of a-z 0-9 _ -");
    refused(|job| job.title = "x".repeat(513), "title has 513 bytes, it goes from 0 to 512");
    refused(
        |job| job.schedule = Schedule::Every { every: Span::from_ms(10), phase: Span::ZERO },
        "schedule.every is 10ms, it goes from 1s to 366d",
    );
    refused(
        |job| job.schedule = Schedule::Every { every: Span::from_secs(60), phase: Span::from_secs(60) },
        "schedule.phase is 1m, it is shorter than every, 1m",
    );
    refused(
        |job| {
            job.schedule = Schedule::Every { every: Span::from_secs(60), phase: Span::ZERO };
            job.jitter = Span::from_secs(90);
        },
        "jitter is 1m30s, it is shorter than schedule.every, 1m",
    );
    refused(|job| job.timeout = Span::ZERO, "timeout is 0s, it goes from 1ms to 366d");
    refused(|job| job.retry.attempts = 0, "retry.attempts has 0, it goes from 1 to 100");
    refused(|job| job.retry.factor = f64::NAN, "retry.factor is NaN, it goes from 1 to 100");
    refused(|job| job.retry.delay_max = Span::ZERO, "retry.delay_max is 0s, it goes from 1s to 366d");
    let command = |argv: &[&str], env: &[&str]| Kind::Command {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: None,
        env: env.iter().map(|word| (*word).to_owned()).collect(),
    };
    refused(|job| job.kind = command(&[], &[]), "kind.command has 0 words, it goes from 1 to 256");
    refused(|job| job.kind = command(&["a"], &["A=1"]), "kind.env has \"A=1\", which is no variable's name");
    let http = |url: &str, method: &str| Kind::Http {
        url: url.into(),
        method: method.into(),
        headers: BTreeMap::new(),
        body: None,
    };
    refused(|job| job.kind = http("ftp://x", "GET"), "kind.http is \"ftp://x\", it starts with https://");
    refused(
        |job| job.kind = http("https://x", "get"),
        "kind.method is \"get\", it is one of GET POST PUT PATCH DELETE HEAD",
    );
}

#[test]
fn the_short_form_is_the_whole_job_with_its_defaults() {
    let job = job();
    assert_eq!((job.enabled, job.schedule.clone(), job.overlap), (true, Schedule::Manual, Overlap::Skip));
    assert_eq!((job.timeout.to_string(), job.retry.attempts, job.jitter), ("30s".into(), 3, Span::ZERO));
    assert_eq!((job.catch_up.missed, job.catch_up.window.to_string()), (Missed::Latest, "1d".into()));
}

#[test]
fn one_form_in_every_encoding() {
    for text in [
        r#"{"every":"15m"}"#,
        r#"{"every":"1h","phase":"5m"}"#,
        r#"{"cron":"30 2 * * *","zone":"Europe/Berlin"}"#,
        r#"{"on":"*.memory.saved"}"#,
        r#"{"at":"2026-11-21T09:00:00.000Z"}"#,
        "{}",
    ] {
        let schedule: Schedule = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&schedule).unwrap(), text);
        assert_eq!(decode::<Schedule>(&encode(&schedule)).unwrap(), schedule);
        let job = Job { schedule, ..job() };
        assert_eq!(decode::<Job>(&encode(&job)).unwrap(), job);
        assert_eq!(serde_json::from_str::<Job>(&serde_json::to_string(&job).unwrap()).unwrap(), job);
    }
    for text in [
        r#"{"command":["sh","-c","true"],"cwd":"/tmp","env":["PATH"]}"#,
        r#"{"http":"https://example.org","method":"POST","headers":{"a":"b"},"body":"{}"}"#,
        r#"{"builtin":"tidy"}"#,
    ] {
        let kind: Kind = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&kind).unwrap(), text);
        assert_eq!(decode::<Kind>(&encode(&kind)).unwrap(), kind);
    }
    let cron: Schedule = serde_json::from_str(r#"{"cron":"@daily","zone":"europe/berlin"}"#).unwrap();
    assert_eq!(cron, Schedule::Cron { cron: "@daily".into(), zone: "Europe/Berlin".into() });
}

#[test]
fn what_does_not_go_together_says_so() {
    let schedule = |text: &str| serde_json::from_str::<Schedule>(text).unwrap_err().to_string();
    assert_eq!(schedule(r#"{"every":"1h","cron":"@daily"}"#), "a schedule has one of every, cron, on and at");
    assert_eq!(schedule(r#"{"phase":"1h"}"#), "phase goes with every");
    assert_eq!(schedule(r#"{"zone":"UTC"}"#), "zone goes with cron");
    let kind = |text: &str| serde_json::from_str::<Kind>(text).unwrap_err().to_string();
    assert_eq!(kind("{}"), "a kind has one of builtin, command and http");
    assert_eq!(kind(r#"{"builtin":"a","cwd":"/"}"#), "cwd and env go with command");
}

#[test]
fn a_slot_has_one_name_and_one_run() {
    let job = Id::from_parts(Time::from_unix_ms(5), [7; 10]);
    let moment = Time::from_unix_ms(1_795_000_000_000);
    for slot in [Slot::At(moment), Slot::Event(Sequence(42)), Slot::Asked(job)] {
        assert_eq!(slot.to_string().parse::<Slot>().unwrap(), slot);
        assert_eq!(decode::<Slot>(&encode(&slot)).unwrap(), slot);
        assert_eq!(Run::id_of(job, &slot, moment), Run::id_of(job, &slot, moment));
        assert_ne!(Run::id_of(job, &slot, moment), Run::id_of(Id::NIL, &slot, moment));
    }
    assert_eq!(Slot::At(moment).to_string(), "at:2026-11-18T11:06:40.000Z");
    for bad in ["", "at:noon", "event:-1", "asked:", "then:1"] {
        assert_eq!(bad.parse::<Slot>().unwrap_err().code, Code::Invalid, "{bad}");
    }
}

#[test]
fn words_are_what_serde_writes() {
    for state in RunState::ALL {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.word()));
    }
}

#[test]
fn records_read_back_from_files() {
    let now = Time::from_unix_ms(1_795_000_000_000);
    let state = JobState {
        job: Id::NIL,
        revision: 3,
        considered: now,
        seen: Sequence(9),
        schedule: "every 1h".into(),
        paused: Some(Paused { reason: "off for the night".into(), until: Some(now), by: Actor::hub() }),
        held: true,
        dead_in_a_row: 2,
        fence: 17,
    };
    assert_eq!(decode::<JobState>(&encode(&state)).unwrap(), state);
    let run = Run {
        id: Id::NIL,
        job: Id::NIL,
        project: Project::none(),
        slot: Slot::At(now),
        trigger: Trigger::CatchUp,
        state: RunState::Running,
        attempt: 2,
        created_at: now,
        updated_at: now,
        revision: 4,
        start_at: Some(now),
        started: Some(now),
        ended: None,
        progress: Some(Progress { done: 1, total: Some(2), unit: "files".into(), note: String::new() }),
        error: Some(Fault::unavailable("gone").into()),
        skipped: Some(Skipped { why: Why::Missed, since: now, slots: 3, at_least: true }),
        lease: Some(Lease { fence: 17, until: now }),
        may_have_run_twice: true,
        by: Some(Actor::hub()),
        retry_of: Some(Id::NIL),
    };
    assert_eq!(decode::<Run>(&encode(&run)).unwrap(), run);
    assert_eq!(serde_json::from_str::<Run>(&serde_json::to_string(&run).unwrap()).unwrap(), run);
}
