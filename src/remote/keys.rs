//! Keys over HTTP.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Remote, ask::Ask};
use crate::{
    door::{Caller, KeyView, Keys, MadeKey, NewKey},
    model::{Fault, job::Span, token},
};

#[derive(Deserialize)]
struct Listed {
    keys: Vec<KeyView>,
}

/// A name as a part of a path. What is no token names no key; made one, it names none either.
fn path(key: &str) -> String {
    format!("/keys/{}", token(key))
}

#[async_trait]
impl Keys for Remote {
    async fn create_key(&self, caller: &Caller, new: NewKey) -> Result<MadeKey, Fault> {
        self.send(caller, Method::POST, "/keys", &new).await
    }

    async fn keys(&self, caller: &Caller) -> Result<Vec<KeyView>, Fault> {
        self.fetch::<Listed>(caller, "/keys", &Ask::default()).await.map(|listed| listed.keys)
    }

    async fn rotate_key(&self, caller: &Caller, key: &str, overlap: Span) -> Result<MadeKey, Fault> {
        let path = format!("{}/rotate", path(key));
        self.send(caller, Method::POST, &path, &json!({ "overlap": overlap })).await
    }

    async fn revoke_key(&self, caller: &Caller, key: &str) -> Result<Vec<KeyView>, Fault> {
        let request = self.wire.ask(Some(caller), Method::DELETE, &path(key), &Ask::default());
        request.answer::<Listed>().await.map(|listed| listed.keys)
    }
}
