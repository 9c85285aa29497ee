//! Requests as parameters of an address: what `api` reads back, name for name.

use std::fmt::Display;

use crate::{
    door::{
        DecisionsRequest, EventQuery, ListOrder, ListRequest, Order, RunsRequest, StreamRequest,
        SuggestRequest,
    },
    model::{DecisionFilter, EventFilter, MemoryFilter, Projects},
};

/// Parameters in the order they are sent; a name may stand more than once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ask(pub Vec<(&'static str, String)>);

impl Ask {
    pub fn and(mut self, name: &'static str, value: impl Display) -> Ask {
        self.0.push((name, value.to_string()));
        self
    }

    pub fn maybe<T: Display>(self, name: &'static str, value: &Option<T>) -> Ask {
        match value {
            Some(value) => self.and(name, value),
            None => self,
        }
    }

    fn each<T: Display>(self, name: &'static str, values: &[T]) -> Ask {
        values.iter().fold(self, |ask, value| ask.and(name, value))
    }

    pub fn flag(self, name: &'static str, on: bool) -> Ask {
        if on { self.and(name, true) } else { self }
    }

    pub fn limit(self, limit: usize) -> Ask {
        if limit == 0 { self } else { self.and("limit", limit) }
    }

    /// `no_project` is the filter that sees nothing, which no list of names can say.
    fn projects(self, projects: &Projects) -> Ask {
        match projects {
            Projects::All => self,
            Projects::Only(list) => self.flag("no_project", list.is_empty()).each("project", list),
        }
    }

    fn memories(self, filter: &MemoryFilter) -> Ask {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.word()).collect();
        self.projects(&filter.projects)
            .each("type", &filter.kinds)
            .each("tag", &filter.tags)
            .each("status", &statuses)
            .maybe("actor", &filter.actor)
            .maybe("since", &filter.since)
            .maybe("until", &filter.until)
            .maybe("origin", &filter.origin)
    }

    pub fn decided(self, filter: &DecisionFilter) -> Ask {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.word()).collect();
        self.projects(&filter.projects)
            .each("status", &statuses)
            .flag("any_status", filter.any_status)
            .each("tag", &filter.tags)
            .maybe("type", &filter.kind)
            .maybe("category", &filter.category)
            .maybe("review_before", &filter.review_before)
            .maybe("has_outcome", &filter.has_outcome)
            .maybe("text", &filter.text)
            .maybe("since", &filter.since)
            .maybe("until", &filter.until)
    }

    fn events(self, filter: &EventFilter) -> Ask {
        self.projects(&filter.projects)
            .each("subject", &filter.patterns)
            .maybe("since", &filter.since)
            .maybe("until", &filter.until)
            .maybe("correlation", &filter.correlation)
            .maybe("causation", &filter.causation)
            .maybe("actor", &filter.actor)
            .maybe("severity", &filter.severity.map(|severity| severity.word()))
            .maybe("text", &filter.text)
    }
}

pub fn list(request: &ListRequest) -> Ask {
    let order = match request.order {
        ListOrder::Recent => "recent",
        ListOrder::Oldest => "oldest",
        ListOrder::Due => "due",
    };
    Ask::default()
        .memories(&request.filter)
        .and("order", order)
        .maybe("cursor", &request.after)
        .limit(request.limit)
        .flag("forgotten", request.forgotten)
}

pub fn decisions(request: &DecisionsRequest) -> Ask {
    Ask::default()
        .decided(&request.filter)
        .and("order", request.order.word())
        .maybe("cursor", &request.after)
        .limit(request.limit)
}

pub fn runs(request: &RunsRequest) -> Ask {
    Ask::default()
        .maybe("job", &request.job)
        .and("which", request.which.word())
        .limit(request.limit)
        .maybe("after", &request.after)
}

pub fn suggest(request: &SuggestRequest) -> Ask {
    Ask::default()
        .and("q", &request.query)
        .maybe("at", &request.at)
        .memories(&request.filter)
        .limit(request.limit)
}

pub fn events(query: &EventQuery) -> Ask {
    let order = match query.order {
        Order::Desc => "desc",
        Order::Asc => "asc",
    };
    Ask::default()
        .events(&query.filter)
        .maybe("after_cursor", &query.after)
        .maybe("before_cursor", &query.before)
        .maybe("recorded_since", &query.recorded_since)
        .maybe("recorded_until", &query.recorded_until)
        .and("order", order)
        .limit(query.limit)
}

pub fn event_stats(query: &EventQuery) -> Ask {
    match query.buckets {
        0 => events(query),
        buckets => events(query).and("buckets", buckets),
    }
}

pub fn stream(request: &StreamRequest) -> Ask {
    Ask::default().events(&request.filter).maybe("after_cursor", &request.after)
}
