//! What of a [`Cors`] cannot work or is dangerous, and why.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Method};

use super::lists::Source;
use super::rules::{Allowed, Compiled, CorsRules, Names};
use super::safelist::{is_forbidden_header, is_forbidden_method};
use super::{Cors, LONGEST_MAX_AGE};
use crate::problem::ConfigError;
use crate::types::OriginRule;

/// Checks the settings, calling them `section` where one is wrong.
pub(super) fn compile(cors: &Cors, section: &str) -> Result<CorsRules, ConfigError> {
    let mut faults = Faults { section, error: ConfigError::none() };
    let origins = origins(cors, &mut faults);
    let methods = methods(&cors.methods.0, &mut faults);
    let headers = headers("headers", &cors.headers.0, &mut faults);
    let expose = headers_exposed(&cors.expose_headers.0, &mut faults);
    combinations(cors, &origins, [&methods, &headers, &expose], &mut faults);
    let compiled = Compiled {
        section: section.to_owned(),
        preflight_vary: origins.preflight_vary(cors.private_network),
        origins,
        methods,
        headers,
        expose,
        credentials: cors.credentials,
        max_age: cors.max_age.map(HeaderValue::from),
        private_network: cors.private_network,
    };
    faults.error.into_result(CorsRules(compiled.into()))
}

struct Faults<'a> {
    section: &'a str,
    error: ConfigError,
}

impl Faults<'_> {
    fn add(&mut self, setting: &str, wrong: impl Into<String>, fix: impl Into<String>) {
        self.error.add(&format!("{}.{setting}", self.section), wrong, fix);
    }
}

fn origins(cors: &Cors, faults: &mut Faults<'_>) -> Allowed {
    let list = match &cors.origins.0 {
        Source::When(predicate) => return Allowed::When(predicate.clone()),
        Source::List(list) if list.is_empty() => return Allowed::Nobody,
        Source::List(list) => list,
    };
    if list.iter().any(|origin| origin == "*") {
        if list.len() > 1 {
            faults.add(
                "origins",
                "`*` stands beside other origins, and allows every one anyway",
                "keep `*` alone, or take it out",
            );
        }
        return Allowed::Anybody;
    }
    let mut all = Vec::new();
    for text in list {
        match text.parse::<OriginRule>() {
            Ok(rule) if all.contains(&rule) => {
                faults.add("origins", format!("`{rule}` is named twice"), "name it once");
            }
            Ok(rule) => {
                one_origin(cors, &rule, faults);
                all.push(rule);
            }
            Err(invalid) => faults.add(
                "origins",
                format!("`{}`: {}", text.escape_debug(), invalid.wrong),
                invalid.fix,
            ),
        }
    }
    let (patterns, exact): (Vec<_>, Vec<_>) =
        all.iter().cloned().partition(|rule| matches!(rule, OriginRule::Below(_)));
    let mut exact: Vec<_> =
        exact.iter().filter_map(|rule| HeaderValue::from_str(&rule.to_string()).ok()).collect();
    exact.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
    Allowed::Listed { exact, patterns, all }
}

fn one_origin(cors: &Cors, rule: &OriginRule, faults: &mut Faults<'_>) {
    if !cors.credentials {
        return;
    }
    if matches!(rule, OriginRule::Null) {
        faults.add(
            "origins",
            "`null` with credentials: any site can be `null`, by a sandboxed frame",
            "take `null` out, or turn credentials off",
        );
    }
    if rule.is_open_to_the_network() {
        faults.add(
            "origins",
            format!(
                "`{rule}` with credentials: over http, anybody on the network in between can be it"
            ),
            "use https, or turn credentials off",
        );
    }
}

fn methods(given: &[String], faults: &mut Faults<'_>) -> Names {
    let known =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "TRACK"];
    let mut list = Vec::new();
    for text in given.iter().filter(|text| *text != "*") {
        let upper = text.to_ascii_uppercase();
        if text.is_empty() || Method::from_bytes(text.as_bytes()).is_err() {
            faults.add(
                "methods",
                format!("`{}` is no method", text.escape_debug()),
                "name methods such as GET",
            );
        } else if is_forbidden_method(text) {
            faults.add(
                "methods",
                format!("no browser lets a page use {upper}"),
                "take it out: it does nothing",
            );
        } else if *text != upper && known.contains(&&*upper) {
            faults.add(
                "methods",
                format!("`{text}`: methods are compared with regard to case"),
                format!("write {upper}"),
            );
        } else {
            list.push(text.clone());
        }
    }
    unique("methods", &list, faults);
    Names::new(list, given.iter().any(|text| text == "*"))
}

fn headers(setting: &str, given: &[String], faults: &mut Faults<'_>) -> Names {
    let mut list = Vec::new();
    for text in given.iter().filter(|text| *text != "*") {
        let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
            faults.add(
                setting,
                format!("`{}` is no name of a header", text.escape_debug()),
                "name headers such as content-type",
            );
            continue;
        };
        if setting == "headers" && is_forbidden_header(name.as_str()) {
            faults.add(
                setting,
                format!("no browser lets a page set `{name}`"),
                "take it out: it does nothing",
            );
        } else {
            list.push(name.as_str().to_owned());
        }
    }
    unique(setting, &list, faults);
    Names::new(list, given.iter().any(|text| text == "*"))
}

fn headers_exposed(given: &[String], faults: &mut Faults<'_>) -> Names {
    let names = headers("expose_headers", given, faults);
    for name in names.list.iter().filter(|name| matches!(&***name, "set-cookie" | "set-cookie2")) {
        faults.add(
            "expose_headers",
            format!("no browser shows `{name}` to a page"),
            "take it out: it does nothing",
        );
    }
    names
}

fn unique(setting: &str, list: &[String], faults: &mut Faults<'_>) {
    let mut seen = BTreeSet::new();
    for name in list {
        if !seen.insert(name) {
            faults.add(setting, format!("`{name}` is named twice"), "name it once");
        }
    }
}

fn combinations(cors: &Cors, origins: &Allowed, names: [&Names; 3], faults: &mut Faults<'_>) {
    if cors.sealed && !matches!(origins, Allowed::Nobody) {
        faults.add(
            "origins",
            "these rules were made with `never`, and then opened",
            "take the origins out, or begin with `closed`",
        );
    }
    if cors.max_age.is_some_and(|seconds| seconds > LONGEST_MAX_AGE) {
        faults.add(
            "max_age",
            "no browser remembers a preflight for more than a day",
            format!("use {LONGEST_MAX_AGE} seconds or less"),
        );
    }
    if cors.private_network && matches!(origins, Allowed::Anybody) {
        faults.add(
            "private_network",
            "with `*` every page on the internet could reach into the network this server is in",
            "name the origins",
        );
    }
    if !cors.credentials {
        return;
    }
    match origins {
        Allowed::Anybody => faults.add(
            "origins",
            "`*` with credentials: browsers refuse it, and to echo every origin instead would let \
             every site act as whoever visits it",
            "name the origins, or turn credentials off",
        ),
        Allowed::Nobody => faults.add(
            "credentials",
            "credentials are allowed, and no origin is",
            "name the origins, or turn credentials off",
        ),
        Allowed::Listed { .. } | Allowed::When(_) => {}
    }
    for (setting, names) in ["methods", "headers", "expose_headers"].into_iter().zip(names) {
        if names.any {
            faults.add(
                setting,
                "with credentials, a browser takes `*` for a name and not for all of them",
                "name them, or turn credentials off",
            );
        }
    }
}
