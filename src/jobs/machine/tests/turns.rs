//! Turns of the machine, written down one by one.

use super::{super::*, world::*};
use crate::model::{Code, job::RunState};

const HALF_HOUR: &str = r#""schedule": {"every": "30m"}, "timeout": "10m""#;

fn failed(code: Code) -> Ended {
    Ended::Failed(RunError { code, message: "no".into() })
}

#[track_caller]
fn check_history(bench: &Bench, expected: &[&str]) {
    assert_eq!(bench.history(), expected);
}

/// A driver's task owns it and may be moved to another thread.
const _: () = {
    const fn may_move<T: Send>() {}
    may_move::<Machine>();
};

#[test]
fn a_slot_comes_runs_and_ends() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(1_799);
    check_history(&bench, &[]);
    bench.seconds(1);
    assert_eq!(bench.taken(), ["start 12:30 #1"]);
    bench.seconds(5);
    bench.end(Ended::Succeeded);
    check_history(&bench, &["12:30 schedule succeeded"]);
    assert_eq!(bench.told(), ["scheduled", "started", "succeeded"]);
    let run = bench.store.of(RunState::Succeeded)[0];
    assert_eq!((run.started, run.ended), (Some(time("2026-11-21T12:30:00Z")), Some(bench.now.wall)));
    assert_eq!(run.lease, None);
}

