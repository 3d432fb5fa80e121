//! Policies, filed so that a question meets only those that can matter to it.
//!
//! Cedar evaluates every policy of a set on every request, so its time grows with the organisation. Here each policy is
//! read once: what its scope admits, and what its conditions need ([`Need`]). A question looks up what could matter to
//! its resource ([`Index`]), leaves out what cannot hold, and puts the few that are left to Cedar as one set. What is
//! left out could not have been satisfied, so decision and determining policies are the same; tests compare both on
//! random policies and requests, against Cedar with all policies and nothing left out.

use std::collections::{HashMap, HashSet};

use cedar_policy::pst::{
    ActionConstraint as AnyAction, PolicyID, PrincipalConstraint as AnyPrincipal,
    ResourceConstraint as AnyResource, SmolStr, StaticPolicy, Template,
};
use cedar_policy::{
    ActionConstraint, Context, Effect, Entities, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
    pst,
};
use writ_model::{EffectClass, Label};

use crate::layer::index::Index;
use crate::layer::need::{
    ALL_EFFECTS, ALL_KINDS, Atom, Names, Need, STEADY, Seen, SeenResource, kind_of, name_of,
};
use crate::reads::Reads;
use crate::schema::{EFFECTS, KINDS, action_uid, types};
use crate::source::{Layer, Notes, ReadLayer};

mod index;
pub(crate) mod need;
mod prefixes;

/// Policies of one or more layers, filed.
pub(crate) struct Filed {
    entries: Vec<Entry>,
    by_label: HashMap<Label, u32>,
    index: Index,
    names: Names,
}

/// One policy.
pub(crate) struct Entry {
    pub layer: Layer,
    pub label: Label,
    pub notes: Notes,
    pub effect: Effect,
    /// What its conditions read.
    pub reads: Reads,
    /// Which members of an approval they read.
    pub approval: u8,
    /// As it was written.
    pub plain: Policy,
    /// The same without its scope and annotations: what is left to ask once the scope is known to hold. Its id is the
    /// policy's number.
    pub bare: Policy,
    need: Need,
}

/// What a principal and a task have in common for all questions.
pub(crate) struct Standing {
    belongs: Vec<u32>,
    steady: [String; STEADY.len()],
    /// What can matter whatever the resource.
    policies: Vec<u32>,
}

// === impl Filed ===

impl Filed {
    /// Files policies. `actions` are the action entities of the schema. `mark` is set in the number by which Cedar names
    /// them.
    pub fn new(layers: Vec<(Layer, ReadLayer)>, actions: &Entities, mark: u32) -> Self {
        let mut names = Names::default();
        let mut entries = Vec::new();
        let mut by_label = HashMap::new();
        for (layer, read) in layers {
            for (policy, label, notes) in read.policies {
                let number = u32::try_from(entries.len()).unwrap_or(u32::MAX);
                by_label.insert(label.clone(), number);
                entries.push(Entry::new(layer, policy, label, notes, number | mark, actions, &mut names));
            }
        }
        let needs: Vec<Need> = entries.iter().map(|entry| entry.need.clone()).collect();
        Self { entries, by_label, index: Index::new(&needs), names }
    }

    /// The policy of a number that this gave.
    pub fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn by_label(&self, label: &Label) -> Option<&Entry> {
        self.entry(*self.by_label.get(label)?)
    }

    /// What holds for all questions of a principal in a task. `groups` are the principal itself and all it belongs to.
    pub fn standing(&self, groups: &HashSet<EntityUid>, steady: [&str; STEADY.len()]) -> Standing {
        let mut belongs: Vec<u32> = groups
            .iter()
            .filter_map(|uid| {
                self.names.known_principal(&name_of(&uid.type_name().to_string(), uid.id().unescaped()))
            })
            .collect();
        belongs.sort_unstable();
        let policies = self.index.of_task(&belongs, &steady);
        Standing { belongs, steady: steady.map(str::to_owned), policies }
    }

    /// The policies that can matter for an effect on a kind of resource, whichever it is.
    pub fn of_cell(&self, standing: &Standing, effect: usize, kind: usize) -> Vec<u32> {
        let seen = standing.seen(effect, kind);
        let may_hold = |number: &u32| self.entry(*number).is_some_and(|entry| entry.need.may_hold(&seen));
        standing.policies.iter().copied().filter(may_hold).collect()
    }

