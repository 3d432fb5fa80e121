//! Policies of AWS, alone and in CloudFormation:
//! https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.

use super::{Breadth, Identities, IdentityKind};
use crate::document::{self, Member, Node, Notation};

/// Actions by which a principal gives itself or others any right.
const GRANTING: &[&str] = &[
    "iam:*",
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createpolicyversion",
    "iam:putgrouppolicy",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "organizations:*",
    "sts:*",
];

/// One statement, from JSON or from Terraform's own form of it.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) line: u32,
    pub(super) denies: bool,
    pub(super) actions: Vec<String>,
    /// `NotAction` lets everything else through.
    pub(super) all_but: bool,
    pub(super) resources: Vec<String>,
    pub(super) principals: Vec<String>,
    pub(super) all_principals_but: bool,
    /// Variable and values of each condition.
    pub(super) conditions: Vec<(String, Vec<String>)>,
}

// === impl Statement ===

impl Statement {
    fn of(node: &Node) -> Self {
        let texts =
            |key: &str| node.get(key).map(Node::texts).unwrap_or_default().into_iter().map(str::to_owned);
        let principal = node.get("Principal").or_else(|| node.get("NotPrincipal"));
        let mut principals = Vec::new();
        if let Some(principal) = principal {
            principals.extend(principal.texts().into_iter().map(str::to_owned));
            for member in principal.members() {
                principals.extend(member.node.texts().into_iter().map(str::to_owned));
            }
        }
        let mut conditions = Vec::new();
        for operator in node.get("Condition").map_or(&[][..], Node::members) {
            for variable in operator.node.members() {
                let values = variable.node.texts().into_iter().map(str::to_owned).collect();
                conditions.push((variable.key.clone(), values));
            }
        }
        Self {
            line: node.line,
            denies: node.get("Effect").and_then(Node::text).is_some_and(|effect| effect == "Deny"),
            actions: texts("Action").chain(texts("NotAction")).collect(),
            all_but: node.get("NotAction").is_some(),
            resources: texts("Resource").chain(texts("NotResource")).collect(),
            principals,
            all_principals_but: node.get("NotPrincipal").is_some(),
            conditions,
        }
    }

    fn rights_breadth(&self) -> Breadth {
        let wide = self.resources.iter().any(|resource| resource == "*");
        let lower = || self.actions.iter().map(|action| action.to_ascii_lowercase());
        if lower().any(|action| action == "*" || action == "*:*") && !self.all_but {
            // On one thing only, it is everything about that thing.
            return if wide || self.resources.is_empty() {
                Breadth::Administrator
            } else {
                Breadth::Wildcard
            };
        }
        let grants = lower().any(|action| GRANTING.contains(&action.as_str()));
        let passes = lower().any(|action| action == "iam:passrole" || action == "sts:assumerole");
        if (grants && !self.all_but) || (passes && wide) {
            return if wide { Breadth::Administrator } else { Breadth::Wildcard };
        }
        let star = lower().any(|action| action.ends_with('*') && !is_reading(&action));
        if self.all_but || (star && wide) { Breadth::Wildcard } else { Breadth::Listed }
    }

    fn trust_breadth(&self) -> Breadth {
        let forge = |principal: &String| principal.contains("token.actions.githubusercontent.com");
        let subjects: Vec<&String> = self
            .conditions
            .iter()
            .filter(|(variable, _)| variable.ends_with(":sub") || variable.ends_with(":repository"))
            .flat_map(|(_, values)| values)
            .collect();
        if self.principals.iter().any(forge) {
            // The issuer signs for every repository of everybody: the subject alone tells whose.
            return match subjects.iter().map(|subject| of_subject(subject)).max() {
                None => Breadth::Anybody,
                Some(breadth) => breadth,
            };
        }
        let everyone = self.all_principals_but || self.principals.iter().any(|principal| principal == "*");
        if everyone {
            return if self.conditions.is_empty() { Breadth::Anybody } else { Breadth::Wildcard };
        }
        Breadth::Listed
    }
}

/// `repo:OWNER/NAME:…`: a star before the end of the owner is anybody's.
fn of_subject(subject: &str) -> Breadth {
    let rest = subject.strip_prefix("repo:").unwrap_or(subject);
    match rest.split_once('/') {
        Some((owner, _)) if owner.contains('*') => Breadth::Anybody,
        None if rest.contains('*') => Breadth::Anybody,
        Some(_) | None if rest.contains('*') => Breadth::Wildcard,
        Some(_) | None => Breadth::Listed,
    }
}

/// `s3:Get*` and its like only look.
fn is_reading(action: &str) -> bool {
    let verb = action.rsplit(':').next().unwrap_or("");
    ["describe", "get", "list", "read", "view", "search", "batchget"]
        .iter()
        .any(|word| verb.starts_with(word))
}