#[test]
fn what_is_not_recorded_has_not_happened() {
    let mut bench = Bench::new("");
    let (job, revision) = (bench.job.id, 1);
    let ask = Input::Ask { request: Id::NIL, by: Actor::hub(), ask: Ask::Run { job: bench.job.id } };
    let effects = bench.machine.step(bench.now, ask);
    let [Effect::Record(commit), Effect::Wake { .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(commit.state.revision, revision + 1);
    // Nobody knows: the same again, a second later, and no start before the answer.
    let unknown = Input::Unknown { job, revision: revision + 1 };
    let effects = bench.machine.step(bench.now, unknown);
    assert!(matches!(effects[..], [Effect::Wake { after: Some(AGAIN_AFTER) }]), "{effects:?}");
    bench.now.mono += AGAIN_AFTER;
    let effects = bench.machine.step(bench.now, Input::Tick);
    assert!(matches!(&effects[0], Effect::Record(again) if again == commit), "{effects:?}");
    assert!(bench.store.hand_in(commit).is_ok() && bench.store.hand_in(commit).is_ok());
    let effects = bench.machine.step(bench.now, Input::Recorded { job, revision: revision + 1 });
    assert!(matches!(&effects[..2], [Effect::Start { .. }, Effect::Answer { .. }]), "{effects:?}");
}

#[test]
fn overlap_is_as_the_policy_says() {
    let three = |overlap: &str| {
        let mut bench = Bench::new(&format!(
            r#""schedule": {{"every": "30m"}}, "timeout": "1d", "overlap": "{overlap}""#
        ));
        bench.seconds(2 * 3_600 - 60);
        bench.taken();
        bench
    };
    check_history(
        &three("skip"),
        &["12:30 schedule running", "13:00 schedule skipped Overlap 1", "13:30 schedule skipped Overlap 1"],
    );
    let mut bench = three("queue_one");
    check_history(
        &bench,
        &["12:30 schedule running", "13:00 schedule queued", "13:30 schedule skipped QueueFull 1"],
    );
    bench.end(Ended::Succeeded);
    assert_eq!(bench.taken(), ["start 13:00 #1"]);
    let mut bench = three("queue_all");
    check_history(&bench, &["12:30 schedule running", "13:00 schedule queued", "13:30 schedule queued"]);
    bench.end(Ended::Succeeded);
    bench.end(Ended::Succeeded);
    assert_eq!(bench.taken(), ["start 13:00 #1", "start 13:30 #1"]);
    check_history(
        &three("allow"),
        &["12:30 schedule running", "13:00 schedule running", "13:30 schedule running"],
    );
    let mut bench =
        Bench::new(r#""schedule": {"every": "30m"}, "timeout": "1d", "overlap": "cancel_running""#);
    bench.seconds(3_600);
    assert_eq!(bench.taken(), ["start 12:30 #1", "ask Replaced"]);
    bench.end(Ended::Cancelled);
    check_history(&bench, &["12:30 schedule cancelled", "13:00 schedule running"]);
}

#[test]
fn what_passed_while_the_hub_was_off_goes_by_the_policy() {
    let after_a_day_off = |catch_up: &str| {
        let mut bench =
            Bench::new(&format!(r#"{HALF_HOUR}, "overlap": "queue_all", "catch_up": {catch_up}"#));
        bench.seconds(1);
        bench.now.wall = time("2026-11-21T14:10:00Z");
        bench.crash();
        bench
    };
    check_history(&after_a_day_off(r#"{"missed": "none"}"#), &["14:00 schedule skipped Missed 4"]);
    check_history(
        &after_a_day_off(r#"{"missed": "latest"}"#),
        &["13:30 schedule skipped Missed 3", "14:00 catch_up running"],
    );
    check_history(
        &after_a_day_off(r#"{"missed": "all", "window": "1h"}"#),
        &["13:00 schedule skipped Missed 2", "13:30 catch_up running", "14:00 catch_up queued"],
    );
    check_history(
        &after_a_day_off(r#"{"missed": "latest", "window": "5m"}"#),
        &["14:00 schedule skipped Missed 4"],
    );
}

#[test]
fn a_clock_put_back_finds_its_slots_decided() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(1_800);
    bench.end(Ended::Succeeded);
    bench.taken();
    bench.put("2026-11-21T12:10:00Z");
    assert_eq!(bench.taken(), ["clock -1200s"]);
    bench.seconds(2_400);
    check_history(&bench, &["12:30 schedule succeeded"]);
    bench.seconds(600);
    check_history(&bench, &["12:30 schedule succeeded", "13:00 schedule running"]);
    // Forward: two slots have passed, and the last of them is made up for.
    bench.end(Ended::Succeeded);
    bench.put("2026-11-21T14:10:00Z");
    check_history(
        &bench,
        &[
            "12:30 schedule succeeded",
            "13:00 schedule succeeded",
            "13:30 schedule skipped Missed 1",
            "14:00 catch_up running",
        ],
    );
}

#[test]
fn a_clock_that_was_years_ahead_does_not_stop_a_job_for_years() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.put("2036-01-01T00:10:00Z");
    bench.end(Ended::Succeeded);
    bench.put("2026-11-21T12:00:00Z");
    bench.seconds(1_800);
    assert_eq!(bench.running().len(), 1);
}

#[test]
fn a_step_is_seen_within_a_minute() {
    let mut bench = Bench::new(r#""schedule": {"cron": "0 0 1 * *"}"#);
    assert_eq!(bench.wake, Some(LOOK_MAX));
    bench.ask(Ask::Pause { job: bench.job.id, reason: "x".into(), until: None }).unwrap();
    assert_eq!(bench.wake, None, "nothing comes of a job that is paused");
}

#[test]
fn a_failure_is_tried_again_by_its_class() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(1_800);
    bench.end(failed(Code::Unavailable));
    assert_eq!(bench.store.of(RunState::Retrying).len(), 1);
    bench.pass(Duration::from_millis(400));
    assert_eq!(bench.running().len(), 0, "half a second at least");
    bench.seconds(1);
    bench.end(failed(Code::Timeout));
    bench.seconds(2);
    bench.end(failed(Code::Unavailable));
    check_history(&bench, &["12:30 schedule dead"]);
    assert_eq!(bench.taken(), ["start 12:30 #1", "start 12:30 #2", "start 12:30 #3"]);
    let told = bench.told();
    assert_eq!(told[told.len() - 2..], ["failed", "dead"]);

    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(1_800);
    bench.end(failed(Code::Denied));
    check_history(&bench, &["12:30 schedule dead"]);
}

#[test]
fn what_waits_for_a_retry_waits_by_the_clock_that_is_not_put() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(1_800);
    bench.end(failed(Code::Unavailable));
    bench.put("2026-11-21T12:10:00Z");
    bench.seconds(1);
    assert_eq!(bench.running()[0].attempt, 2);
}

#[test]
fn a_dead_letter_waits_for_somebody() {
    let mut bench = Bench::new(r#""retry": {"attempts": 1}"#);
    bench.run_now();
    let dead = bench.end(failed(Code::Bug));
    let letter = Box::new(bench.store.runs[&dead].clone());
    let again = bench.ask(Ask::Retry { run: letter.clone() }).unwrap()[0];
    assert_eq!(bench.store.runs[&dead].state, RunState::Failed);
    assert_eq!(bench.store.runs[&again].retry_of, Some(dead));
    assert_eq!(bench.store.runs[&again].state, RunState::Running);
    // Another who looked at the same letter.
    let fault = bench.ask(Ask::Dismiss { run: letter }).unwrap_err();
    assert_eq!(fault.message, "the run changed meanwhile");
    let dead = bench.end(failed(Code::Bug));
    let letter = Box::new(bench.store.runs[&dead].clone());
    bench.ask(Ask::Dismiss { run: letter }).unwrap();
    assert_eq!(bench.store.runs[&dead].state, RunState::Failed);
    let seen_to = Box::new(bench.store.runs[&dead].clone());
    assert_eq!(bench.ask(Ask::Dismiss { run: seen_to }).unwrap_err().code, Code::Conflict);
}

#[test]
fn a_job_that_keeps_failing_is_paused() {
    let mut bench = Bench::new(&format!(r#"{HALF_HOUR}, "pause_after_dead": 2, "retry": {{"attempts": 1}}"#));
    for _ in 0..2 {
        bench.seconds(1_800);
        bench.end(failed(Code::Bug));
    }
    bench.seconds(2 * 3_600);
    check_history(&bench, &["12:30 schedule dead", "13:00 schedule dead"]);
    let (state, _) = bench.machine.standing(bench.job.id).unwrap();
    assert_eq!(state.paused.as_ref().unwrap().reason, "2 runs in a row failed for good");
    bench.ask(Ask::Resume { job: bench.job.id }).unwrap();
    bench.seconds(1_800);
    check_history(
        &bench,
        &[
            "12:30 schedule dead",
            "13:00 schedule dead",
            "15:00 schedule skipped Paused 4",
            "15:30 schedule running",
        ],
    );
}

#[test]
fn a_pause_holds_slots_but_no_person() {
    let mut bench = Bench::new(HALF_HOUR);
    let until = Some(time("2026-11-21T13:40:00Z"));
    bench.ask(Ask::Pause { job: bench.job.id, reason: "moving house".into(), until }).unwrap();
    bench.seconds(3_600);
    bench.run_now();
    assert_eq!(bench.running().len(), 1);
    bench.end(Ended::Succeeded);
    bench.crash();
    bench.seconds(3_900);
    let history = bench.history();
    assert_eq!(history[..2], ["13:30 schedule skipped Paused 3", "14:00 schedule running"]);
    let past = Some(time("2026-11-21T13:40:00Z"));
    let ask = Ask::Pause { job: bench.job.id, reason: String::new(), until: past };
    assert_eq!(bench.ask(ask).unwrap_err().code, Code::Invalid);
}

#[test]
fn what_takes_too_long_is_asked_then_ended_then_given_up() {
    let mut bench = Bench::new(r#""timeout": "30s", "retry": {"attempts": 1}"#);
    bench.run_now();
    bench.pass(Duration::from_millis(29_900));
    assert_eq!(bench.taken(), ["start asked #1"]);
    bench.pass(Duration::from_millis(100));
    assert_eq!(bench.taken(), ["ask Timeout"]);
    bench.pass(Duration::from_millis(9_999));
    assert_eq!(bench.taken(), [] as [&str; 0]);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.taken(), ["cancel hard"]);
    bench.end(Ended::Cancelled);
    let run = bench.store.of(RunState::Dead)[0];
    assert_eq!(run.error.as_ref().unwrap().code, Code::Timeout);

    let mut bench = Bench::new(r#""timeout": "30s", "retry": {"on": ["lost"]}"#);
    bench.run_now();
    bench.pass(Duration::from_secs(46));
    let run = bench.running()[0].clone();
    assert_eq!((run.attempt, run.may_have_run_twice), (2, true), "nobody saw the first end");
    bench.taken();
    let (job, run) = (run.job, run.id);
    bench.give(Input::Ended { job, run, fence: 1, how: Ended::Succeeded });
    assert_eq!(bench.taken(), ["late 1"]);
    assert_eq!(bench.running().len(), 1);
}

#[test]
fn an_attempt_that_ends_well_after_it_was_asked_has_ended_well() {
    let mut bench = Bench::new(r#""timeout": "30s""#);
    let run = bench.run_now();
    bench.ask(Ask::Cancel { job: bench.job.id, run }).unwrap();
    assert_eq!(bench.taken(), ["start asked #1", "ask Asked"]);
    bench.end(Ended::Succeeded);
    assert_eq!(bench.store.runs[&run].state, RunState::Succeeded);
    let fault = bench.ask(Ask::Cancel { job: bench.job.id, run }).unwrap_err();
    assert_eq!(fault.code, Code::Conflict);
}

#[test]
fn what_ran_at_a_crash_is_lost_or_tried_again() {
    let crashed = |fields: &str| {
        let mut bench = Bench::new(fields);
        bench.run_now();
        bench.crash();
        bench
    };
    let bench = crashed("");
    let run = bench.store.of(RunState::Lost)[0];
    assert_eq!(run.error.as_ref().unwrap().message, "the hub ended while it ran");
    let mut bench = crashed(r#""retry": {"attempts": 2, "on": ["lost"]}"#);
    bench.seconds(1);
    assert!(bench.running()[0].may_have_run_twice);
    assert_eq!(bench.running()[0].lease.unwrap().fence, 2);
    bench.crash();
    assert_eq!(bench.store.of(RunState::Dead).len(), 1, "two attempts were all");
}

#[test]
fn a_hub_that_ends_in_order_loses_nothing_silently() {
    let mut bench = Bench::new("");
    bench.run_now();
    bench.give(Input::Stop);
    assert_eq!(bench.taken(), ["start asked #1", "ask Shutdown"]);
    assert!(!bench.machine.is_idle());
    bench.end(Ended::Cancelled);
    assert!(bench.machine.is_idle());
    let cancelled = &bench.store.of(RunState::Cancelled)[0];
    assert_eq!(cancelled.error.as_ref().unwrap().message, "the hub ended while it ran");
    bench.run_now();
    assert_eq!(bench.store.of(RunState::Queued).len(), 1, "nothing starts any more");
    bench.crash();
    assert_eq!(bench.running().len(), 1, "what waited goes on");
}

#[test]
fn a_hub_that_is_about_to_end_lets_what_runs_finish_and_starts_nothing() {
    let mut bench = Bench::new("");
    bench.run_now();
    bench.give(Input::Drain);
    assert_eq!(bench.taken(), ["start asked #1"], "it is not asked to end");
    bench.end(Ended::Succeeded);
    assert!(bench.machine.is_idle());
    assert_eq!(bench.store.of(RunState::Succeeded).len(), 1);
    bench.run_now();
    assert_eq!(bench.store.of(RunState::Queued).len(), 1);
}

#[test]
fn what_is_made_up_for_after_a_crash_is_after_an_end_in_order_too() {
    let mut bench = Bench::new(r#""retry": {"attempts": 2, "on": ["lost"]}"#);
    bench.run_now();
    bench.give(Input::Stop);
    bench.end(Ended::Cancelled);
    assert_eq!(bench.store.of(RunState::Retrying).len(), 1);
}

#[test]
fn what_was_about_to_start_when_the_hub_ends_waits_again() {
    let mut bench = Bench::new("");
    let ask = Ask::Run { job: bench.job.id };
    let ask = Input::Ask { request: Id::NIL, by: Actor::hub(), ask };
    let effects = bench.machine.step(bench.now, ask);
    let [Effect::Record(commit), ..] = &effects[..] else { panic!("{effects:?}") };
    bench.give(Input::Stop);
    bench.store.hand_in(commit).ok().unwrap();
    bench.give(Input::Recorded { job: bench.job.id, revision: commit.state.revision });
    assert_eq!(bench.taken().len(), 1, "the answer, and no start");
    let run = bench.store.of(RunState::Queued)[0];
    assert_eq!((run.attempt, run.started, run.lease), (0, None, None));
    bench.crash();
    assert_eq!(bench.taken(), ["start asked #1"]);
}

#[test]
fn an_event_sets_a_job_off_once() {
    let mut bench = Bench::new(r#""schedule": {"on": "*.memory.saved"}, "overlap": "queue_all""#);
    bench.event(7, "_.memory.saved");
    bench.event(8, "_.memory.forgotten");
    bench.event(7, "_.memory.saved");
    bench.event(9, "team.memory.saved");
    check_history(&bench, &["event 7 event running", "event 9 event queued"]);
    bench.crash();
    bench.event(7, "_.memory.saved");
    bench.event(9, "team.memory.saved");
    bench.event(10, "team.memory.saved");
    check_history(&bench, &["event 7 event lost", "event 9 event running", "event 10 event queued"]);
}

#[test]
fn a_job_is_not_set_off_by_itself() {
    let mut bench = Bench::new(r#""schedule": {"on": "*.job.>"}"#);
    bench.event(1, "_.job.succeeded.tidy");
    bench.event(2, "_.job.succeeded.other");
    check_history(&bench, &["event 2 event running"]);
}

#[test]
fn a_burst_of_events_shares_a_record() {
    let mut bench = Bench::new(r#""schedule": {"on": "_.>"}"#);
    let seen = |n| Seen {
        sequence: Sequence(n),
        subject: "_.memory.saved".parse().unwrap(),
        recorded_at: time("2026-11-21T12:00:00Z"),
    };
    bench.give(Input::Events((1..=5_000).map(seen).collect()));
    check_history(&bench, &["event 1 event running", "event 5000 event skipped Overlap 4999"]);
    let mut bench = Bench::new(r#""schedule": {"on": "_.>"}"#);
    bench.give(Input::Events((1..=10_003).map(seen).collect()));
    check_history(
        &bench,
        &[
            "event 3 event skipped QueueFull 3",
            "event 4 event running",
            "event 10003 event skipped Overlap 9999",
        ],
    );
}

#[test]
fn a_backfill_fills_what_has_not_run() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(1_800);
    bench.end(Ended::Succeeded);
    let (after, until) = (time("2026-11-21T10:59:00Z"), time("2026-11-21T12:30:00Z"));
    let made = bench.ask(Ask::Backfill { job: bench.job.id, after, until }).unwrap();
    assert_eq!(made.len(), 3);
    for _ in 0..3 {
        bench.end(Ended::Succeeded);
    }
    check_history(
        &bench,
        &[
            "11:00 backfill succeeded",
            "11:30 backfill succeeded",
            "12:00 backfill succeeded",
            "12:30 schedule succeeded",
        ],
    );
    let again = bench.ask(Ask::Backfill { job: bench.job.id, after, until });
    assert_eq!(again, Ok(vec![]));
    let later = Ask::Backfill { job: bench.job.id, after, until: time("2026-11-21T20:00:00Z") };
    assert_eq!(bench.ask(later).unwrap_err().code, Code::Invalid);
}

#[test]
fn a_backfill_during_a_pause_hides_no_other_slot() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.ask(Ask::Pause { job: bench.job.id, reason: "x".into(), until: None }).unwrap();
    bench.seconds(2 * 3_600);
    let (after, until) = (time("2026-11-21T13:29:00Z"), bench.now.wall);
    assert_eq!(bench.ask(Ask::Backfill { job: bench.job.id, after, until }).unwrap().len(), 2);
    bench.ask(Ask::Resume { job: bench.job.id }).unwrap();
    bench.end(Ended::Succeeded);
    bench.end(Ended::Succeeded);
    check_history(
        &bench,
        &["13:00 schedule skipped Paused 2", "13:30 backfill succeeded", "14:00 backfill succeeded"],
    );
}

#[test]
fn a_slot_that_was_skipped_can_be_filled() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.now.wall = time("2026-11-21T13:10:00Z");
    bench.put("2026-11-21T13:10:00Z");
    bench.end(Ended::Succeeded);
    check_history(&bench, &["12:30 schedule skipped Missed 1", "13:00 catch_up succeeded"]);
    let (after, until) = (time("2026-11-21T12:00:00Z"), time("2026-11-21T13:00:00Z"));
    assert_eq!(bench.ask(Ask::Backfill { job: bench.job.id, after, until }).unwrap().len(), 1);
    bench.end(Ended::Succeeded);
    check_history(&bench, &["12:30 backfill succeeded", "13:00 catch_up succeeded"]);
}

#[test]
fn a_backfill_is_in_nobodys_way() {
    let mut bench = Bench::new(r#""schedule": {"every": "30m"}, "timeout": "1d""#);
    bench.seconds(60);
    let (after, until) = (time("2026-11-21T10:59:00Z"), time("2026-11-21T12:00:00Z"));
    bench.ask(Ask::Backfill { job: bench.job.id, after, until }).unwrap();
    bench.seconds(300);
    bench.end(Ended::Succeeded);
    bench.seconds(300);
    bench.end(Ended::Succeeded);
    bench.seconds(1_140);
    bench.end(Ended::Succeeded);
    check_history(
        &bench,
        &[
            "11:00 backfill succeeded",
            "11:30 backfill succeeded",
            "12:00 backfill succeeded",
            "12:30 schedule running",
        ],
    );
}

#[test]
fn jitter_is_the_same_for_a_slot() {
    let starts = || {
        let mut bench = Bench::new(r#""schedule": {"every": "30m"}, "jitter": "10m""#);
        let mut started = Vec::new();
        for _ in 0..6 {
            bench.seconds(1_800);
            started.extend(bench.store.runs.values().filter_map(|run| run.started));
            if !bench.running().is_empty() {
                bench.end(Ended::Succeeded);
            }
        }
        started.sort();
        started.dedup();
        started
    };
    let first = starts();
    assert_eq!(first, starts());
    let late: Vec<i64> = first.iter().map(|start| start.unix_ms() % 1_800_000).collect();
    assert!(late.iter().all(|late| *late <= 600_000) && late.iter().any(|late| *late > 60_000), "{late:?}");
}

#[test]
fn progress_is_told_four_times_a_second() {
    let mut bench = Bench::new("");
    let run = bench.run_now();
    bench.taken();
    for done in 1..=999 {
        let progress = Progress { done, ..Progress::default() };
        bench.give(Input::Progress { job: bench.job.id, run, fence: 1, progress });
        bench.pass(Duration::from_millis(1));
    }
    let told = bench.taken();
    assert_eq!(told, ["progress 1", "progress 250", "progress 500", "progress 750"].map(String::from));
    bench.seconds(1);
    assert_eq!(bench.taken(), ["progress 999"], "the last is not swallowed");
    bench.end(Ended::Succeeded);
    assert_eq!(bench.store.runs[&run].progress.as_ref().unwrap().done, 999);
}

#[test]
fn a_changed_schedule_owes_nothing() {
    let mut bench = Bench::new(HALF_HOUR);
    bench.seconds(60);
    let mut job = (*bench.job).clone();
    job.schedule = serde_json::from_str(r#"{"every": "1m"}"#).unwrap();
    job.updated_at = time("2026-11-21T18:00:30Z");
    bench.job = Arc::new(job);
    // While the hub was off.
    bench.now.wall = time("2026-11-21T18:00:30Z");
    bench.crash();
    check_history(&bench, &[]);
    bench.seconds(30);
    check_history(&bench, &["18:01 schedule running"]);
}

#[test]
fn a_job_that_goes_takes_its_runs_with_it() {
    let mut bench = Bench::new(r#""overlap": "queue_all""#);
    bench.run_now();
    bench.run_now();
    bench.give(Input::Remove(bench.job.id));
    assert_eq!(bench.taken(), ["start asked #1", "ask Removed"]);
    bench.end(Ended::Cancelled);
    assert_eq!(bench.store.of(RunState::Cancelled).len(), 2);
    assert!(bench.machine.standing(bench.job.id).is_none());
    let answer = bench.ask(Ask::Run { job: bench.job.id });
    assert_eq!(answer.unwrap_err().code, Code::NotFound);
}

#[test]
fn somebody_else_who_decides_is_found_out() {
    let mut bench = Bench::new("");
    let id = bench.job.id;
    bench.store.states.get_mut(&id).unwrap().revision += 5;
    bench.give(Input::Ask { request: Id::NIL, by: Actor::hub(), ask: Ask::Run { job: id } });
    let taken = bench.taken();
    assert!(taken[0].contains("Answer") && taken[1].contains("Reload"), "{taken:?}");
    bench.load();
    bench.run_now();
    assert_eq!(bench.running().len(), 1);
}

#[test]
fn there_is_room_for_so_many_attempts() {
    let mut bench = Bench::new(r#""overlap": "allow""#);
    for _ in 0..RUNS_OF_JOB_MAX + 2 {
        bench.run_now();
    }
    assert_eq!(bench.running().len(), RUNS_OF_JOB_MAX);
    for n in 2..6 {
        let mut other = (*bench.job).clone();
        other.id = Id::from_parts(time("2026-01-01"), [n; 10]);
        let job = Arc::new(other);
        let load = bench.store.load(&job, Sequence::ZERO);
        bench.give(load);
        for request in 0..4 {
            let request = Id::from_parts(time("2026-02-01"), [n * 10 + request; 10]);
            bench.give(Input::Ask { request, by: Actor::hub(), ask: Ask::Run { job: job.id } });
        }
    }
    assert_eq!(bench.running().len(), RUNS_AT_ONCE_MAX);
    let run = bench.running()[0].clone();
    let fence = run.lease.unwrap().fence;
    bench.give(Input::Ended { job: run.job, run: run.id, fence, how: Ended::Succeeded });
    assert_eq!(bench.running().len(), RUNS_AT_ONCE_MAX, "the next takes the place");
}
