//! Keys through a door that outlives its hub.

use async_trait::async_trait;

use super::{Again, Attached};
use crate::{
    door::{Caller, KeyView, Keys, MadeKey, NewKey},
    model::{Fault, job::Span},
};

#[async_trait]
impl Keys for Attached {
    async fn create_key(&self, caller: &Caller, new: NewKey) -> Result<MadeKey, Fault> {
        ask!(self, IfNotAsked, door.create_key(caller, new.clone()))
    }

    async fn keys(&self, caller: &Caller) -> Result<Vec<KeyView>, Fault> {
        ask!(self, Always, door.keys(caller))
    }

    async fn rotate_key(&self, caller: &Caller, key: &str, overlap: Span) -> Result<MadeKey, Fault> {
        ask!(self, IfNotAsked, door.rotate_key(caller, key, overlap))
    }

    async fn revoke_key(&self, caller: &Caller, key: &str) -> Result<Vec<KeyView>, Fault> {
        ask!(self, IfNotAsked, door.revoke_key(caller, key))
    }
}