/// The statements of a policy: a map, or a text that holds one.
pub(super) fn statements(policy: &Node) -> Vec<Statement> {
    let inner;
    let policy = match policy.text() {
        Some(text) => match document::parse(text.as_bytes(), Notation::Json) {
            Ok(document) => {
                inner = document.below(policy.line);
                &inner
            }
            Err(_) => return Vec::new(),
        },
        None => policy,
    };
    match policy.get("Statement") {
        Some(one) if one.is_map() => vec![Statement::of(one)],
        Some(list) => list.items().iter().filter(|item| item.is_map()).map(Statement::of).collect(),
        None => Vec::new(),
    }
}

/// Tells what statements give. One with principals says who may become or use something; one without, what its holder
/// may do.
pub(super) fn tell(name: &str, line: u32, statements: &[Statement], out: &mut Identities) {
    let live = || statements.iter().filter(|statement| !statement.denies);
    let trusts: Vec<&Statement> = live().filter(|one| !one.principals.is_empty()).collect();
    let rights: Vec<&Statement> = live().filter(|one| one.principals.is_empty()).collect();
    for (kind, which) in [(IdentityKind::TrustPolicy, trusts), (IdentityKind::Policy, rights)] {
        let breadth_of = |one: &Statement| match kind {
            IdentityKind::TrustPolicy => one.trust_breadth(),
            _ => one.rights_breadth(),
        };
        let Some(widest) = which.iter().max_by_key(|one| (breadth_of(one), std::cmp::Reverse(one.line)))
        else {
            continue;
        };
        let breadth = breadth_of(widest);
        let at = if breadth == Breadth::Listed { line } else { widest.line };
        let words: Vec<String> = which
            .iter()
            .flat_map(|one| if kind == IdentityKind::TrustPolicy { &one.principals } else { &one.actions })
            .cloned()
            .collect();
        out.add(kind, at, name, words, breadth);
    }
}

/// Tells of a policy document.
pub(super) fn policy(name: &str, policy: &Node, line: u32, out: &mut Identities) {
    tell(name, line, &statements(policy), out);
}

/// How far a policy goes that AWS keeps, by its name.
pub(super) fn managed(arn: &str) -> Breadth {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    match name {
        "AdministratorAccess" | "IAMFullAccess" | "AdministratorAccess-Amplify" => Breadth::Administrator,
        "PowerUserAccess" | "SystemAdministrator" => Breadth::Wildcard,
        _ if name.ends_with("FullAccess") => Breadth::Wildcard,
        _ => Breadth::Listed,
    }
}

/// Tells of managed policies that something is given.
pub(super) fn attached(name: &str, policies: &Node, out: &mut Identities) {
    let arns: Vec<String> = policies.texts().into_iter().map(str::to_owned).collect();
    if let Some(breadth) = arns.iter().map(|arn| managed(arn)).max() {
        out.add(IdentityKind::RoleBinding, policies.line, name, arns, breadth);
    }
}

/// A template of CloudFormation or SAM.
pub(super) fn template(document: &Node, out: &mut Identities) {
    for Member { key, line, node } in document.get("Resources").map_or(&[][..], Node::members) {
        let Some(kind) = node.get("Type").and_then(Node::text) else { continue };
        let nothing = Node { line: *line, value: document::Value::Null };
        let properties = node.get("Properties").unwrap_or(&nothing);
        match kind {
            "AWS::IAM::User" => {
                out.add(IdentityKind::ServicePrincipal, *line, key, [], Breadth::Listed);
            }
            "AWS::IAM::AccessKey" => {
                out.add(IdentityKind::StandingCredential, *line, key, [], Breadth::Listed);
            }
            "AWS::IAM::OIDCProvider" | "AWS::IAM::SAMLProvider" => {
                let issuer = properties.get("Url").and_then(Node::text).map(str::to_owned);
                out.add(IdentityKind::TrustPolicy, *line, key, issuer, Breadth::Listed);
            }
            "AWS::Serverless::Function" => {
                if let Some(policies) = properties.get("Policies") {
                    of_function(key, policies, out);
                }
            }
            "AWS::IAM::Role" => {
                if let Some(trust) = properties.get("AssumeRolePolicyDocument") {
                    policy(key, trust, *line, out);
                }
            }
            "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" | "AWS::S3::BucketPolicy" => {
                if let Some(document) = properties.get("PolicyDocument") {
                    policy(key, document, *line, out);
                }
            }
            _ => {}
        }
        if kind.starts_with("AWS::IAM::") {
            for inline in properties.get("Policies").map_or(&[][..], Node::items) {
                if let Some(document) = inline.get("PolicyDocument") {
                    policy(key, document, inline.line, out);
                }
            }
            if let Some(policies) = properties.get("ManagedPolicyArns") {
                attached(key, policies, out);
            }
        }
    }
}

/// What a function of SAM is given: names of policies, policies, and templates of them, in a list or one alone.
///
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>
fn of_function(name: &str, policies: &Node, out: &mut Identities) {
    attached(name, policies, out);
    let one = std::slice::from_ref(policies);
    for inline in if policies.is_map() { one } else { policies.items() } {
        policy(name, inline, inline.line, out);
    }
}
