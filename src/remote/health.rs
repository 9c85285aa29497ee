//! Health of a hub in another process.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};

use super::{Remote, ask::Ask};
use crate::{
    door::{Health, Trends, Wellbeing},
    model::{Fault, Time},
};

#[async_trait]
impl Wellbeing for Remote {
    async fn health(&self) -> Result<Health, Fault> {
        // A hub that does badly says how all the same.
        let ask = self.wire.ask(None, Method::GET, "/health", &Ask::default());
        ask.answer_even(StatusCode::SERVICE_UNAVAILABLE).await
    }

    async fn trends(&self, after: Option<Time>) -> Result<Trends, Fault> {
        let ask = Ask::default().maybe("after", &after);
        self.wire.ask(None, Method::GET, "/health/trends", &ask).answer().await
    }
}
