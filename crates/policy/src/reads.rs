//! What the conditions of a policy read of a request. A question that is put without the rest gets the same answer.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr, Literal, Var};
use writ_model::ApprovalLevel;

/// How deep an expression is followed; the loader lets in none that is deeper.
const DEPTH: usize = 300;

/// Whose attribute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Whose {
    Context,
    Principal,
    Resource,
}

/// What is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Attributes by their paths, as `resource.path` or `context.taint.secret`.
    pub paths: BTreeSet<(Whose, Vec<String>)>,
    /// What the principal is or belongs to.
    pub principal: bool,
    /// What the action is or belongs to.
    pub action: bool,
    /// Nobody can say; it may be anything.
    pub everything: bool,
}

/// The members of `context.approval` that a level makes true, as bits.
pub(crate) const fn members_of(level: ApprovalLevel) -> u8 {
    match level {
        ApprovalLevel::OnePerson => 1,
        ApprovalLevel::AnotherPerson => 1 | 2,
        ApprovalLevel::TwoPeople => 1 | 2 | 4,
        ApprovalLevel::Role => 1 | 2 | 8,
    }
}

// === impl Whose ===

impl Whose {
    const fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Principal => "principal",
            Self::Resource => "resource",
        }
    }
}

// === impl Reads ===

impl Reads {
    pub fn of(clauses: &[Clause]) -> Self {
        let mut reads = Self::default();
        for clause in clauses {
            match clause {
                Clause::When(expr) | Clause::Unless(expr) => reads.expr(expr, 0),
            }
        }
        reads
    }

    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// What either reads.
    pub fn add(&mut self, other: &Self) {
        self.paths.extend(other.paths.iter().cloned());
        self.principal |= other.principal;
        self.action |= other.action;
        self.everything |= other.everything;
    }

    /// Which members of `context.approval` it reads, as bits by [`members_of`]; 0 where it does not read it at all.
    pub fn approval(&self) -> u8 {
        if self.everything {
            return members_of(ApprovalLevel::TwoPeople) | members_of(ApprovalLevel::Role);
        }
        let members = self.paths.iter().filter_map(|(whose, path)| match (whose, path.split_first()) {
            (Whose::Context, Some((first, rest))) if first == "approval" => Some(rest.first()),
            (Whose::Context | Whose::Principal | Whose::Resource, _) => None,
        });
        members.fold(0, |bits, member| {
            bits | match member.map(String::as_str) {
                Some("another_person") => 1 | 2,
                Some("two_people") => 1 | 4,
                Some("role") => 1 | 8,
                // `one_person`, and whether there is an approval at all.
                Some(_) | None => 1,
            }
        })
    }

    /// Whether it reads a member of the context, or anything below it.
    pub fn context(&self, member: &str) -> bool {
        let is_it = |(whose, path): &(Whose, Vec<String>)| {
            *whose == Whose::Context && path.first().is_some_and(|first| first == member)
        };
        self.everything || self.paths.iter().any(is_it)
    }

