//! Health.

use async_trait::async_trait;

use super::Attached;
use crate::{
    door::{Health, Trends, Wellbeing},
    model::{Fault, Time},
};

#[async_trait]
impl Wellbeing for Attached {
    async fn health(&self) -> Result<Health, Fault> {
        todo!()
    }
    async fn trends(&self, after: Option<Time>) -> Result<Trends, Fault> {
        todo!()
    }
}
