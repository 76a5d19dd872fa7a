//! Roles that include roles: a graph without a cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::auth::db::DatabaseError;
use crate::types::Role;

/// Which roles a role includes.
pub(super) type Inclusions = BTreeMap<Role, BTreeSet<Role>>;

/// Refuses a graph in which `role` includes itself, naming the way.
pub(super) fn refuse_cycle(graph: &Inclusions, role: &Role) -> Result<(), DatabaseError> {
    let mut seen = BTreeSet::new();
    // Each step is a role and how far down it stands: no recursion, whatever the depth.
    let mut steps: Vec<(&Role, usize)> = vec![(role, 0)];
    let mut path: Vec<&Role> = Vec::new();
    while let Some((at, depth)) = steps.pop() {
        path.truncate(depth);
        path.push(at);
        for included in graph.get(at).into_iter().flatten() {
            if included == role {
                let mut path: Vec<_> = path.iter().map(ToString::to_string).collect();
                path.push(role.to_string());
                return Err(DatabaseError::Cycle { path });
            }
            if seen.insert(included) {
                steps.push((included, depth + 1));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Inclusions {
        let mut graph = Inclusions::new();
        for (role, included) in edges {
            graph.entry((*role).into()).or_default().insert((*included).into());
        }
        graph
    }

    #[test]
    fn a_cycle_is_named_along_its_way_only() {
        let graph =
            graph(&[("a", "b"), ("a", "x"), ("x", "y"), ("b", "c"), ("b", "z"), ("c", "a")]);
        let refused = refuse_cycle(&graph, &"a".into());
        let Err(DatabaseError::Cycle { path }) = refused else { panic!("{refused:?}") };
        assert_eq!(path, ["a", "b", "c", "a"]);
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        let graph = graph(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]);
        assert!(refuse_cycle(&graph, &"a".into()).is_ok());
    }
}
