//! What has no rules but its type.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A value that nobody checks beyond its type: for what is read as it comes, such as any JSON or every
/// parameter of a query, and for types that know neither [`Check`](crate::openapi::Check) nor garde.
///
/// It is described in the document as the type in it is, and held to the limit of the body.
///
/// ```
/// use std::collections::HashMap;
///
/// use portcullis::extract::{Json, Query, Unchecked};
/// use portcullis::gate::Gate;
/// use portcullis::policy::public;
///
/// async fn hook(Json(Unchecked(event)): Json<Unchecked<serde_json::Value>>) -> String {
///     event["kind"].to_string()
/// }
///
/// async fn search(Query(Unchecked(terms)): Query<Unchecked<HashMap<String, String>>>) -> String {
///     terms.len().to_string()
/// }
///
/// # fn main() -> Result<(), portcullis::problem::ConfigError> {
/// let gate = Gate::builder().build()?;
/// let routes = gate.routes::<()>().post("/hooks", public("a test"), hook);
/// let app = routes.get("/search", public("a test"), search).finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unchecked<T>(pub T);

impl<T: JsonSchema> JsonSchema for Unchecked<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(feature = "garde")]
impl<T> garde::Validate for Unchecked<T> {
    type Context = ();

    fn validate_into(&self, (): &(), _: &mut dyn FnMut() -> garde::Path, _: &mut garde::Report) {}
}

#[cfg(not(feature = "garde"))]
impl<T> crate::openapi::Check for Unchecked<T> {
    fn check(&self) -> Vec<crate::openapi::CheckFault> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use axum::body::Body;
    use axum::extract::{FromRequest as _, FromRequestParts as _, Request};
    use serde_json::{Value, json};

    use super::*;
    use crate::extract::{Json, Query};

    type Terms = Query<Unchecked<HashMap<String, String>>>;

    #[tokio::test]
    async fn any_json_and_every_parameter_are_read_as_they_come() {
        for sent in [json!({"a": [1, null]}), json!("a"), json!(null), json!([])] {
            let request = Request::post("/").header("content-type", "application/json");
            let request = request.body(Body::from(sent.to_string())).unwrap();
            let Json(Unchecked(read)) =
                Json::<Unchecked<Value>>::from_request(request, &()).await.unwrap();
            assert_eq!(read, sent);
        }
        let asked = async |query: &str| {
            let request = Request::get(format!("/?{query}")).body(()).unwrap();
            let (mut parts, ()) = request.into_parts();
            Terms::from_request_parts(&mut parts, &()).await.map(|Query(Unchecked(terms))| terms)
        };
        let terms = asked("a=1&b=x%20y&c=").await.unwrap();
        let expected = [("a", "1"), ("b", "x y"), ("c", "")];
        assert_eq!(terms, expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
        assert!(asked("password=a").await.is_err(), "a credential in a query stays refused");
    }
}