    /// What it reads, as policies write it; approvals and the call aside.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let is_told = |(whose, path): &&(Whose, Vec<String>)| {
            let first = path.first().map(String::as_str);
            *whose != Whose::Context || !matches!(first, Some("approval" | "call"))
        };
        self.paths.iter().filter(is_told).map(|(whose, path)| format!("{}.{}", whose.name(), path.join(".")))
    }

    /// Whether it reads an attribute of the resource.
    pub fn resource(&self, name: &str) -> bool {
        let is_it = |(whose, path): &(Whose, Vec<String>)| {
            *whose == Whose::Resource && path.first().is_some_and(|first| first == name)
        };
        self.everything || self.paths.iter().any(is_it)
    }

    /// Whether it reads anything of the resource beside which one it is.
    pub fn any_of_resource(&self) -> bool {
        self.everything || self.paths.iter().any(|(whose, _)| *whose == Whose::Resource)
    }

    /// Whether it needs to know the agent and all it belongs to.
    pub fn any_of_principal(&self) -> bool {
        self.everything || self.principal || self.paths.iter().any(|(whose, _)| *whose == Whose::Principal)
    }

    fn expr(&mut self, expr: &Expr, depth: usize) {
        if depth > DEPTH {
            self.everything = true;
            return;
        }
        let next = depth + 1;
        match expr {
            Expr::Literal(
                Literal::Bool(_) | Literal::Long(_) | Literal::String(_) | Literal::EntityUID(_),
            )
            | Expr::Var(Var::Resource) => {}
            Expr::Var(Var::Principal) => self.principal = true,
            Expr::Var(Var::Action) => self.action = true,
            Expr::Var(Var::Context) => self.everything = true,
            Expr::GetAttr { expr: inner, attr } => self.attribute(inner, &[attr.as_str()]),
            Expr::HasAttr { expr: inner, attrs } => {
                let attrs: Vec<&str> = attrs.iter().map(|attr| attr.as_str()).collect();
                self.attribute(inner, &attrs);
            }
            Expr::UnaryOp { op: _, expr } | Expr::Like { expr, .. } => self.expr(expr, next),
            Expr::BinaryOp { op: _, left, right } => {
                self.expr(left, next);
                self.expr(right, next);
            }
            Expr::Is { expr, entity_type: _, in_expr } => {
                self.expr(expr, next);
                in_expr.iter().for_each(|group| self.expr(group, next));
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                self.expr(cond, next);
                self.expr(then_expr, next);
                self.expr(else_expr, next);
            }
            Expr::Set(members) => members.iter().for_each(|member| self.expr(member, next)),
            Expr::Record(members) => members.values().for_each(|member| self.expr(member, next)),
            _ => self.everything = true,
        }
    }

    /// `inner.names` or `inner has names`.
    fn attribute(&mut self, inner: &Expr, names: &[&str]) {
        let mut path: Vec<String> = names.iter().rev().map(|name| (*name).to_owned()).collect();
        let mut at = inner;
        let whose = loop {
            match at {
                Expr::GetAttr { expr, attr } => {
                    path.push(attr.to_string());
                    at = expr;
                }
                Expr::Var(Var::Context) => break Whose::Context,
                Expr::Var(Var::Principal) => break Whose::Principal,
                Expr::Var(Var::Resource) => break Whose::Resource,
                _ => {
                    self.everything = true;
                    return;
                }
            }
        };
        path.reverse();
        self.paths.insert((whose, path));
    }
}

#[cfg(test)]
mod tests {
    use cedar_policy::pst::Policy as Tree;

    use super::*;

    fn reads(conditions: &str) -> Reads {
        let text = format!("permit (principal, action, resource) {conditions};");
        let policy: cedar_policy::Policy = text.parse().unwrap();
        let Ok(Tree::Static(tree)) = policy.to_pst() else { panic!("{text}") };
        Reads::of(tree.body().clauses())
    }

    #[test]
    fn what_a_policy_reads_is_found_wherever_it_stands() {
        for (conditions, names) in [
            ("", vec![]),
            ("when { resource.path like \"*\" }", vec!["resource.path"]),
            ("unless { !(resource has at_home && resource.at_home == \"x\") }", vec!["resource.at_home"]),
            (
                "when { if context.taint.secret then [resource.name].contains(\"x\") else principal.name == \"y\" }",
                vec!["context.taint.secret", "principal.name", "resource.name"],
            ),
            ("when { context.taint.sources.contains(\"web\") }", vec!["context.taint.sources"]),
            ("when { context.call.hasTag(resource.path) }", vec!["resource.path"]),
            ("when { context has approval && context.approval.role }", vec![]),
        ] {
            let found = reads(conditions);
            assert_eq!(found.names().collect::<Vec<_>>(), names, "{conditions}");
            assert!(!found.everything, "{conditions}");
        }
        assert!(reads("when { resource == Writ::Host::\"x\" }") == Reads::default());
        assert!(reads("when { principal in Writ::Team::\"x\" }").any_of_principal());
        assert!(reads("when { principal.name == \"x\" }").any_of_principal());
        assert!(reads("when { action in Writ::Action::\"ordinary\" }").action);
        assert!(reads("when { context.call.hasTag(\"x\") }").context("call"));
        assert!(reads("when { context.now < datetime(\"2030-01-01\") }").context("now"));
        assert!(reads("when { context == context }").everything);
    }

    #[test]
    fn the_members_of_an_approval_are_told_apart() {
        for (condition, members) in [
            ("resource.named", 0),
            ("context has approval", 1),
            ("context has approval && context.approval.one_person", 1),
            ("context has approval && context.approval.another_person", 1 | 2),
            ("context has approval.two_people && context.approval.two_people", 1 | 4),
            ("context has approval && (context.approval.role || context.approval.two_people)", 1 | 4 | 8),
        ] {
            assert_eq!(reads(&format!("when {{ {condition} }}")).approval(), members, "{condition}");
        }
    }
}
