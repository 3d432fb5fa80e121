//! The third layer: what one task may do, generated from its scope as syntax trees. No text is ever put together, so
//! nothing in a branch name or a path can become policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::Policy;
use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, Effect, EntityOrSlot, EntityType, EntityUID, Expr, Literal, Name,
    NonEmpty, PatternElem, Policy as Tree, PolicyID, PrincipalConstraint, PstConstructionError,
    ResourceConstraint, SmolStr, StaticPolicy, Template, UnaryOp, Var,
};
use writ_model::{EffectClass, Human, Label, Supervision, Task, TaskKind};

use crate::bounds::TaskBounds;
use crate::place::Workspace;
use crate::source::{Layer, Notes, ReadLayer};

mod bounded;

/// A task as the judge sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskScope {
    pub task: Task,
    pub agent_name: Label,
    pub agent_owner: Human,
    pub agent_environment: Label,
    pub team: Option<Label>,
    pub workspace: Workspace,
    /// What the requester named, where anything.
    pub bounds: Option<Arc<TaskBounds>>,
}

/// The task's own policies cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    #[error("the workspace `{0}` is no absolute path that can be written as text")]
    Workspace(String),
    #[error("the policies of the task cannot be built")]
    Policies(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a kind of task is about at all. Anything else is refused whoever says yes: it needs another task.
///
/// A session that no supervisor holds has no stated kind; its profile alone limits it.
pub fn ceiling(kind: TaskKind, supervision: Supervision) -> &'static [EffectClass] {
    use EffectClass::{
        BuildTest, Deploy, Destructive, EscapeAttempt, GitPush, IdentityChange, Network, PackageInstall,
        Publish, Read, SecretRead, Unknown, WriteWorkspace,
    };
    match (supervision, kind) {
        (Supervision::Hooked, _) | (Supervision::Governed, TaskKind::Ops) => &EffectClass::ALL,
        (
            Supervision::Governed,
            TaskKind::Bugfix
            | TaskKind::DependencyUpdate
            | TaskKind::Feature
            | TaskKind::Refactor
            | TaskKind::Test,
        ) => &[
            Read,
            WriteWorkspace,
            BuildTest,
            Network,
            PackageInstall,
            GitPush,
            Publish,
            SecretRead,
            Destructive,
            EscapeAttempt,
            Unknown,
        ],
        (Supervision::Governed, TaskKind::Docs) => &[
            Read,
            WriteWorkspace,
            BuildTest,
            Network,
            PackageInstall,
            GitPush,
            SecretRead,
            Destructive,
            EscapeAttempt,
            Unknown,
        ],
        (Supervision::Governed, TaskKind::Release) => &[
            Read,
            WriteWorkspace,
            BuildTest,
            Network,
            PackageInstall,
            GitPush,
            Publish,
            Deploy,
            SecretRead,
            IdentityChange,
            Destructive,
            EscapeAttempt,
            Unknown,
        ],
        (Supervision::Governed, TaskKind::Review) => &[
            Read,
            WriteWorkspace,
            BuildTest,
            Network,
            PackageInstall,
            GitPush,
            SecretRead,
            Destructive,
            EscapeAttempt,
            Unknown,
        ],
    }
}

/// The profiles that an agent under this task belongs to.
pub(crate) fn profiles(task: &Task) -> &'static [&'static str] {
    match (task.supervision, task.kind) {
        (Supervision::Hooked, _) => &["hooked"],
        (Supervision::Governed, TaskKind::Bugfix) => &["work", "bugfix"],
        (Supervision::Governed, TaskKind::DependencyUpdate) => &["work", "dependency-update"],
        (Supervision::Governed, TaskKind::Docs) => &["work", "docs"],
        (Supervision::Governed, TaskKind::Feature) => &["work", "feature"],
        (Supervision::Governed, TaskKind::Ops) => &["work", "ops"],
        (Supervision::Governed, TaskKind::Refactor) => &["work", "refactor"],
        (Supervision::Governed, TaskKind::Release) => &["work", "release"],
        (Supervision::Governed, TaskKind::Review) => &["review"],
        (Supervision::Governed, TaskKind::Test) => &["work", "test"],
    }
}

