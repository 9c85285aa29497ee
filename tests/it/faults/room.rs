//! A disk that runs out of room under a hub that watches it: told, then read-only before it is full, then back.

use std::{fs, path::Path, sync::Arc};

use rustix::fs::FallocateFlags;
use wheelhouse::{
    door::{
        Anchor, Condition, Door, EventQuery, Forgetting, Health, ListRequest, Order, Overall, Refusal, Writes,
    },
    health::runbook,
    home::local_caller,
    hub::{Hub, HubOptions, JobOptions},
    model::{Code, Event, EventFilter, Severity},
    store::Retention,
};

use super::mount::Mount;
use crate::harness::{clock, note, until};

fn start(data_dir: &Path) -> Arc<Hub> {
    let options = HubOptions {
        name: "small".into(),
        clock: clock(),
        socket: None,
        listeners: Vec::new(),
        attached: Arc::default(),
        segment_bytes: None,
        retention: Retention::default(),
        sampling: Default::default(),
        announce: true,
        jobs: JobOptions::default(),
    };
    Hub::start(data_dir, options).unwrap()
}

/// Leaves so many thousandths of the disk free.
fn leave(mount: &Mount, thousandths: u64) {
    let ballast = mount.path().join("ballast");
    drop(fs::remove_file(&ballast));
    let found = rustix::fs::statvfs(mount.path()).unwrap();
    let wanted = found.f_blocks * thousandths / 1_000;
    let bytes = found.f_bavail.saturating_sub(wanted) * found.f_frsize;
    // Set aside and not written: it takes the room of the disk and none of the machine's.
    let file = fs::File::create(&ballast).unwrap();
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes.max(1)).unwrap();
}

async fn health_where(door: &Arc<dyn Door>, what: &str, is_so: impl Fn(&Health) -> bool) -> Health {
    until(what, async || Some(door.health().await.unwrap()).filter(&is_so)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_refused_before_the_disk_is_full_and_resume_by_themselves() {
    let Some(mount) = Mount::ext4(4_096) else { return };
    let data_dir = mount.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    let hub = start(&data_dir);
    let (door, caller) = (hub.door(), local_caller(&clock()));
    let disk = |status: Condition| {
        move |health: &Health| health.components.get("disk").is_some_and(|disk| disk.status == status)
    };
    let first = door.add(&caller, note("the first")).await.unwrap().memory.id;
    let second = door.add(&caller, note("the second")).await.unwrap().memory.id;
    health_where(&door, "it is well", |health| health.status == Overall::Healthy).await;

    leave(&mount, 80);
    door.add(&caller, note("there is room for it")).await.unwrap();
    let health = health_where(&door, "the disk is low", disk(Condition::Degraded)).await;
    let found = &health.components["disk"];
    assert_eq!((health.status, found.runbook.as_deref()), (Overall::Degraded, Some(Anchor::DiskLow.word())));
    assert!(runbook("disk-low").is_some_and(|entry| !entry.steps.is_empty()));
    assert_eq!(door.status().await.unwrap().writes, Writes::Open);

    leave(&mount, 30);
    door.add(&caller, note("the last one")).await.unwrap();
    let health = health_where(&door, "the disk is nearly full", disk(Condition::Down)).await;
    assert_eq!((health.status, health.degraded_mode.as_deref()), (Overall::Unhealthy, Some("read_only")));
    let writes = door.status().await.unwrap().writes;
    assert!(matches!(writes, Writes::Refused { why: Refusal::NearlyFull, .. }), "{writes:?}");
    let fault = door.add(&caller, note("no room is left")).await.unwrap_err();
    assert_eq!((fault.code, fault.hint.is_some()), (Code::Full, true), "{fault:?}");
    assert_eq!(door.get(&caller, &[first]).await.unwrap()[0].id, first, "reads go on");
    door.forget(&caller, first, Forgetting::Hide).await.expect("what takes away may be written");
    door.forget(&caller, second, Forgetting::Erase).await.expect("and what makes room");

    // More than critical, and not enough more.
    leave(&mount, 55);
    let before = health.components["disk"].cause.clone();
    let health =
        health_where(&door, "it was looked at again", |health| health.components["disk"].cause != before)
            .await;
    assert_eq!(health.components["disk"].status, Condition::Down);
    assert_eq!(door.add(&caller, note("still none")).await.unwrap_err().code, Code::Full);

    fs::remove_file(mount.path().join("ballast")).unwrap();
    until("it resumes by itself", async || {
        (door.status().await.unwrap().writes == Writes::Open).then_some(())
    })
    .await;
    door.add(&caller, note("there is room again")).await.unwrap();
    health_where(&door, "it is well again", |health| health.status == Overall::Healthy).await;
    assert!(door.health().await.unwrap().errors["full"] >= 2, "each refusal is counted");
    let listed = door.list(&caller, ListRequest::default()).await.unwrap().memories;
    assert_eq!(listed.len(), 3, "nothing that was refused is there");
    let told = until("it is told", async || {
        let events = told(&door).await;
        (events.last().is_some_and(|event| event.kind == "health.recovered")).then_some(events)
    })
    .await;
    let told: Vec<_> = told.iter().map(|event| (event.subject.to_string(), event.severity)).collect();
    assert_eq!(
        told,
        [
            ("_.health.degraded.disk".to_owned(), Severity::Warn),
            ("_.health.degraded.disk".to_owned(), Severity::Error),
            ("_.health.recovered.disk".to_owned(), Severity::Info),
        ]
    );
    hub.close().await;
}

/// Of the disk, oldest first.
async fn told(door: &Arc<dyn Door>) -> Vec<Event> {
    let filter = EventFilter { patterns: vec!["_.health.*.disk".parse().unwrap()], ..EventFilter::default() };
    let query = EventQuery { filter, order: Order::Asc, limit: 100, ..EventQuery::default() };
    door.events(&local_caller(&clock()), query).await.unwrap().events
}