    /// The policies that can matter to one question, in some circumstances: sorted, each once. `cell` is what
    /// [`Self::of_cell`] found.
    pub fn of_question(
        &self,
        standing: &Standing,
        cell: &[u32],
        (effect, kind): (usize, usize),
        resource: SeenResource<'_>,
    ) -> Vec<u32> {
        let mut found = Vec::with_capacity(cell.len() + 8);
        self.index.of_resource(kind, &resource, &mut found);
        found.extend(cell);
        let seen = Seen { resource: Some(resource), ..standing.seen(effect, kind) };
        found.retain(|number| self.entry(*number).is_some_and(|entry| entry.need.may_hold(&seen)));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether what a policy needs of the context is so, as [`Self::told_by`] told.
    pub fn may_hold_in(
        &self,
        standing: &Standing,
        number: u32,
        (effect, kind): (usize, usize),
        resource: SeenResource<'_>,
        context: &[bool],
    ) -> bool {
        let seen = Seen { resource: Some(resource), context: Some(context), ..standing.seen(effect, kind) };
        self.entry(number).is_some_and(|entry| entry.need.may_hold(&seen))
    }

    /// What of a context the policies ask about is so.
    pub fn told_by(&self, context: &Context) -> Vec<bool> {
        self.names.told_by(context)
    }
}

/// The bit that tells the numbers of a task's own policies from the others.
pub(crate) const MARK: u32 = 1 << 31;

// === impl Entry ===

impl Entry {
    fn new(
        layer: Layer,
        plain: Policy,
        label: Label,
        notes: Notes,
        number: u32,
        actions: &Entities,
        names: &mut Names,
    ) -> Self {
        let mut parts = vec![
            Need::Told(Atom::Action(effects_of(&plain.action_constraint(), actions))),
            principal_of(&plain.principal_constraint(), names),
            resource_of(&plain.resource_constraint()),
        ];
        let tree = match plain.to_pst() {
            Ok(pst::Policy::Static(tree)) => Some(tree),
            Ok(_) | Err(_) => None,
        };
        let clauses = tree.as_ref().map_or(&[][..], |tree| tree.body().clauses());
        parts.push(Need::of(clauses, names));
        let bare = tree.as_ref().and_then(|tree| bare(tree, number));
        let reads = match (&tree, &bare) {
            (Some(tree), Some(_)) => Reads::of(tree.body().clauses()),
            _ => Reads::everything(),
        };
        Self {
            layer,
            label,
            notes,
            effect: plain.effect(),
            approval: reads.approval(),
            reads,
            bare: bare.unwrap_or_else(|| plain.new_id(cedar_policy::PolicyId::new(number.to_string()))),
            plain,
            need: Need::all(parts),
        }
    }

    pub fn is_observed(&self) -> bool {
        self.notes.observe.is_some()
    }
}

/// The policy without its scope, its annotations and the places of its words.
fn bare(tree: &StaticPolicy, number: u32) -> Option<Policy> {
    let body = tree.body();
    let id = PolicyID(SmolStr::from(number.to_string()));
    let template = Template::new(id, body.effect, AnyPrincipal::Any, AnyAction::Any, AnyResource::Any)
        .try_with_clauses(body.clauses().clone())
        .ok()?;
    Policy::from_pst(pst::Policy::Static(StaticPolicy::try_from(template).ok()?)).ok()
}

fn effects_of(constraint: &ActionConstraint, actions: &Entities) -> u16 {
    let mut bits = 0;
    for (at, effect) in EffectClass::ALL.into_iter().enumerate() {
        let action = action_uid(effect);
        let within = |group: &EntityUid| *group == action || actions.is_ancestor_of(group, &action);
        let admits = match constraint {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(named) => *named == action,
            ActionConstraint::In(groups) => groups.iter().any(within),
        };
        if admits {
            bits |= 1 << at;
        }
    }
    debug_assert!(EFFECTS <= 16 && KINDS <= 16 && bits & !ALL_EFFECTS == 0);
    bits
}

fn principal_of(constraint: &PrincipalConstraint, names: &mut Names) -> Need {
    let mut number = |uid: &EntityUid| {
        let name = name_of(&uid.type_name().to_string(), uid.id().unescaped());
        Need::Told(Atom::Principal(names.principal(name)))
    };
    match constraint {
        PrincipalConstraint::Any => Need::Perhaps,
        PrincipalConstraint::Eq(named) | PrincipalConstraint::In(named) => number(named),
        PrincipalConstraint::Is(named) if *named == types().agent => Need::Perhaps,
        PrincipalConstraint::IsIn(named, group) if *named == types().agent => number(group),
        PrincipalConstraint::Is(_) | PrincipalConstraint::IsIn(..) => Need::Never,
    }
}

fn resource_of(constraint: &ResourceConstraint) -> Need {
    let kind = |name: String| kind_of(&name).map_or(Need::Never, |kind| Need::Told(Atom::Kind(1 << kind)));
    // Resources stand in no groups, so `in` can only hold for the resource itself.
    let itself = |uid: &EntityUid| match kind_of(&uid.type_name().to_string()) {
        Some(kind) => Need::Told(Atom::Resource { kind, id: uid.id().unescaped().to_owned() }),
        None => Need::Never,
    };
    match constraint {
        ResourceConstraint::Any => Need::Told(Atom::Kind(ALL_KINDS)),
        ResourceConstraint::Eq(named) | ResourceConstraint::In(named) => itself(named),
        ResourceConstraint::Is(named) => kind(named.to_string()),
        ResourceConstraint::IsIn(named, group) => Need::all(vec![kind(named.to_string()), itself(group)]),
    }
}

// === impl Standing ===

impl Standing {
    fn seen(&self, effect: usize, kind: usize) -> Seen<'_> {
        let [environment, task_kind, supervision] = &self.steady;
        Seen {
            effect,
            kind,
            belongs: &self.belongs,
            steady: [environment, task_kind, supervision],
            resource: None,
            context: None,
        }
    }
}
