//! The door over HTTP, through a hub's Unix socket or to its host and port.
//!
//! What a face asks here is what it would ask of a hub in its own process: the same requests, answers and faults.
//! The one thing more that can happen is that the hub goes away; then a call or a stream ends with an
//! `unavailable` fault and the face asks `home` for a door again. Nothing is asked twice by itself: a write
//! whose answer was lost may have happened, and only the caller knows whether it may be repeated.

mod address;
mod ask;
mod decisions;
mod export;
mod health;
mod jobs;
mod keys;
mod lines;
mod sse;
mod stream;
mod wire;

use std::path::Path;

use async_trait::async_trait;
use futures::stream::BoxStream;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::{
    address::{Address, Key, PORT},
    wire::{Gone, Patience, gone},
};
use self::{ask::Ask, wire::Wire};
use crate::{
    door::{
        Caller, Door, EventGap, EventPage, EventQuery, EventStats, ExportLine, Forgetting, Forgotten,
        FsckReport, ListRequest, MemoryPage, MemoryPatch, NewMemory, Publish, Published, Revision, Saved,
        SearchAnswer, SearchRequest, Status, StreamItem, StreamRequest, SuggestAnswer, SuggestRequest,
        Upsert, UpsertDone, ViewName,
    },
    model::{Cursor, Envelope, Fault, Id, Memory, Time},
};

/// Ids asked for in one request; more are asked for in turn, so that no address grows over what a hub reads.
const IDS_AT_ONCE: usize = 100;

/// A hub behind a socket or an address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Remote {
    wire: Wire,
}

/// An answer that is a list, in an object that can gain fields.
#[derive(Deserialize)]
struct Memories {
    memories: Vec<Memory>,
}

#[derive(Deserialize)]
struct Revisions {
    revisions: Vec<Revision>,
}

#[derive(Deserialize)]
struct Envelopes {
    events: Vec<Envelope>,
    #[serde(default)]
    gaps: Vec<EventGap>,
    next: Option<Cursor>,
    reached: Option<Time>,
    head: Cursor,
}

impl Remote {
    /// The door through this socket. Nothing is asked yet: a hub that is not there shows with the first call.
    pub fn new(socket: &Path) -> Result<Remote, Fault> {
        Remote::at(Address::Socket(socket.to_owned()))
    }

    /// The door there; nothing is asked yet.
    pub fn at(address: Address) -> Result<Remote, Fault> {
        Ok(Remote { wire: Wire::new(address)? })
    }

    /// The same door, that waits so long.
    pub fn with_patience(mut self, patience: Patience) -> Remote {
        self.wire.patience = patience;
        self
    }

    /// The door through this socket, after its hub has answered once.
    pub async fn connect(socket: &Path) -> Result<Remote, Fault> {
        let remote = Remote::new(socket)?;
        remote.status().await?;
        Ok(remote)
    }

    async fn send<B: Serialize + Sync, A: for<'de> Deserialize<'de>>(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<A, Fault> {
        self.wire.ask(Some(caller), method, path, &Ask::default()).body(body)?.answer().await
    }

    async fn fetch<A: for<'de> Deserialize<'de>>(
        &self,
        caller: &Caller,
        path: &str,
        ask: &Ask,
    ) -> Result<A, Fault> {
        self.wire.ask(Some(caller), Method::GET, path, ask).answer().await
    }
}

#[async_trait]
impl Door for Remote {
    async fn add(&self, caller: &Caller, new: NewMemory) -> Result<Saved, Fault> {
        self.send(caller, Method::POST, "/memories", &new).await
    }

    async fn edit(
        &self,
        caller: &Caller,
        id: Id,
        patch: MemoryPatch,
        revision: Option<u32>,
    ) -> Result<Saved, Fault> {
        let ask = Ask::default().maybe("revision", &revision);
        let path = format!("/memories/{id}");
        self.wire.ask(Some(caller), Method::PATCH, &path, &ask).body(&patch)?.answer().await
    }

    async fn supersede(&self, caller: &Caller, id: Id, new: NewMemory) -> Result<Saved, Fault> {
        self.send(caller, Method::POST, &format!("/memories/{id}/supersede"), &new).await
    }

