//! What an operation is called: after the function that handles it.

use std::collections::BTreeMap;

use http::Method;

/// The name of a handler, taken from its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HandlerName<'a> {
    module: &'a str,
    function: &'a str,
}

impl<'a> HandlerName<'a> {
    /// Reads `crate::items::read_items`. `None` for a closure, which has no name of its own.
    pub(super) fn of(type_name: &'a str) -> Option<Self> {
        let plain = type_name.split(['<', '{']).next().unwrap_or_default();
        if plain.len() < type_name.len() && type_name[plain.len()..].contains("{{closure}}") {
            return None;
        }
        let mut steps = plain.rsplit("::");
        let function = steps.next().filter(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        })?;
        Some(Self { module: steps.next().unwrap_or_default(), function })
    }

    /// The function's own name.
    pub(super) fn function(self) -> &'a str {
        self.function
    }
}

/// A sentence for people: `read_items` becomes `Read items`.
pub(super) fn summary(id: &str) -> String {
    let words = id.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A name made of method and path, for a handler without one: `get_items_id`.
pub(super) fn from_route(method: &Method, path: &str) -> String {
    let words = path.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method.as_str().to_lowercase())
        .chain(words.map(str::to_owned))
        .collect::<Vec<_>>()
        .join("_")
}

/// One operation to name.
pub(super) struct Unnamed<'a> {
    pub(super) handler: Option<HandlerName<'a>>,
    pub(super) tag: Option<&'a str>,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
}

/// A different name for each: the function's, where that is not enough with the tag or module
/// before it, and at last method and path.
pub(super) fn ids(operations: &[Unnamed<'_>]) -> Vec<String> {
    let mut names: Vec<Vec<String>> = operations.iter().map(candidates).collect();
    loop {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for name in &names {
            *count.entry(name.last().cloned().unwrap_or_default()).or_default() += 1;
        }
        let mut changed = false;
        for name in &mut names {
            let repeated = name.last().is_some_and(|last| count.get(last).is_some_and(|n| *n > 1));
            if repeated && name.len() > 1 {
                name.pop();
                changed = true;
            }
        }
        if !changed {
            return names.into_iter().filter_map(|mut name| name.pop()).collect();
        }
    }
}

/// The names an operation may have, the best one last.
fn candidates(operation: &Unnamed<'_>) -> Vec<String> {
    let mut names = vec![from_route(operation.method, operation.path)];
    if let Some(HandlerName { module, function }) = operation.handler {
        let before = operation.tag.unwrap_or(module).replace(|c: char| !c.is_alphanumeric(), "_");
        names.push(format!("{before}_{function}"));
        names.push(function.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_and_a_closure_is_not() {
        let named = |text| HandlerName::of(text).map(|name| (name.module, name.function));
        assert_eq!(named("app::items::read_items"), Some(("items", "read_items")));
        assert_eq!(named("app::items::read<alloc::string::String>"), Some(("items", "read")));
        assert_eq!(named("app::items::table::{{closure}}"), None);
        assert_eq!(named("app::table<app::State>::{{closure}}"), None);
        assert_eq!(summary("read_items"), "Read items");
        assert_eq!(from_route(&Method::GET, "/items/{id}"), "get_items_id");
    }

    #[test]
    fn no_two_operations_share_a_name() {
        let one = |text, tag, path| Unnamed {
            handler: HandlerName::of(text),
            tag,
            method: &Method::GET,
            path,
        };
        let all = ids(&[
            one("app::items::list", Some("items"), "/items"),
            one("app::users::list", None, "/users"),
            one("app::items::list", Some("items"), "/old/items"),
            one("app::items::read", Some("items"), "/items/{id}"),
            one("app::{{closure}}", None, "/"),
        ]);
        assert_eq!(all, ["get_items", "users_list", "get_old_items", "read", "get"]);
    }
}
