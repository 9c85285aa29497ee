//! The parameters of an address, each taken once by its name or an alias; what nobody took is refused.

use std::{convert::Infallible, fmt::Display, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

use crate::model::Fault;

/// More parameters than this are not read: ids, tags and patterns together need fewer.
const PARAMS_MAX: usize = 256;

pub const LIMIT: &[&str] = &["limit", "top_k", "k", "n", "max_results", "page_size", "n_results"];

/// What the address asked, less what was taken.
#[derive(Debug, Default)]
pub struct Params {
    rest: Vec<(String, String)>,
    known: Vec<&'static str>,
    fault: Option<Fault>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    /// A query that cannot be read shows when the parameters are used.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params, Infallible> {
        Ok(match Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) {
            Ok(Query(rest)) => Params::new(rest),
            Err(error) => Params {
                fault: Some(Fault::invalid("the parameters cannot be read").cause(error.body_text())),
                ..Params::default()
            },
        })
    }
}

impl Params {
    pub fn new(rest: Vec<(String, String)>) -> Params {
        let fault = (rest.len() > PARAMS_MAX)
            .then(|| Fault::invalid(format!("{} parameters, at most {PARAMS_MAX} are read", rest.len())));
        Params { rest, known: Vec::new(), fault }
    }

    /// Everything under any of these names; the first is the one that is told.
    pub fn all(&mut self, names: &[&'static str]) -> Vec<String> {
        self.known.extend(names.first());
        let (taken, rest) =
            std::mem::take(&mut self.rest).into_iter().partition(|(name, _)| names.contains(&name.as_str()));
        self.rest = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    pub fn one(&mut self, names: &[&'static str]) -> Result<Option<String>, Fault> {
        let mut values = self.all(names);
        if values.len() > 1 {
            return Err(Fault::invalid(format!("`{}` is given {} times", names[0], values.len()))
                .hint("it is given once, by one of its names"));
        }
        Ok(values.pop())
    }

    pub fn parse<T>(&mut self, names: &[&'static str]) -> Result<Option<T>, Fault>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.with(names, |text| text.parse::<T>().map_err(|error| error.to_string()))
    }

    /// One value, read by `read`.
    pub fn with<T>(
        &mut self,
        names: &[&'static str],
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.one(names)? else { return Ok(None) };
        read(&text).map(Some).map_err(|error| wrong(names[0], &text).cause(error))
    }

    /// Every value, read by `read`.
    pub fn each<T>(
        &mut self,
        names: &[&'static str],
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Fault> {
        self.all(names)
            .into_iter()
            .map(|text| read(&text).map_err(|error| wrong(names[0], &text).cause(error)))
            .collect()
    }

    /// `name`, `name=true`, `name=1`.
    pub fn flag(&mut self, names: &[&'static str]) -> Result<bool, Fault> {
        let flag = self.with(names, |text| match text {
            "" | "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err("true or false".to_owned()),
        })?;
        Ok(flag.unwrap_or(false))
    }

    /// Refuses what nobody took.
    pub fn end(self) -> Result<(), Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Some((name, _)) = self.rest.first() else { return Ok(()) };
        let fault = Fault::invalid(format!("`{name}` is no parameter here"));
        Err(if self.known.is_empty() {
            fault.hint("this path takes no parameters")
        } else {
            fault.hint(format!("known here: {}", self.known.join(", ")))
        })
    }
}

fn wrong(name: &str, value: &str) -> Fault {
    Fault::invalid(format!("`{name}` cannot be {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(list: &[(&str, &str)]) -> Params {
        Params::new(list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_parameter_has_its_names() {
        let mut params = params(&[("top_k", "7"), ("tag", "a"), ("tag", "b"), ("explain", "")]);
        assert_eq!(params.parse::<usize>(LIMIT), Ok(Some(7)));
        assert_eq!(params.all(&["tag"]), ["a", "b"]);
        assert_eq!(params.flag(&["explain"]), Ok(true));
        assert_eq!(params.flag(&["forgotten"]), Ok(false));
        assert_eq!(params.end(), Ok(()));
    }

    #[track_caller]
    fn check(fault: Result<impl std::fmt::Debug, Fault>, message: &str) {
        assert_eq!(fault.unwrap_err().message, message);
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(params(&[("limit", "many")]).parse::<usize>(LIMIT), "`limit` cannot be \"many\"");
        check(params(&[("limit", "1"), ("k", "2")]).parse::<usize>(LIMIT), "`limit` is given 2 times");
        let mut unknown = params(&[("colour", "red")]);
        assert_eq!(unknown.one(&["q"]), Ok(None));
        let fault = unknown.end().unwrap_err();
        assert_eq!(
            (fault.message.as_str(), fault.hint.as_deref()),
            ("`colour` is no parameter here", Some("known here: q"))
        );
        check(params(&vec![("a", "b"); PARAMS_MAX + 1]).end(), "257 parameters, at most 256 are read");
    }
}
