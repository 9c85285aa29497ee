//! Keys: made, rotated, ended, and held against what somebody brings.
//!
//! All of them are in memory: this process alone writes them, so what is here is what holds. One change at a time, so
//! that a name is given once.

mod secret;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::{Mutex, Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use self::secret::Pepper;
use super::{
    Hub, HubDoor,
    told::{event, object},
};
use crate::{
    door::{Admission, Admitted, Caller, Denial, KeyView, Keys, MadeKey, NewKey, Unfit},
    model::{
        Actor, Change, Code, Commit, EventDraft, Fault, Key, KeyState, Precondition, Projects, Severity,
        Time, Unique, job::Span,
    },
    tasks::blocking,
};

/// What expires is looked for this often at least: the clock may have been put forward.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

#[derive(Default)]
pub struct Keyring {
    held: OnceCell<RwLock<HashMap<String, Held>>>,
    pepper: OnceCell<Pepper>,
    turn: Mutex<()>,
    changed: Notify,
}

/// A key, and what is open with it.
struct Held {
    key: Key,
    ended: CancellationToken,
}

impl Keyring {
    /// Every key by its short part, once the records are there.
    async fn held(&self, hub: &Arc<Hub>) -> Result<&RwLock<HashMap<String, Held>>, Fault> {
        self.held
            .get_or_try_init(|| async {
                let keys = hub.read(|store| store.keys()).await?;
                let held = keys
                    .into_iter()
                    .map(|key| (key.short.clone(), Held { key, ended: CancellationToken::new() }));
                hub.tasks.spawn(end_expired(hub.clone()));
                Ok(RwLock::new(held.collect()))
            })
            .await
    }

    async fn pepper(&self, data_dir: &Path, make: bool) -> Result<Option<&Pepper>, Fault> {
        if let Some(pepper) = self.pepper.get() {
            return Ok(Some(pepper));
        }
        let dir = data_dir.to_owned();
        let found = blocking(move || {
            let found = Pepper::read(&dir).and_then(|found| match found {
                None if make => Pepper::make(&dir).map(Some),
                found => Ok(found),
            });
            found.map_err(|error| {
                Fault::new(Code::Damaged, format!("{} cannot be used", dir.join("pepper").display()))
                    .cause(error)
                    .hint("without it no key opens anything; taken away, a new one is made with the next key")
            })
        });
        match found.await? {
            Some(found) => Ok(Some(self.pepper.get_or_init(|| async { found }).await)),
            None => Ok(None),
        }
    }

    /// Those that this caller may know of and that are called so.
    async fn called(&self, hub: &Arc<Hub>, caller: &Caller, name: &str) -> Result<Vec<Key>, Fault> {
        let held = self.held(hub).await?.read().unwrap_or_else(PoisonError::into_inner);
        let found = held
            .values()
            .map(|held| &held.key)
            .filter(|key| (key.name == name || key.short == name) && caller.projects.hold(&key.projects));
        let found: Vec<Key> = found.cloned().collect();
        if found.is_empty() {
            return Err(Fault::not_found(format!("no key {name}")).hint("`wheelhouse key ls` names them all"));
        }
        Ok(found)
    }

    /// What was committed holds from here on, whether the record view shows it or not.
    async fn take(&self, hub: &Arc<Hub>, keys: Vec<Key>) -> Result<(), Fault> {
        let now = hub.clock.now();
        let mut held = self.held(hub).await?.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            let ended = held.get(&key.short).map(|held| held.ended.clone()).unwrap_or_default();
            if key.state(now) != KeyState::Valid {
                ended.cancel();
            }
            held.insert(key.short.clone(), Held { key, ended });
        }
        drop(held);
        self.changed.notify_one();
        Ok(())
    }

    /// Ends what is open with expired keys; how long until the next one.
    fn end_expired(&self, now: Time) -> Duration {
        let Some(held) = self.held.get() else { return LOOK_AGAIN };
        let mut next = LOOK_AGAIN;
        for held in held.read().unwrap_or_else(PoisonError::into_inner).values() {
            match held.key.expires_at {
                Some(end) if end <= now => held.ended.cancel(),
                Some(end) => next = next.min(end.since(now)),
                None => {}
            }
        }
        next
    }
}

async fn end_expired(hub: Arc<Hub>) {
    let token = hub.tasks.token();
    loop {
        let next = hub.keyring.end_expired(hub.clock.now());
        tokio::select! {
            () = token.cancelled() => return,
            () = hub.keyring.changed.notified() => {}
            () = tokio::time::sleep(next) => {}
        }
    }
}

