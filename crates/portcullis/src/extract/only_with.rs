//! Part of an answer that only some may see.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::policy::permits;
use crate::types::{Permission, Principal};

/// A permission that stands behind fields of answers.
pub trait FieldPermission {
    /// Its name, such as `users:manage`.
    const NAME: &'static str;
}

/// A field of an answer that only holders of a permission see.
///
/// The permission stands in the type: what is left out of the answer and what the document says
/// of it cannot drift apart. Write `skip_serializing_if` on the field, so that it is left out; a
/// field without it says `null`.
///
/// ```
/// use portcullis::extract::{FieldPermission, OnlyWith};
/// use portcullis::types::{Principal, Subject, UserId};
/// use schemars::JsonSchema;
/// use serde::Serialize;
///
/// struct SeesPrices;
///
/// impl FieldPermission for SeesPrices {
///     const NAME: &'static str = "items:prices";
/// }
///
/// #[derive(Serialize, JsonSchema)]
/// struct Item {
///     name: String,
///     /// What we paid for it.
///     #[serde(skip_serializing_if = "OnlyWith::is_hidden")]
///     cost: OnlyWith<u32, SeesPrices>,
/// }
///
/// let ann = Principal::new(Subject::User(UserId(uuid::Uuid::nil())), "ann");
/// let item = |who: &Principal| Item { name: "plum".into(), cost: OnlyWith::new(who, 7) };
/// assert_eq!(serde_json::to_string(&item(&ann)).unwrap(), r#"{"name":"plum"}"#);
/// let bob = ann.with_permissions(["items:*"]);
/// assert_eq!(serde_json::to_string(&item(&bob)).unwrap(), r#"{"name":"plum","cost":7}"#);
/// ```
pub struct OnlyWith<T, P> {
    /// Never there for somebody who may not see it.
    value: Option<T>,
    permission: PhantomData<fn() -> P>,
}

impl<T, P: FieldPermission> OnlyWith<T, P> {
    /// The value, for whoever may see it at this moment.
    #[must_use]
    pub fn new(who: &Principal, value: T) -> Self {
        Self::with(who, || value)
    }

    /// As [`new`](Self::new), made only where it will be seen: for what is costly.
    #[must_use]
    pub fn with(who: &Principal, value: impl FnOnce() -> T) -> Self {
        let sees = !who.is_guest() && permits(who, &Permission::from(P::NAME));
        Self { value: sees.then(value), permission: PhantomData }
    }
}

impl<T, P> OnlyWith<T, P> {
    /// Whether it is left out.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.value.is_none()
    }

    /// The value, where it may be seen.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T: Clone, P> Clone for OnlyWith<T, P> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), permission: PhantomData }
    }
}

impl<T: fmt::Debug, P> fmt::Debug for OnlyWith<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnlyWith").field(&self.value).finish()
    }
}

impl<T: Serialize, P> Serialize for OnlyWith<T, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// The schema of the value, with the permission as `x-requires` and in a sentence.
impl<T: JsonSchema, P: FieldPermission> JsonSchema for OnlyWith<T, P> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}With{}", T::schema_name(), P::NAME.replace(|c: char| !c.is_alphanumeric(), "_"))
            .into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}::OnlyWith<{}, {}>", module_path!(), T::schema_id(), P::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<T>();
        let mut schema = Schema::default();
        schema.insert("allOf".to_owned(), serde_json::json!([inner]));
        schema.insert("x-requires".to_owned(), format!("permission {}", P::NAME).into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Subject, UserId};

    struct Manages;

    impl FieldPermission for Manages {
        const NAME: &'static str = "users:manage";
    }

    #[derive(Serialize, JsonSchema)]
    struct Card {
        name: String,
        /// Where e-mails go.
        #[serde(skip_serializing_if = "OnlyWith::is_hidden")]
        email: OnlyWith<Option<String>, Manages>,
    }

    fn card(who: &Principal) -> serde_json::Value {
        let email = OnlyWith::new(who, Some("ann@example.com".to_owned()));
        serde_json::to_value(Card { name: "ann".to_owned(), email }).unwrap()
    }

    #[test]
    fn only_holders_see_it_and_a_denial_hides_it_again() {
        let who = || Principal::new(Subject::User(UserId(uuid::Uuid::nil())), "bob");
        assert!(card(&who()).get("email").is_none());
        assert!(card(&Principal::guest().with_permissions(["*"])).get("email").is_none());
        let mut holder = who().with_permissions(["users:*"]);
        assert_eq!(card(&holder)["email"], "ann@example.com");
        std::sync::Arc::make_mut(&mut holder.access).denied.insert("users:manage".into());
        assert!(card(&holder).get("email").is_none());
    }

    #[test]
    fn what_nobody_will_see_is_not_made() {
        let hidden = OnlyWith::<u8, Manages>::with(&Principal::guest(), || unreachable!());
        assert!(hidden.is_hidden() && hidden.get().is_none());
    }

    #[test]
    fn the_schema_names_the_permission_and_does_not_promise_the_field() {
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Card>()
            .to_value();
        let email = &schema["properties"]["email"];
        assert_eq!(email["x-requires"], "permission users:manage");
        assert_eq!(email["description"], "Where e-mails go.");
        assert_eq!(schema["required"], serde_json::json!(["name"]));
    }
}
