//! Health.

use async_trait::async_trait;

use super::HubDoor;
use crate::{
    door::{Health, Trends, Wellbeing},
    model::{Fault, Time},
};

#[async_trait]
impl Wellbeing for HubDoor {
    async fn health(&self) -> Result<Health, Fault> {
        todo!()
    }
    async fn trends(&self, after: Option<Time>) -> Result<Trends, Fault> {
        todo!()
    }
}
