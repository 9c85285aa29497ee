//! Health through a door that outlives its hub.

use async_trait::async_trait;

use super::{Again, Attached};
use crate::{
    door::{Health, Trends, Wellbeing},
    model::{Fault, Time},
};

#[async_trait]
impl Wellbeing for Attached {
    async fn health(&self) -> Result<Health, Fault> {
        ask!(self, Always, door.health())
    }

    async fn trends(&self, after: Option<Time>) -> Result<Trends, Fault> {
        ask!(self, Always, door.trends(after))
    }
}
