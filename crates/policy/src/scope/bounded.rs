//! The policies of a task's bounds. They read the attributes that `bounds.rs` works out for each resource: all but the
//! pushes only forbid, so that bounds narrow; the door for what was named is in the organisation's policies.

use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, Effect, EntityType, EntityUID, Expr, NonEmpty, PrincipalConstraint,
    PstConstructionError, ResourceConstraint, SmolStr, Template, Var,
};
use writ_model::{Bounds, EffectClass, PathPattern};

use crate::classify::ALL_FILES;

use super::{action, any, attribute, equals, like, name, not, one_person, template, var};

/// A generated policy: its id, its reason, what to do instead, and its tree.
pub(super) struct Made {
    pub id: &'static str,
    pub reason: String,
    pub instead: &'static str,
    pub tree: Template,
}

/// What a tool of the client says it does by its kind. Its own bounds hold it; the effects of commands do not.
const TYPED: [&str; 8] = ["read", "search", "write", "fetch", "web-search", "mcp", "spawn", "notes"];

/// Effects that have bounds of their own where they are stated, and so are not bounded as effects too.
const INDIRECT: [EffectClass; 5] = [
    EffectClass::GitPush,
    EffectClass::PackageInstall,
    EffectClass::Publish,
    EffectClass::Deploy,
    EffectClass::Unknown,
];

const READING: &[EffectClass] = &[EffectClass::Read, EffectClass::SecretRead, EffectClass::BuildTest];
const CHANGING: &[EffectClass] =
    &[EffectClass::WriteWorkspace, EffectClass::Destructive, EffectClass::IdentityChange];

const ASK: &str = "stay with what the task names, or tell the person what else you need";
const LEAVE: &str = "leave it alone and go on; only a new task can change this";

