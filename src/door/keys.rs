//! Keys: what is asked and answered, and what the surface asks of its hub when somebody comes with one.

use std::{collections::BTreeSet, net::IpAddr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Caller;
use crate::model::{Actor, Fault, Id, Key, KeyState, Projects, Scope, Time, job::Span};

/// A key to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewKey {
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    /// The wall around what it sees; `all` is none.
    pub projects: Projects,
    /// From now; without it the key holds until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
    /// The secret says that it is not for what matters.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dev: bool,
}

/// A key as it is shown: everything but what proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyView {
    pub id: Id,
    pub name: String,
    pub short: String,
    pub state: KeyState,
    pub scopes: BTreeSet<Scope>,
    pub projects: Projects,
    pub created_at: Time,
    pub created_by: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Time>,
}

impl KeyView {
    pub fn of(key: &Key, now: Time) -> KeyView {
        let Key { id, name, short, scopes, projects, created_at, created_by, .. } = key.clone();
        KeyView {
            id,
            name,
            short,
            state: key.state(now),
            scopes,
            projects,
            created_at,
            created_by,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used: key.last_used,
        }
    }
}

/// A key that was made, and the only time that its secret is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MadeKey {
    #[serde(flatten)]
    pub key: KeyView,
    pub secret: String,
    pub applied: bool,
}

/// Keys of a hub. A caller behind a wall sees and makes those that are behind it too.
#[async_trait]
pub trait Keys: Send + Sync {
    /// A valid key has its name alone.
    async fn create_key(&self, caller: &Caller, new: NewKey) -> Result<MadeKey, Fault>;

    /// Every key, newest first, with those that open nothing any more.
    async fn keys(&self, caller: &Caller) -> Result<Vec<KeyView>, Fault>;

    /// Another secret for the same holder; the one before ends after `overlap`. `key` is a name, or the short part of one.
    async fn rotate_key(&self, caller: &Caller, key: &str, overlap: Span) -> Result<MadeKey, Fault>;

    /// Ends every key of this name, or the one with this short part; what is open with it ends too.
    async fn revoke_key(&self, caller: &Caller, key: &str) -> Result<Vec<KeyView>, Fault>;
}

/// Who came with a key.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    pub projects: Projects,
    /// Cancelled when the key is revoked or expires.
    pub ended: CancellationToken,
}

/// Why a key opens nothing; with whose it is, where it is one of this hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    Unknown,
    Expired {
        name: String,
    },
    Revoked {
        name: String,
    },
    /// That cannot be said now.
    Unsure(Fault),
}

/// Why somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub address: IpAddr,
    pub why: &'static str,
    /// Of the key, where it is one of this hub.
    pub name: Option<String>,
    pub method: String,
    pub path: String,
    /// Others from there that were not told.
    pub untold: u64,
}

/// What the surface asks of the hub that it serves, and of no other.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Whose key this is, or why it opens nothing.
    async fn admit(&self, secret: &str) -> Result<Admitted, Unfit>;

    /// Tells that somebody was not let in.
    fn denied(&self, caller: &Caller, denial: Denial);
}
