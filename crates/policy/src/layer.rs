//! One policy set, cut into pieces so that a question meets only the policies that can matter to it.
//!
//! Cedar evaluates every policy of a set on every request. Here each policy is filed, once, under the effect classes
//! and resource types that its scope admits; for a task, those whose principal scope cannot hold are left out too.
//! What is left out could not have been satisfied, so the answer is the same; a test compares both on random requests.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use cedar_policy::{
    ActionConstraint, Entities, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint,
    ResourceConstraint,
};
use writ_model::{EffectClass, Label};

use crate::schema::{EFFECTS, KINDS, action_uid, types};
use crate::source::{Notes, ReadLayer};
use crate::syntax::Uses;

/// How many sets are kept to be shared. Beyond, each task keeps its own.
const MADE: usize = 4096;

/// A layer, filed.
pub(crate) struct Filed {
    policies: Vec<Policy>,
    notes: HashMap<Label, Notes>,
    /// Indexes into `policies`, by effect and resource type.
    cells: Vec<Vec<u32>>,
    /// Sets that were asked for, by the policies in them. Locked while one is looked up or put together, which happens
    /// once for each sort of question of a task.
    made: Mutex<HashMap<Vec<u32>, Arc<PolicySet>>>,
    /// What any of its policies reads of the things that change with every call.
    pub uses: Uses,
}

// === impl Filed ===

impl Filed {
    /// Files the policies of a layer. `actions` are the action entities of the schema.
    pub fn new(read: ReadLayer, actions: &Entities) -> Self {
        let effects: Vec<EntityUid> = EffectClass::ALL.into_iter().map(action_uid).collect();
        let mut filed = Self {
            policies: Vec::with_capacity(read.policies.len()),
            notes: HashMap::new(),
            cells: vec![Vec::new(); EFFECTS * KINDS],
            made: Mutex::default(),
            uses: Uses::default(),
        };
        for (index, (policy, label, notes)) in (0_u32..).zip(read.policies) {
            let action = policy.action_constraint();
            let resource = policy.resource_constraint();
            for (effect, action_uid) in effects.iter().enumerate() {
                if !admits_action(&action, action_uid, actions) {
                    continue;
                }
                for (kind, name) in types().resources.iter().enumerate() {
                    if admits_kind(&resource, name)
                        && let Some(cell) = filed.cells.get_mut(effect * KINDS + kind)
                    {
                        cell.push(index);
                    }
                }
            }
            filed.uses = filed.uses.with(notes.uses);
            filed.notes.insert(label, notes);
            filed.policies.push(policy);
        }
        filed
    }

    /// The policies that a question by this principal can depend on, as one set. Principals for whom the same policies
    /// are chosen share it.
    ///
    /// None where Cedar will not have them together, which the caller takes for a denial.
    pub fn cell(&self, effect: usize, kind: usize, groups: &HashSet<EntityUid>) -> Option<Arc<PolicySet>> {
        let chosen: Vec<u32> = self
            .cells
            .get(effect * KINDS + kind)?
            .iter()
            .copied()
            .filter(|index| {
                self.policy(*index)
                    .is_some_and(|policy| admits_principal(&policy.principal_constraint(), groups))
            })
            .collect();
        let mut made = self.made.lock().ok()?;
        if let Some(set) = made.get(&chosen) {
            return Some(Arc::clone(set));
        }
        let mut set = PolicySet::new();
        for index in &chosen {
            set.add(self.policy(*index)?.clone()).ok()?;
        }
        let set = Arc::new(set);
        if made.len() < MADE {
            made.insert(chosen, Arc::clone(&set));
        }
        Some(set)
    }

    fn policy(&self, index: u32) -> Option<&Policy> {
        self.policies.get(usize::try_from(index).ok()?)
    }

    #[cfg(test)]
    pub fn all(&self) -> impl Iterator<Item = &Policy> {
        self.policies.iter()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    pub fn notes(&self, id: &str) -> Option<&Notes> {
        self.notes.get(&id.parse::<Label>().ok()?)
    }
}

fn admits_action(constraint: &ActionConstraint, action: &EntityUid, actions: &Entities) -> bool {
    let within = |group: &EntityUid| group == action || actions.is_ancestor_of(group, action);
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(named) => named == action,
        ActionConstraint::In(groups) => groups.iter().any(within),
    }
}

fn admits_kind(constraint: &ResourceConstraint, kind: &EntityTypeName) -> bool {
    match constraint {
        // Resources stand in no groups, so `in` can only hold for the resource itself.
        ResourceConstraint::Eq(named) | ResourceConstraint::In(named) => named.type_name() == kind,
        ResourceConstraint::Is(named) | ResourceConstraint::IsIn(named, _) => named == kind,
        ResourceConstraint::Any => true,
    }
}

fn admits_principal(constraint: &PrincipalConstraint, groups: &HashSet<EntityUid>) -> bool {
    match constraint {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(named) | PrincipalConstraint::In(named) => groups.contains(named),
        PrincipalConstraint::Is(named) => *named == types().agent,
        PrincipalConstraint::IsIn(named, group) => *named == types().agent && groups.contains(group),
    }
}