/// The policies of the bounds, and those that the bounds of pushes need to be of use.
pub(super) fn trees(
    bounds: &Bounds,
    principal: &PrincipalConstraint,
) -> Result<Vec<Made>, PstConstructionError> {
    let mut made = Vec::new();
    let named = || attribute(var(Var::Resource), "named");
    let within = || attribute(var(Var::Resource), "within");
    let mut narrow = |id, reason: String, effects: &[EffectClass], kind: Option<&str>, clauses| {
        let instead = ASK;
        forbid(id, effects, kind, clauses).map(|tree| made.push(Made { id, reason, instead, tree }))
    };
    let unless_asked = |holds: Arc<Expr>| vec![Clause::Unless(holds), Clause::Unless(one_person())];

    if bounds.read.is_some() {
        let reason = "the task names what may be read, and this is not part of it".to_owned();
        narrow("bounds-read", reason, READING, Some("Path"), unless_asked(within()))?;
    }
    if bounds.write.is_some() {
        let reason = "the task names what may be changed, and this is not part of it".to_owned();
        narrow("bounds-write", reason, CHANGING, Some("Path"), unless_asked(within()))?;
    }
    let may_write_all = |write: &Vec<PathPattern>| {
        write.iter().any(|pattern| matches!(pattern.as_str(), "**" | "./**")) && !write.iter().any(is_negated)
    };
    if !bounds.protected.is_empty() || bounds.write.as_ref().is_some_and(|write| !may_write_all(write)) {
        let reason =
            "it may change any file of the workspace, and the task keeps some from change".to_owned();
        let program = attribute(var(Var::Resource), "program");
        let clauses = vec![Clause::When(like(program, ALL_FILES)), Clause::Unless(one_person())];
        narrow("bounds-any-file", reason, CHANGING, Some("Command"), clauses)?;
    }
    if bounds.hosts.is_some() {
        let reason = "the task names the hosts that may be reached, and this is none of them".to_owned();
        narrow("bounds-hosts", reason, &[], Some("Host"), unless_asked(named()))?;
        let reason =
            "the task names the hosts that may be reached, and the program goes to another".to_owned();
        let forges = || {
            any(["gh *", "glab *"]
                .map(|form| like(attribute(var(Var::Resource), "program"), form.trim_end_matches('*'))))
        };
        let clauses = vec![Clause::When(forges()), Clause::Unless(named()), Clause::Unless(one_person())];
        narrow("bounds-hosts-forge", reason, &[EffectClass::Network], Some("Command"), clauses)?;
        let reason = "what is written there makes whoever looks at it carry data to a host that the task does not name";
        let beacon = Clause::When(attribute(var(Var::Resource), "beacon"));
        let clauses = vec![beacon, Clause::Unless(one_person())];
        narrow("bounds-content", reason.to_owned(), &[EffectClass::WriteWorkspace], Some("Path"), clauses)?;
    }
    if bounds.mcp.is_some() || !bounds.calls.is_empty() {
        let reason = "the task names the MCP tools and arguments it is about, and this call is none of them"
            .to_owned();
        narrow("bounds-mcp", reason, &[], Some("McpTool"), unless_asked(named()))?;
    }
    if bounds.push.is_some() {
        let reason = "the task names the branches it may push to, and this is none of them".to_owned();
        narrow("bounds-push", reason, &[EffectClass::GitPush], None, unless_asked(named()))?;
    }
    if bounds.deploy.is_some() {
        let reason = "the task names what may be deployed to, and this is not part of it".to_owned();
        narrow("bounds-deploy", reason, &[EffectClass::Deploy], None, unless_asked(named()))?;
    }
    if bounds.secrets.is_some() {
        let reason = "the task names the credentials it may ask for, and this is none of them".to_owned();
        narrow("bounds-secrets", reason, &[EffectClass::SecretRead], Some("Secret"), unless_asked(named()))?;
    }
    if let Some(effects) = &bounds.effects {
        let reason =
            "the task says what its commands may do, and installing this is not part of it".to_owned();
        narrow("bounds-packages", reason, &[EffectClass::PackageInstall], None, unless_asked(named()))?;
        let is_bounded = |class: &EffectClass| {
            !effects.iter().any(|bound| bound.class == *class)
                && match class {
                    EffectClass::GitPush => bounds.push.is_none(),
                    EffectClass::Publish => bounds.publish.is_none(),
                    EffectClass::Deploy => bounds.deploy.is_none(),
                    // What may be changed may be removed too.
                    EffectClass::Destructive => false,
                    other => !INDIRECT.contains(other),
                }
        };
        let others: Vec<EffectClass> = EffectClass::ALL.into_iter().filter(is_bounded).collect();
        if !others.is_empty() {
            let listed: Vec<String> = effects.iter().map(ToString::to_string).collect();
            let reason = match listed.as_slice() {
                [] => "the task says that its commands may do nothing".to_owned(),
                listed => format!("the task says what its commands may do: {}", listed.join(", ")),
            };
            let operation = attribute(attribute(var(Var::Context), "call"), "operation");
            let typed = any(TYPED.map(|kind| equals(Arc::clone(&operation), kind)));
            let clauses =
                vec![Clause::When(not(typed)), Clause::Unless(is_loopback()), Clause::Unless(one_person())];
            narrow("bounds-effects", reason, &others, None, clauses)?;
        }
        if !effects.iter().any(|bound| bound.class == EffectClass::Destructive) {
            let reason = "the task does not say that its commands may destroy this".to_owned();
            narrow("bounds-destructive", reason, &[EffectClass::Destructive], None, unless_asked(named()))?;
        }
    }
    if !bounds.deny_read.is_empty() || !bounds.protected.is_empty() {
        let barred = vec![Clause::When(attribute(var(Var::Resource), "barred"))];
        made.push(Made {
            id: "bounds-off-limits",
            reason: "the task puts it off limits".to_owned(),
            instead: LEAVE,
            tree: forbid("bounds-off-limits", &[], Some("Path"), barred)?,
        });
    }
    if bounds.publish == Some(false) {
        made.push(Made {
            id: "bounds-publish",
            reason: "the task says that nothing is published".to_owned(),
            instead: LEAVE,
            tree: forbid("bounds-publish", &[EffectClass::Publish], None, Vec::new())?,
        });
    }
    if bounds.push.is_some() {
        let push = ActionConstraint::Eq(action(EffectClass::GitPush)?);
        let is_ref = ResourceConstraint::Is(EntityType::from_name(name("Ref")?));
        let tree = template("bounds-push-named", Effect::Permit, principal.clone(), push, is_ref)?
            .try_with_clauses(vec![Clause::When(named())])?;
        let reason = "the task names the branch".to_owned();
        made.push(Made { id: "bounds-push-named", reason, instead: ASK, tree });
    }
    Ok(made)
}

fn is_negated(pattern: &PathPattern) -> bool {
    pattern.as_str().starts_with('!')
}

/// `resource has zone && resource.zone == "loopback"`: this machine, which is no way out.
fn is_loopback() -> Arc<Expr> {
    let has = Expr::HasAttr { expr: var(Var::Resource), attrs: NonEmpty::new(SmolStr::from("zone")) };
    let right = equals(attribute(var(Var::Resource), "zone"), "loopback");
    Arc::new(Expr::BinaryOp { op: BinaryOp::And, left: Arc::new(has), right })
}

fn forbid(
    id: &'static str,
    effects: &[EffectClass],
    kind: Option<&str>,
    clauses: Vec<Clause>,
) -> Result<Template, PstConstructionError> {
    let actions = match effects {
        [] => ActionConstraint::Any,
        effects => {
            let uids: Result<Vec<EntityUID>, _> = effects.iter().map(|effect| action(*effect)).collect();
            ActionConstraint::In(uids?)
        }
    };
    let resource = match kind {
        Some(kind) => ResourceConstraint::Is(EntityType::from_name(name(kind)?)),
        None => ResourceConstraint::Any,
    };
    template(id, Effect::Forbid, PrincipalConstraint::Any, actions, resource)?.try_with_clauses(clauses)
}