    async fn forget(&self, caller: &Caller, id: Id, how: Forgetting) -> Result<Forgotten, Fault> {
        let path = format!("/memories/{id}");
        let ask = Ask::default().flag("now", how == Forgetting::Erase);
        self.wire.ask(Some(caller), Method::DELETE, &path, &ask).answer().await
    }

    async fn restore(&self, caller: &Caller, id: Id) -> Result<Saved, Fault> {
        let path = format!("/memories/{id}/restore");
        self.wire.ask(Some(caller), Method::POST, &path, &Ask::default()).answer().await
    }

    async fn upsert(&self, caller: &Caller, batch: Upsert) -> Result<UpsertDone, Fault> {
        self.send(caller, Method::POST, "/memories/bulk", &batch).await
    }

    async fn get(&self, caller: &Caller, ids: &[Id]) -> Result<Vec<Memory>, Fault> {
        let mut memories = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_AT_ONCE) {
            let ask = ids.iter().fold(Ask::default(), |ask, id| ask.and("id", id));
            memories.extend(self.fetch::<Memories>(caller, "/memories", &ask).await?.memories);
        }
        Ok(memories)
    }

    async fn history(&self, caller: &Caller, id: Id) -> Result<Vec<Revision>, Fault> {
        let path = format!("/memories/{id}/history");
        Ok(self.fetch::<Revisions>(caller, &path, &Ask::default()).await?.revisions)
    }

    async fn list(&self, caller: &Caller, list: ListRequest) -> Result<MemoryPage, Fault> {
        self.fetch(caller, "/memories", &ask::list(&list)).await
    }

    async fn search(&self, caller: &Caller, request: SearchRequest) -> Result<SearchAnswer, Fault> {
        self.send(caller, Method::POST, "/search", &request).await
    }

    async fn suggest(&self, caller: &Caller, request: SuggestRequest) -> Result<SuggestAnswer, Fault> {
        self.fetch(caller, "/search/suggest", &ask::suggest(&request)).await
    }

    async fn opened(&self, caller: &Caller, id: Id, query: &str) -> Result<(), Fault> {
        let path = format!("/memories/{id}/opened");
        let body = json!({ "query": query });
        self.wire.ask(Some(caller), Method::POST, &path, &Ask::default()).body(&body)?.done().await
    }

    async fn publish(&self, caller: &Caller, publish: Publish) -> Result<Published, Fault> {
        self.send(caller, Method::POST, "/events", &publish).await
    }

    async fn events(&self, caller: &Caller, query: EventQuery) -> Result<EventPage, Fault> {
        let page: Envelopes = self.fetch(caller, "/events", &ask::events(&query)).await?;
        Ok(EventPage {
            events: page.events.into_iter().map(Into::into).collect(),
            gaps: page.gaps,
            next: page.next,
            reached: page.reached,
            head: page.head,
        })
    }

    async fn event_stats(&self, caller: &Caller, query: EventQuery) -> Result<EventStats, Fault> {
        self.fetch(caller, "/events/stats", &ask::event_stats(&query)).await
    }

    async fn stream(
        &self,
        caller: &Caller,
        request: StreamRequest,
    ) -> Result<BoxStream<'static, Result<StreamItem, Fault>>, Fault> {
        let ask = ask::stream(&request);
        let response =
            self.wire.ask(Some(caller), Method::GET, "/events/stream", &ask).streamed().response().await?;
        Ok(stream::items(response, self.wire.clone()))
    }

    async fn status(&self) -> Result<Status, Fault> {
        self.wire.ask(None, Method::GET, "/status", &Ask::default()).answer().await
    }

    async fn reindex(&self, caller: &Caller, view: ViewName) -> Result<(), Fault> {
        let body = json!({ "view": view });
        let ask = Ask::default();
        self.wire.ask(Some(caller), Method::POST, "/reindex", &ask).body(&body)?.without_end().done().await
    }

    async fn fsck(&self, caller: &Caller) -> Result<FsckReport, Fault> {
        self.wire.ask(Some(caller), Method::GET, "/fsck", &Ask::default()).without_end().answer().await
    }

    async fn export(&self, caller: &Caller) -> Result<BoxStream<'static, Result<ExportLine, Fault>>, Fault> {
        let response = self
            .wire
            .ask(Some(caller), Method::GET, "/export", &Ask::default())
            .without_end()
            .response()
            .await?;
        Ok(export::items(response, self.wire.clone()))
    }
}