#[async_trait]
impl Keys for HubDoor {
    async fn create_key(&self, caller: &Caller, new: NewKey) -> Result<MadeKey, Fault> {
        let hub = &self.0;
        let _turn = hub.keyring.turn.lock().await;
        let now = hub.clock.now();
        if !caller.projects.hold(&new.projects) {
            return Err(Fault::new(Code::Denied, "this key would see more than who makes it")
                .hint("name projects that are open to you"));
        }
        {
            let held = hub.keyring.held(hub).await?.read().unwrap_or_else(PoisonError::into_inner);
            let mut keys = held.values().map(|held| &held.key);
            if keys.any(|key| key.name == new.name && key.state(now) == KeyState::Valid) {
                return Err(Fault::conflict(format!("there is a key called {} already", new.name)).hint(
                    "`wheelhouse key rotate` gives it another secret; `wheelhouse key revoke` ends it",
                ));
            }
        }
        let expires_at = new.expires_in.map(|span| after(now, span));
        let key = Key {
            name: new.name,
            dev: new.dev,
            scopes: new.scopes,
            projects: new.projects,
            expires_at,
            ..blank(hub, caller, now)
        };
        make(hub, caller, key, Vec::new()).await
    }

    async fn keys(&self, caller: &Caller) -> Result<Vec<KeyView>, Fault> {
        let hub = &self.0;
        let now = hub.clock.now();
        let held = hub.keyring.held(hub).await?.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<KeyView> = held
            .values()
            .filter(|held| caller.projects.hold(&held.key.projects))
            .map(|held| KeyView::of(&held.key, now))
            .collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
        Ok(keys)
    }

    async fn rotate_key(&self, caller: &Caller, key: &str, overlap: Span) -> Result<MadeKey, Fault> {
        let hub = &self.0;
        let _turn = hub.keyring.turn.lock().await;
        let now = hub.clock.now();
        let mut before = hub.keyring.called(hub, caller, key).await?;
        before.retain(|key| key.state(now) == KeyState::Valid);
        before.sort_by_key(|key| (key.created_at, key.id));
        let Some(newest) = before.last().cloned() else {
            return Err(Fault::conflict(format!("no key {key} is valid any more"))
                .hint("`wheelhouse key create` makes one"));
        };
        // As long as it was given when it was made.
        let lifetime =
            newest.expires_at.map(|end| Span::from_ms(end.since(newest.created_at).as_millis() as u64));
        let end = after(now, overlap);
        for old in &mut before {
            old.revision += 1;
            match overlap.is_zero() {
                true => old.revoked_at = Some(now),
                false => old.expires_at = Some(old.expires_at.map_or(end, |set| set.min(end))),
            }
        }
        let key = Key {
            name: newest.name,
            dev: newest.dev,
            scopes: newest.scopes,
            projects: newest.projects,
            expires_at: lifetime.map(|span| after(now, span)),
            ..blank(hub, caller, now)
        };
        make(hub, caller, key, before).await
    }

    async fn revoke_key(&self, caller: &Caller, key: &str) -> Result<Vec<KeyView>, Fault> {
        let hub = &self.0;
        let _turn = hub.keyring.turn.lock().await;
        let now = hub.clock.now();
        let mut keys = hub.keyring.called(hub, caller, key).await?;
        keys.retain(|key| key.revoked_at.is_none());
        if keys.is_empty() {
            return Err(Fault::conflict(format!("{key} is revoked already")));
        }
        for key in &mut keys {
            key.revision += 1;
            key.revoked_at = Some(now);
        }
        let commit = Commit {
            events: keys.iter().map(|key| told(hub, caller, key, "auth.key_revoked")).collect(),
            preconditions: keys.iter().map(unchanged).collect(),
            changes: keys.iter().cloned().map(|key| Change::Key { key: Box::new(key) }).collect(),
            ..Commit::default()
        };
        hub.store.commit(commit).await?;
        let views = keys.iter().map(|key| KeyView::of(key, now)).collect();
        hub.keyring.take(hub, keys).await?;
        Ok(views)
    }
}

/// Makes the secret, writes the key beside those that it changes, and says the secret this once.
async fn make(hub: &Arc<Hub>, caller: &Caller, key: Key, before: Vec<Key>) -> Result<MadeKey, Fault> {
    let (secret, short) = secret::fresh(key.dev)
        .map_err(|error| Fault::unavailable("this machine gives no random numbers").cause(error))?;
    let pepper = hub.keyring.pepper(&hub.data_dir, true).await?;
    let hash = pepper.ok_or_else(|| Fault::bug("a pepper was to be made"))?.hash(&secret);
    let key = Key { short, hash, ..key };
    key.check()?;
    let mut created = told(hub, caller, &key, "auth.key_created");
    if let Some(newest) = before.last() {
        created.data.insert("replaces".to_owned(), newest.short.as_str().into());
    }
    let ended = before.iter().filter(|old| old.revoked_at.is_some());
    let ended: Vec<_> = ended.map(|old| told(hub, caller, old, "auth.key_revoked")).collect();
    let vacant = Precondition::Vacant { unique: Unique::Key(key.short.clone()) };
    let all = || std::iter::once(&key).chain(&before);
    let commit = Commit {
        events: std::iter::once(created).chain(ended).collect(),
        preconditions: [Precondition::Absent { id: key.id }, vacant]
            .into_iter()
            .chain(before.iter().map(unchanged))
            .collect(),
        changes: all().cloned().map(|key| Change::Key { key: Box::new(key) }).collect(),
        ..Commit::default()
    };
    let committed = hub.store.commit(commit).await?;
    hub.keyring.take(hub, all().cloned().collect()).await?;
    Ok(MadeKey { key: KeyView::of(&key, hub.clock.now()), secret, applied: committed.applied })
}

