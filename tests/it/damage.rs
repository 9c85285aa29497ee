//! A byte turned anywhere but in the log: every answer is right or says that it may not be, and in the end every answer is
//! right again, without a person.
//!
//! `WHEELHOUSE_DAMAGE_FLIPS` turns more of them, `WHEELHOUSE_DAMAGE_SEED` begins elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use wheelhouse::{hub::HubDoor, tasks::Clock};

use crate::rebuild::{all_ready, answers, fill, start};

const RECORDS: usize = 250;
const FLIPS: u64 = 25;
/// A view made anew on a busy machine; reached only when it does not come right.
const PATIENCE: Duration = Duration::from_secs(60);

fn of_env(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// A number that a seed stands for.
fn scatter(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
}

/// All files below, in order, without the log and what is no file.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "log") {
            found.extend(files(&path));
        } else if path.is_file() && path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What an answer says of itself: that there is none now, or that it may lack something.
fn is_flagged(answer: &Value) -> bool {
    let reasons = answer["degraded_reasons"].as_array().is_some_and(|reasons| !reasons.is_empty());
    !answer["fault"].is_null() || !answer["degraded_mode"].is_null() || reasons
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_turned_in_any_view_is_healed_and_never_believed() {
    let clock = Clock::fixed("2026-11-21T12:00:00Z".parse().unwrap());
    let whole = tempfile::tempdir().unwrap();
    let hub = start(whole.path(), &clock);
    let door = HubDoor(hub.clone());
    let ids = fill(&door, &clock, RECORDS).await;
    all_ready(&door).await;
    let expected = answers(&door, &ids).await;
    hub.close().await;
    drop((door, hub));

    let (seed, flips) = (of_env("WHEELHOUSE_DAMAGE_SEED", 1), of_env("WHEELHOUSE_DAMAGE_FLIPS", FLIPS));
    for seed in seed..seed + flips {
        let dir = tempfile::tempdir().unwrap();
        copy(whole.path(), dir.path());
        let files = files(dir.path());
        let file = &files[scatter(seed) as usize % files.len()];
        let mut bytes = fs::read(file).unwrap();
        let at = scatter(seed + (1 << 40)) as usize % bytes.len();
        bytes[at] ^= 1 << (scatter(seed + (2 << 40)) % 8);
        fs::write(file, bytes).unwrap();
        let named = format!("seed {seed}: {} byte {at}", file.strip_prefix(dir.path()).unwrap().display());

        let hub = start(dir.path(), &clock);
        let door = HubDoor(hub.clone());
        let begun = Instant::now();
        loop {
            let now = answers(&door, &ids).await;
            let wrong: Vec<_> = now.iter().zip(&expected).filter(|(now, expected)| now != expected).collect();
            for (now, expected) in &wrong {
                assert!(is_flagged(now), "{named}: believed\n{now:#}\nis\n{expected:#}");
            }
            if wrong.is_empty() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{named}: not healed: {:#}", wrong[0].0);
            all_ready(&door).await;
        }
        hub.close().await;
    }
    println!("{flips} bytes turned from seed {seed} on");
}
