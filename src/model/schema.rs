//! What stands as a text at the surface, as the description of the surface has it.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaFormat, Type},
    },
};

use super::{
    Cursor, Date, DecisionNumber, DecisionRef, Id, Pattern, Scope, Subject, Time,
    job::{Slot, Span},
};

macro_rules! texts {
    ($($name:ident $format:literal $what:literal)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($format, $what)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

fn text(format: &str, what: &str) -> RefOr<Schema> {
    let format = (!format.is_empty()).then(|| SchemaFormat::Custom(format.to_owned()));
    ObjectBuilder::new().schema_type(Type::String).format(format).description(Some(what)).into()
}

texts! {
    Id "uuid" "A UUID of version 7."
    Time "date-time" "A moment, to the millisecond, in UTC."
    Date "date" "A day."
    Cursor "" "A place in the log, opaque to clients: to come back to."
    Subject "" "What an event is about: project, domain, action, and often a name, with dots between them."
    Pattern "" "A choice of subjects: `*` is one token, `>` is one or more and stands last."
    Scope "" "What a key may do: an area and `read` or `write`, as in `memories:read`."
    Span "" "A length of time: `90s`, `15m`, `1h30m`, `7d`."
    Slot "" "What a run is for: a moment, an event or a request."
    DecisionNumber "" "A decision's number, as in `D-0042`."
    DecisionRef "" "A decision, by its number or its id."
}