fn blank(hub: &Hub, caller: &Caller, now: Time) -> Key {
    Key {
        id: hub.clock.id(),
        revision: 1,
        name: String::new(),
        short: String::new(),
        hash: [0; 32],
        dev: false,
        scopes: Default::default(),
        projects: Projects::All,
        created_at: now,
        created_by: caller.actor.clone(),
        expires_at: None,
        revoked_at: None,
        last_used: None,
    }
}

fn after(now: Time, span: Span) -> Time {
    Time::from_unix_ms(now.unix_ms().saturating_add_unsigned(span.ms()))
}

/// It is as it was before its revision was raised.
fn unchanged(key: &Key) -> Precondition {
    Precondition::Revision { id: key.id, revision: key.revision - 1 }
}

fn told(hub: &Hub, caller: &Caller, key: &Key, kind: &str) -> EventDraft {
    let data = json!({
        "id": key.id, "name": key.name, "short": key.short, "scopes": key.scopes, "expires_at": key.expires_at,
    });
    event(hub, caller, "_", kind, object(data))
}

impl Hub {
    /// Who answers for keys that somebody brings from outside.
    pub fn admission(self: &Arc<Hub>) -> Arc<dyn Admission> {
        Arc::new(HubDoor(self.clone()))
    }
}

#[async_trait]
impl Admission for HubDoor {
    async fn admit(&self, secret: &str) -> Result<Admitted, Unfit> {
        let hub = &self.0;
        let short = secret::short_of(secret).ok_or(Unfit::Unknown)?;
        let held = hub.keyring.held(hub).await.map_err(Unfit::Unsure)?;
        let pepper = hub.keyring.pepper(&hub.data_dir, false).await.map_err(Unfit::Unsure)?;
        let pepper = pepper.ok_or(Unfit::Unknown)?;
        let found = {
            let held = held.read().unwrap_or_else(PoisonError::into_inner);
            held.get(short).map(|held| (held.key.clone(), held.ended.clone()))
        };
        // Of a key that is none the same is worked out.
        let hash = found.as_ref().map_or([0; 32], |(key, _)| key.hash);
        let proved = pepper.proves(secret, &hash);
        let (key, ended) = found.filter(|_| proved).ok_or(Unfit::Unknown)?;
        let now = hub.clock.now();
        match key.state(now) {
            KeyState::Revoked => return Err(Unfit::Revoked { name: key.name }),
            KeyState::Expired => return Err(Unfit::Expired { name: key.name }),
            KeyState::Valid => {}
        }
        if key.last_used != Some(day(now)) {
            hub.tasks.spawn(used(hub.clone(), key.short.clone(), day(now)));
        }
        let Key { name, scopes, projects, .. } = key;
        Ok(Admitted { name, scopes, projects, ended })
    }

    fn denied(&self, caller: &Caller, denial: Denial) {
        let Denial { address, why, name, method, path, untold } = denial;
        let mut data = json!({ "address": address, "why": why, "method": method, "path": path });
        if let Some(name) = name {
            data["key"] = name.into();
        }
        if untold > 0 {
            data["untold"] = untold.into();
        }
        let told = event(&self.0, caller, "_", "auth.denied", object(data));
        let told = EventDraft { severity: Severity::Warn, ..told };
        super::told::tell_later(&self.0, Commit { events: vec![told], ..Commit::default() });
    }
}

fn day(now: Time) -> Time {
    Time::from_unix_ms(now.unix_ms() - now.unix_ms().rem_euclid(DAY_MS))
}

/// Writes that a key was used on this day, once.
async fn used(hub: Arc<Hub>, short: String, day: Time) {
    let _turn = hub.keyring.turn.lock().await;
    let Some(held) = hub.keyring.held.get() else { return };
    let key = {
        let held = held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&short).map(|held| held.key.clone()).filter(|key| key.last_used < Some(day))
    };
    let Some(before) = key else { return };
    let key = Key { revision: before.revision + 1, last_used: Some(day), ..before };
    let caller = Caller { actor: Actor(format!("key:{}", key.name)), ..super::told::hub_caller(&hub) };
    let commit = Commit {
        events: vec![told(&hub, &caller, &key, "auth.key_used")],
        preconditions: vec![unchanged(&key)],
        changes: vec![Change::Key { key: Box::new(key.clone()) }],
        ..Commit::default()
    };
    let written = hub.store.commit(commit).await.map(drop);
    if let Err(fault) = written.and(hub.keyring.take(&hub, vec![key]).await) {
        tracing::debug!(%fault, "that a key was used was not written");
    }
}
