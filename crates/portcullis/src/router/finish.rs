//! A table of routes becomes an application.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::MethodRouter;
use bytes::Bytes;
use tower::Layer as _;

use super::row::{Making, Mount, Row};
use super::{AccessTable, App, Routes, access, check};
use crate::cors::{CorsLayer, CorsRules};
use crate::edge::nothing_here;
use crate::gate::GuardLayer;
use crate::openapi::{Building, MountedDocument};
use crate::problem::ConfigError;
use crate::types::SchemeName;

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// The gate's rules on other origins, and those that single paths have of their own.
    fn cors_layer(&self) -> Result<CorsLayer, ConfigError> {
        let mut faults = ConfigError::none();
        let mut own: BTreeMap<&str, CorsRules> = BTreeMap::new();
        for (path, cors) in &self.cors {
            let rules = cors.clone().rules(&format!("cors[{path}]"));
            own.extend(faults.take(rules).map(|rules| (&**path, rules)));
        }
        faults.into_result(())?;
        let mut routes: BTreeMap<String, Option<CorsRules>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !matches!(row.mount, Mount::Fallback(_))) {
            let rules = own.get(&*row.access.path);
            for pattern in access::patterns(&row.access) {
                // A route comes before a mounted router that has the same path.
                if rules.is_some() || !routes.contains_key(&pattern) {
                    routes.insert(pattern, rules.cloned());
                }
            }
        }
        let routes = routes.iter().map(|(path, rules)| (path.as_str(), rules.clone()));
        self.gate.cors().clone().with_routes(routes)
    }

    /// Makes the router, with the edge around it, the document and the access table.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake: a route twice, a path that cannot be one or that
    /// overlaps another, a scheme or scope that nobody registered, a handler that asks for a part
    /// of the path that is not there.
    pub fn finish(mut self) -> Result<App<S>, ConfigError> {
        self.check_spent_notes();
        check::rows(self.rows.iter().map(|row| &row.access), &mut self.faults);
        let schemes: Vec<_> =
            self.gate.schemes().into_iter().map(|(name, scheme)| (name, scheme.0)).collect();
        for row in &self.rows {
            check::schemes(&row.access, row.notes.accepts.as_deref(), &self.gate, &mut self.faults);
            check::scopes(&row.access, self.gate.scope_book(), &mut self.faults);
            check::names(&row.access, self.gate.known_permissions(), &mut self.faults);
        }
        check::cors(self.cors.iter().map(|(path, _)| path), &self.rows, &mut self.faults);
        let cors = self.cors_layer();
        let cors = self.faults.take(cors);
        let building = Building {
            info: self.info.clone().unwrap_or_default(),
            servers: self.servers.clone(),
            schemes: &schemes,
            scopes: self.gate.scope_book(),
        };
        let accepted: Vec<(&Row<S>, Vec<SchemeName>)> = self
            .rows
            .iter()
            .map(|row| (row, self.gate.documented(row.notes.accepts.as_deref())))
            .collect();
        let described: Vec<_> =
            accepted.iter().filter_map(|(row, schemes)| row.to_describe(schemes)).collect();
        let mounted: Vec<_> =
            accepted.iter().filter_map(|(row, schemes)| row.mounted_document(schemes)).collect();
        let openapi = building.finish(&described, &mounted, &mut self.faults);
        let cors = match cors {
            Some(cors) => self.faults.into_result(cors)?,
            None => return Err(self.faults),
        };

        let access: AccessTable = self.rows.iter().map(|row| row.access.clone()).collect();
        self.books.iter().for_each(|book| book.fill(&access));
        let document = Bytes::from(openapi.to_value().to_string());
        let mut router = Router::new().fallback(nothing_here);
        for row in self.rows {
            let guard = row.guard();
            let path = &*row.access.path;
            router = match row.mount {
                Mount::Handler(handling) => {
                    let making = Making { guard: Some(guard), document: document.clone() };
                    mounted_at(router, path, (handling.methods)(&making))
                }
                Mount::Fallback(methods) => {
                    let making = Making { guard: Some(guard), document: document.clone() };
                    router.fallback(methods(&making))
                }
                Mount::Router(inner, _) => {
                    let prefix = path.strip_suffix("/*").unwrap_or(path);
                    nested_at(router, prefix, inner, GuardLayer::new(guard))
                }
            };
        }
        let router = self.gate.edge(router, cors.clone());
        Ok(App { router, openapi, access, cors })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn mounted_at<S>(router: Router<S>, path: &str, methods: MethodRouter<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.route(path, methods)
}

fn nested_at<S>(router: Router<S>, prefix: &str, inner: Router, guard: GuardLayer) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.nest_service(prefix, guard.layer(inner))
}

impl<S> Row<S> {
    /// What the document is told of a mounted router.
    fn mounted_document<'a>(&'a self, schemes: &'a [SchemeName]) -> Option<MountedDocument<'a>> {
        let Mount::Router(_, Some(document)) = &self.mount else { return None };
        Some(MountedDocument {
            prefix: self.access.path.strip_suffix("/*").unwrap_or(&self.access.path),
            who: &self.access.who,
            tag: self.access.tag.as_deref(),
            accepts: schemes,
            document,
        })
    }
}
