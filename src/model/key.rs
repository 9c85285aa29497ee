//! Keys: who may come in from outside, to do what, where, and until when. The secret itself is never kept.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Actor, Fault, Id, Projects, TOKEN_BYTES_MAX, Time, token};

/// What a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    Memories,
    Decisions,
    Mistakes,
    Events,
    Jobs,
    Sources,
    Backup,
    Admin,
}

impl Area {
    pub const ALL: [Area; 8] = [
        Area::Memories,
        Area::Decisions,
        Area::Mistakes,
        Area::Events,
        Area::Jobs,
        Area::Sources,
        Area::Backup,
        Area::Admin,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Area::Memories => "memories",
            Area::Decisions => "decisions",
            Area::Mistakes => "mistakes",
            Area::Events => "events",
            Area::Jobs => "jobs",
            Area::Sources => "sources",
            Area::Backup => "backup",
            Area::Admin => "admin",
        }
    }
}

/// To read something or to change it; neither holds the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    pub area: Area,
    pub write: bool,
}

impl Scope {
    pub const fn read(area: Area) -> Scope {
        Scope { area, write: false }
    }

    pub const fn write(area: Area) -> Scope {
        Scope { area, write: true }
    }

    pub fn all() -> impl Iterator<Item = Scope> {
        Area::ALL.into_iter().flat_map(|area| [Scope::read(area), Scope::write(area)])
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.area.word(), if self.write { "write" } else { "read" })
    }
}

impl FromStr for Scope {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Scope, Fault> {
        Scope::all().find(|scope| scope.to_string() == text).ok_or_else(|| {
            let areas = Area::ALL.map(Area::word).join(", ");
            Fault::invalid(format!("{text:?} is no scope")).hint(format!(
                "a scope is an area and `read` or `write`, as in memories:read; areas: {areas}"
            ))
        })
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scope, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: Fault| de::Error::custom(fault.message))
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub id: Id,
    pub revision: u32,
    /// What its holder is called: the actor of what is done with it. Keys that were rotated share it.
    pub name: String,
    /// The part of the secret by which it is known, and which may be shown.
    pub short: String,
    /// Of the whole secret, keyed with what stands in no record.
    pub hash: [u8; 32],
    /// Its secret says that it is for trying things out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dev: bool,
    pub scopes: BTreeSet<Scope>,
    #[serde(default)]
    pub projects: Projects,
    pub created_at: Time,
    pub created_by: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// To the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Time>,
}

/// Whether a key opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    Valid,
    Expired,
    Revoked,
}

impl KeyState {
    pub fn word(self) -> &'static str {
        match self {
            KeyState::Valid => "valid",
            KeyState::Expired => "expired",
            KeyState::Revoked => "revoked",
        }
    }
}

impl Key {
    pub fn state(&self, now: Time) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Valid
        }
    }

    pub fn check(&self) -> Result<(), Fault> {
        if self.name != token(&self.name) || self.name == "_" {
            return Err(Fault::invalid(format!("{:?} is no name of a key", self.name))
                .hint(format!("1 to {TOKEN_BYTES_MAX} of A-Z a-z 0-9 _ -")));
        }
        if self.scopes.is_empty() {
            return Err(Fault::invalid("a key without a scope opens nothing")
                .hint("name some, such as memories:read,memories:write"));
        }
        if self.expires_at.is_some_and(|end| end <= self.created_at) {
            return Err(Fault::invalid("a key that has expired already opens nothing"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words() {
        for scope in Scope::all() {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert_eq!(Scope::all().count(), 16);
        assert_eq!("memories:write".parse(), Ok(Scope::write(Area::Memories)));
        for wrong in ["memories", "memories:rw", "Memories:read", "*", ""] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_ends() {
        let at = Time::from_unix_ms;
        let key = Key {
            id: Id::NIL,
            revision: 1,
            name: "ci".into(),
            short: "abcdefgh".into(),
            hash: [0; 32],
            dev: false,
            scopes: [Scope::read(Area::Memories)].into(),
            projects: Projects::All,
            created_at: at(1),
            created_by: Actor::hub(),
            expires_at: Some(at(10)),
            revoked_at: None,
            last_used: None,
        };
        assert_eq!(key.check(), Ok(()));
        assert_eq!((key.state(at(9)), key.state(at(10))), (KeyState::Valid, KeyState::Expired));
        let revoked = Key { revoked_at: Some(at(2)), ..key.clone() };
        assert_eq!(revoked.state(at(9)), KeyState::Revoked);
        for wrong in [
            Key { name: "a.b".into(), ..key.clone() },
            Key { name: String::new(), ..key.clone() },
            Key { scopes: BTreeSet::new(), ..key.clone() },
            Key { expires_at: Some(at(1)), ..key },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