/// Whether a branch lies below the task's prefix. The same test as the generated policy makes.
pub(crate) fn is_own_branch(task: &Task, name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with("refs/")
        && name.len() > task.branch_prefix.as_str().len()
        && name.starts_with(task.branch_prefix.as_str())
}

/// The policies of one task.
pub(crate) fn task_layer(scope: &TaskScope) -> Result<ReadLayer, ScopeError> {
    let root = scope
        .workspace
        .root
        .to_str()
        .filter(|root| root.starts_with('/'))
        .ok_or_else(|| ScopeError::Workspace(scope.workspace.root.to_string_lossy().into_owned()))?;
    let broken = |error: PstConstructionError| ScopeError::Policies(Box::new(error));
    let mut trees: Vec<(&'static str, String, Option<&str>, Template)> = trees(scope, root)
        .map_err(broken)?
        .into_iter()
        .map(|(id, reason, template)| (id, reason, None, template))
        .collect();
    if let Some(bounds) = &scope.bounds {
        let principal = principal_of(&scope.task).map_err(broken)?;
        let made = bounded::trees(bounds.bounds(), &principal).map_err(broken)?;
        trees.extend(made.into_iter().map(|made| (made.id, made.reason, Some(made.instead), made.tree)));
    }
    let mut read = ReadLayer::default();
    for (id, reason, instead, template) in trees {
        let tree = StaticPolicy::try_from(template).map_err(|error| ScopeError::Policies(Box::new(error)))?;
        let policy = Policy::from_pst(Tree::Static(tree)).map_err(broken)?;
        crate::syntax::check(&policy).map_err(|error| ScopeError::Policies(Box::new(error)))?;
        let instead = instead.map(str::to_owned);
        let notes = Notes { reason, instead, code: None, observe: None, on_incident: false };
        read.policies.push((policy, Label::lossy(&format!("{}:{id}", Layer::Task.name())), notes));
    }
    Ok(read)
}

fn trees(
    scope: &TaskScope,
    root: &str,
) -> Result<Vec<(&'static str, String, Template)>, PstConstructionError> {
    let task = &scope.task;
    let principal = principal_of(task)?;
    let ceiling = ceiling(task.kind, task.supervision);
    let without_push: Vec<EntityUID> = ceiling
        .iter()
        .filter(|effect| **effect != EffectClass::GitPush)
        .map(|effect| action(*effect))
        .collect::<Result<_, _>>()?;
    let mut trees = vec![(
        "kind",
        format!("tasks of kind {} are about this", task.kind),
        template(
            "kind",
            Effect::Permit,
            principal.clone(),
            ActionConstraint::In(without_push),
            ResourceConstraint::Any,
        )?,
    )];
    if ceiling.contains(&EffectClass::GitPush) {
        let push = ActionConstraint::Eq(action(EffectClass::GitPush)?);
        let own = vec![
            Clause::When(attribute(var(Var::Resource), "known")),
            Clause::When(like(attribute(var(Var::Resource), "name"), task.branch_prefix.as_str())),
        ];
        let is_ref = ResourceConstraint::Is(EntityType::from_name(name("Ref")?));
        trees.push((
            "push-own",
            format!("branches that start with `{}` are the task's own", task.branch_prefix),
            template("push-own", Effect::Permit, principal.clone(), push.clone(), is_ref)?
                .try_with_clauses(own)?,
        ));
        trees.push((
            "push-asked",
            "pushing to other refs needs a person".to_owned(),
            template("push-asked", Effect::Permit, principal, push, ResourceConstraint::Any)?
                .try_with_clauses(vec![Clause::When(one_person())])?,
        ));
    }
    // The place of a path is worked out by typed code; that a free write stays below the workspace is said here once
    // more, with the workspace's own path.
    let outside = Clause::When(not(any([
        equals(attribute(var(Var::Resource), "path"), root),
        like(attribute(var(Var::Resource), "path"), &format!("{}/", root.trim_end_matches('/'))),
        equals(attribute(var(Var::Resource), "place"), "scratch"),
    ])));
    let writes = ActionConstraint::In(
        [EffectClass::WriteWorkspace, EffectClass::BuildTest, EffectClass::Destructive]
            .into_iter()
            .map(action)
            .collect::<Result<_, _>>()?,
    );
    trees.push((
        "workspace",
        "the task's own folder is its workspace; changing anything else needs a person".to_owned(),
        template(
            "workspace",
            Effect::Forbid,
            PrincipalConstraint::Any,
            writes,
            ResourceConstraint::Is(EntityType::from_name(name("Path")?)),
        )?
        .try_with_clauses(vec![
            outside,
            Clause::Unless(attribute(var(Var::Resource), "named")),
            Clause::Unless(one_person()),
        ])?,
    ));
    Ok(trees)
}

fn principal_of(task: &Task) -> Result<PrincipalConstraint, PstConstructionError> {
    Ok(PrincipalConstraint::In(EntityOrSlot::Entity(entity("Task", &task.id.to_string())?)))
}

fn template(
    id: &str,
    effect: Effect,
    principal: PrincipalConstraint,
    action: ActionConstraint,
    resource: ResourceConstraint,
) -> Result<Template, PstConstructionError> {
    let id = format!("{}:{id}", Layer::Task.name());
    Ok(Template::new(PolicyID(SmolStr::from(id)), effect, principal, action, resource)
        .with_annotations(BTreeMap::new()))
}

fn name(kind: &str) -> Result<Name, PstConstructionError> {
    Name::qualified(["Writ"], kind)
}

fn entity(kind: &str, id: &str) -> Result<EntityUID, PstConstructionError> {
    Ok(EntityUID { ty: EntityType::from_name(name(kind)?), eid: SmolStr::from(id) })
}

fn action(effect: EffectClass) -> Result<EntityUID, PstConstructionError> {
    entity("Action", effect.name())
}

fn var(var: Var) -> Arc<Expr> {
    Arc::new(Expr::Var(var))
}

fn attribute(of: Arc<Expr>, attr: &str) -> Arc<Expr> {
    Arc::new(Expr::GetAttr { expr: of, attr: SmolStr::from(attr) })
}

/// `expr like "prefix*"`, with every character of the prefix meant as it is.
fn like(expr: Arc<Expr>, prefix: &str) -> Arc<Expr> {
    let pattern = prefix.chars().map(PatternElem::Char).chain([PatternElem::Wildcard]).collect();
    Arc::new(Expr::Like { expr, pattern })
}

fn equals(left: Arc<Expr>, text: &str) -> Arc<Expr> {
    let right = Arc::new(Expr::Literal(Literal::String(SmolStr::from(text))));
    Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right })
}

fn any<const N: usize>(parts: [Arc<Expr>; N]) -> Arc<Expr> {
    let nothing = Arc::new(Expr::Literal(Literal::Bool(false)));
    parts
        .into_iter()
        .reduce(|left, right| Arc::new(Expr::BinaryOp { op: BinaryOp::Or, left, right }))
        .unwrap_or(nothing)
}

fn not(expr: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr })
}

/// `context has approval && context.approval.one_person`.
fn one_person() -> Arc<Expr> {
    let has = Expr::HasAttr { expr: var(Var::Context), attrs: NonEmpty::new(SmolStr::from("approval")) };
    Arc::new(Expr::BinaryOp {
        op: BinaryOp::And,
        left: Arc::new(has),
        right: attribute(attribute(var(Var::Context), "approval"), "one_person"),
    })
}

#[cfg(test)]
mod tests;
