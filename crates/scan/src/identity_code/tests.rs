//! Code that makes identities, as people write it, and what makes none.

use proptest::prelude::*;

use super::*;
use Breadth::{Administrator, Anybody, Listed, Wildcard};
use IdentityKind::*;

fn of(name: &str, text: &str) -> Vec<(IdentityKind, u32, Breadth)> {
    identities(name, text.as_bytes()).0.iter().map(|one| (one.kind, one.line, one.breadth)).collect()
}

const FORGE: &str = "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com";

#[test]
fn terraform_makes_identities() {
    let role = |condition: &str| {
        format!(
            "resource \"aws_iam_role\" \"r\" {{\n  assume_role_policy = jsonencode({{\n    Statement = [\n      {{ Effect = \"Allow\", Action = \"sts:AssumeRoleWithWebIdentity\", Principal = {{ Federated = \"{FORGE}\" }}, {condition} }}\n    ]\n  }})\n}}\n"
        )
    };
    let subject = |subject: &str| {
        role(&format!(
            "Condition = {{ StringLike = {{ \"token.actions.githubusercontent.com:sub\" = \"{subject}\" }} }}"
        ))
    };
    for (text, expected) in [
        ("resource \"aws_iam_user\" \"u\" {\n}\n".to_owned(), vec![(ServicePrincipal, 1, Listed)]),
        ("\nresource \"aws_iam_access_key\" \"k\" { user = \"u\" }\n".to_owned(), vec![(StandingCredential, 2, Listed)]),
        (role(""), vec![(TrustPolicy, 4, Anybody)]),
        (subject("repo:org/*:*"), vec![(TrustPolicy, 4, Wildcard)]),
        (subject("repo:*/x:*"), vec![(TrustPolicy, 4, Anybody)]),
        (subject("repo:org/x:ref:refs/heads/main"), vec![(TrustPolicy, 1, Listed)]),
        (
            "resource \"aws_iam_policy\" \"p\" {\n  policy = <<EOF\n{\"Statement\": [\n  {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}\n]}\nEOF\n}\n".to_owned(),
            vec![(Policy, 4, Administrator)],
        ),
        (
            "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"s3:*\"]\n    resources = [\"*\"]\n  }\n}\n".to_owned(),
            vec![(Policy, 2, Wildcard)],
        ),
        (
            "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    effect = \"Deny\"\n    actions = [\"*\"]\n    resources = [\"*\"]\n  }\n}\n".to_owned(),
            vec![],
        ),
        (
            "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"s3:Get*\"]\n    resources = [\"*\"]\n  }\n}\n".to_owned(),
            vec![(Policy, 1, Listed)],
        ),
        (
            "resource \"aws_iam_role_policy_attachment\" \"a\" {\n  policy_arn = \"arn:aws:iam::aws:policy/AdministratorAccess\"\n}\n".to_owned(),
            vec![(RoleBinding, 2, Administrator)],
        ),
        (
            "resource \"google_project_iam_member\" \"m\" {\n  role = \"roles/owner\"\n  member = \"serviceAccount:x\"\n}\n".to_owned(),
            vec![(RoleBinding, 2, Administrator)],
        ),
        (
            "resource \"google_project_iam_member\" \"m\" {\n  role = \"roles/viewer\"\n  member = \"allUsers\"\n}\n".to_owned(),
            vec![(RoleBinding, 2, Anybody)],
        ),
        (
            "resource \"azurerm_role_assignment\" \"m\" {\n  role_definition_name = \"Owner\"\n}\n".to_owned(),
            vec![(RoleBinding, 2, Administrator)],
        ),
        (
            "resource \"github_repository_deploy_key\" \"m\" {\n  read_only = false\n}\n".to_owned(),
            vec![(DeployKey, 1, Wildcard)],
        ),
        ("resource \"github_repository_deploy_key\" \"m\" {\n}\n".to_owned(), vec![(DeployKey, 1, Listed)]),
        (
            "resource \"google_compute_instance\" \"m\" {\n  service_account {\n    scopes = [\"cloud-platform\"]\n  }\n}\n".to_owned(),
            vec![(OauthGrant, 3, Wildcard)],
        ),
        (
            "resource \"kubernetes_cluster_role\" \"m\" {\n  rule {\n    api_groups = [\"*\"]\n    resources = [\"*\"]\n    verbs = [\"*\"]\n  }\n}\n".to_owned(),
            vec![(Policy, 2, Administrator)],
        ),
        (
            "resource \"aws_iam_openid_connect_provider\" \"o\" {\n  url = \"https://issuer.example.org\"\n}\n".to_owned(),
            vec![(TrustPolicy, 1, Listed)],
        ),
        (
            "resource \"okta_group_role\" \"o\" {\n  role_type = \"SUPER_ADMIN\"\n}\nresource \"okta_app_oauth_api_scope\" \"s\" {\n  scopes = [\"okta.users.read\"]\n}\n".to_owned(),
            vec![(RoleBinding, 1, Administrator), (OauthGrant, 5, Listed)],
        ),
        (
            "resource \"github_actions_secret\" \"s\" {\n  plaintext_value = \"q8Zr4Lw0Xn3Tb7Vk\"\n}\nresource \"github_actions_secret\" \"t\" {\n  plaintext_value = var.token\n}\n".to_owned(),
            vec![(StandingCredential, 2, Listed)],
        ),
        (
            "provider \"aws\" {\n  region = \"x\"\n  secret_key = \"q8Zr4Lw0Xn3Tb7Vkq8Zr4Lw0Xn3Tb7Vkq8Zr4Lw0\"\n}\nprovider \"aws\" {\n  secret_key = var.key\n}\nprovider \"aws\" {\n  secret_key = \"test\"\n}\n".to_owned(),
            vec![(StandingCredential, 3, Listed)],
        ),
        ("resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"x\"\n}\nvariable \"iam\" {}\n".to_owned(), vec![]),
    ] {
        assert_eq!(of("main.tf", &text), expected, "{text}");
    }
    let json = r#"{"resource": {"aws_iam_user": {"u": {}}, "aws_iam_role": {"r": [{"assume_role_policy": "{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\"}}"}]}}}"#;
    assert_eq!(of("main.tf.json", json), [(ServicePrincipal, 1, Listed), (TrustPolicy, 1, Anybody)]);
    assert!(identities("main.tf", b"resource \"a\" {").1.is_some());
}

#[test]
fn pipelines_make_identities() {
    let of = |text: &str| -> Vec<(IdentityKind, u32, Breadth)> {
        let document = document::parse(text.as_bytes(), Notation::Yaml).unwrap();
        of_workflow(&document).iter().map(|one| (one.kind, one.line, one.breadth)).collect()
    };
    let run = |script: &str| of(&format!("on: push\njobs:\n  a:\n    steps:\n      - run: {script}\n"));
    for (script, expected) in [
        ("gh repo deploy-key add key.pub --title x", Some((DeployKey, 5, Listed))),
        ("gh repo deploy-key add key.pub -w", Some((DeployKey, 5, Wildcard))),
        ("az ad sp create-for-rbac --role Owner --scopes /x", Some((ServicePrincipal, 5, Administrator))),
        ("az ad sp create-for-rbac --role=Contributor", Some((ServicePrincipal, 5, Wildcard))),
        ("cd x && gcloud iam service-accounts keys create k.json", Some((StandingCredential, 5, Listed))),
        ("KEY=$(aws iam create-access-key --user-name x)", Some((StandingCredential, 5, Listed))),
        (
            "sudo kubectl create clusterrolebinding b --clusterrole=cluster-admin",
            Some((RoleBinding, 5, Administrator)),
        ),
        (
            "aws iam attach-role-policy --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
            Some((RoleBinding, 5, Administrator)),
        ),
        ("\"echo 'aws iam create-user'\"", None),
        ("gcloud iam service-accounts list", None),
        ("gcloud iam service-accounts", None),
        ("make aws iam create-user", None),
    ] {
        assert_eq!(run(script), Vec::from_iter(expected), "{script}");
    }
    for (text, expected) in [
        (
            "on: push\npermissions:\n  id-token: write\njobs:\n  a:\n    steps:\n      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          role-to-assume: arn:aws:iam::1:role/x\n",
            vec![(ServicePrincipal, 3, Listed), (RoleBinding, 9, Listed)],
        ),
        ("on: push\njobs:\n  a:\n    permissions: write-all\n", vec![(RoleBinding, 4, Wildcard)]),
        ("on: push\npermissions: {contents: write}\njobs: {a: {steps: [{run: make}]}}\n", vec![]),
        (
            "keys:\n  script:\n    - |\n      aws iam \\\n        create-access-key\n",
            vec![(StandingCredential, 4, Listed)],
        ),
    ] {
        assert_eq!(of(text), expected, "{text}");
    }
}

#[test]
fn files_are_wanted_by_name_or_folder() {
    for (path, wanted) in [
        ("template.yaml", true),
        ("app/stack.yml", true),
        ("infra/main.yaml", true),
        ("infra/all.yaml", true),
        ("sam/app.json", true),
        ("src/main.yaml", false),
        ("infra/main.rs", false),
    ] {
        let parts: Vec<&str> = path.split('/').collect();
        let (name, folders) = parts.split_last().unwrap();
        assert_eq!(is_wanted(folders, name), wanted, "{path}");
    }
}

#[test]
fn cloudformation_and_policies_make_identities() {
    let template = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Key:\n    Type: AWS::IAM::AccessKey\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Statement:\n          - Effect: Allow\n            Principal: {Service: ec2.amazonaws.com}\n            Action: sts:AssumeRole\n      ManagedPolicyArns: [!Sub 'arn:aws:iam::aws:policy/AdministratorAccess']\n      Policies:\n        - PolicyName: x\n          PolicyDocument:\n            Statement:\n              - Effect: Allow\n                NotAction: iam:*\n                Resource: '*'\n  Bucket:\n    Type: AWS::S3::Bucket\n";
    assert_eq!(
        of("template.yaml", template),
        [
            (StandingCredential, 3, Listed),
            (TrustPolicy, 5, Listed),
            (RoleBinding, 13, Administrator),
            (Policy, 18, Wildcard),
        ]
    );
    let function = |policies: &str| {
        format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Policies: {policies}\n"
        )
    };
    for (text, expected) in [
        (function("AdministratorAccess"), vec![(RoleBinding, 6, Administrator)]),
        (function("[AWSLambdaBasicExecutionRole, AdministratorAccess]"), vec![(RoleBinding, 6, Administrator)]),
        (function("arn:aws:iam::aws:policy/PowerUserAccess"), vec![(RoleBinding, 6, Wildcard)]),
        (function("AmazonS3ReadOnlyAccess"), vec![(RoleBinding, 6, Listed)]),
        (
            function("\n        - AmazonS3ReadOnlyAccess\n        - Statement:\n            - {Effect: Allow, Action: '*', Resource: '*'}\n        - S3ReadPolicy: {BucketName: b}"),
            vec![(RoleBinding, 7, Listed), (Policy, 9, Administrator)],
        ),
        (function("{Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}}"), vec![(Policy, 6, Wildcard)]),
        (function("[{S3ReadPolicy: {BucketName: b}}]"), vec![]),
        (
            "Resources:\n  O:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {Url: 'https://issuer.example.org'}\n".to_owned(),
            vec![(TrustPolicy, 2, Listed)],
        ),
    ] {
        assert_eq!(of("template.yaml", &text), expected, "{text}");
    }
    for (text, expected) in [
        (
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}}"#,
            vec![(Policy, 1, Administrator)],
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"}]}"#,
            vec![(Policy, 1, Listed)],
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b"}]}"#,
            vec![(Policy, 1, Wildcard)],
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}"#,
            vec![(TrustPolicy, 1, Anybody)],
        ),
        (r#"{"Statement": "of work"}"#, vec![]),
        (r#"{"name": "Statement"}"#, vec![]),
    ] {
        assert_eq!(of("policy.json", text), expected, "{text}");
    }
}

#[test]
fn kubernetes_and_manifests_make_identities() {
    let stream = "# rbac\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules:\n  - {apiGroups: [''], resources: [pods], verbs: [get]}\n  - {apiGroups: [''], resources: ['*'], verbs: ['*']}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: ServiceAccount, name: a}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: view}\nsubjects:\n  - {kind: Group, name: 'system:unauthenticated'}\n---\n{{ helm }}\n---\napiVersion: apps/v1\nkind: Deployment\nspec: {serviceAccountName: a}\n";
    assert_eq!(
        of("rbac.yaml", stream),
        [
            (ServicePrincipal, 2, Listed),
            (Policy, 11, Administrator),
            (RoleBinding, 16, Administrator),
            (RoleBinding, 24, Anybody),
        ]
    );
    for (name, text, expected) in [
        (
            "appsscript.json",
            r#"{"oauthScopes": ["https://www.googleapis.com/auth/drive"]}"#,
            vec![(OauthGrant, 1, Wildcard)],
        ),
        (
            "appsscript.json",
            r#"{"oauthScopes": ["https://www.googleapis.com/auth/drive.file"]}"#,
            vec![(OauthGrant, 1, Listed)],
        ),
        (
            "slack-manifest.yml",
            "oauth_config:\n  scopes:\n    bot: [chat:write]\n",
            vec![(OauthGrant, 3, Listed)],
        ),
        (
            "app-manifest.json",
            r#"{"default_permissions": {"administration": "write"}}"#,
            vec![(OauthGrant, 1, Administrator)],
        ),
    ] {
        assert_eq!(of(name, text), expected, "{text}");
    }
}

/// A role that binds to everything, with the lines of a chart around it.
#[test]
fn templates_of_charts_make_identities() {
    let binding = |name: &str, labels: &str, role: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: {name}\n{labels}roleRef:\n  kind: ClusterRole\n  name: {role}\nsubjects:\n  - {{kind: ServiceAccount, name: a}}\n"
        )
    };
    let plain = |text: &str| format!("{text}{}", binding("b", "", "cluster-admin"));
    for (text, expected) in [
        (plain(""), vec![(RoleBinding, 6, Administrator)]),
        (binding("{{ .Values.name }}", "", "cluster-admin"), vec![(RoleBinding, 6, Administrator)]),
        (binding("{{ include \"x.name\" . }}-a", "", "cluster-admin"), vec![(RoleBinding, 6, Administrator)]),
        (binding("\"{{ .Values.name }}\"", "", "cluster-admin"), vec![(RoleBinding, 6, Administrator)]),
        (
            binding("b", "  labels:\n    {{- include \"x\" . | nindent 4 }}\n", "cluster-admin"),
            vec![(RoleBinding, 8, Administrator)],
        ),
        (
            binding("b", "  labels: {{- include \"x\" . | nindent 4 }}\n", "cluster-admin"),
            vec![(RoleBinding, 7, Administrator)],
        ),
        (binding("b", "  {{ .Values.key }}: x\n", "cluster-admin"), vec![(RoleBinding, 7, Administrator)]),
        (
            format!("{{{{- if .Values.on -}}}}\n{}{{{{- end }}}}\n", binding("b", "", "cluster-admin")),
            vec![(RoleBinding, 7, Administrator)],
        ),
        // A comment of several lines, and one beside another.
        (plain("{{- /*\n a: [\n*/ -}}\n"), vec![(RoleBinding, 9, Administrator)]),
        (plain("{{ if .a }}{{/* b */}}  # c\n"), vec![(RoleBinding, 7, Administrator)]),
        // What both branches give.
        (
            binding("b", "", "{{ if .Values.all }}cluster-admin{{ else }}view{{ end }}"),
            vec![(RoleBinding, 6, Administrator)],
        ),
        (
            binding("b", "", "{{ .Values.role | default \"cluster-admin\" }}"),
            vec![(RoleBinding, 6, Administrator)],
        ),
        (binding("b", "", "view"), vec![(RoleBinding, 6, Listed)]),
        (binding("b", "", "{{ .Values.role }}"), vec![(RoleBinding, 6, Listed)]),
        // No sign of a chart: the text is as it stands.
        (binding("b", "  labels: {a: '{b'}\n", "cluster-admin"), vec![(RoleBinding, 7, Administrator)]),
        ("{{ rbac.authorization.k8s.io }}\n".to_owned(), vec![]),
    ] {
        assert_eq!(of("rbac.yaml", &text), expected, "{text}");
    }
    let both = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules:\n{{- if .Values.all }}\n  - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n{{- else }}\n  - {apiGroups: [''], resources: [pods], verbs: [get]}\n{{- end }}\n{{- range .Values.more }}\n  - {apiGroups: [''], resources: [{{ . }}], verbs: {{ toJson .verbs }}}\n{{- end }}\n";
    assert_eq!(of("templates/role.yaml", both), [(Policy, 6, Administrator)]);
}

#[test]
fn what_speaks_of_identities_and_cannot_be_read_is_told() {
    for (name, text, told) in [
        ("rbac.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: [\n", true),
        (
            "rbac.yaml",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nrules: {{ .a }}: {{ .b }}: [\n",
            true,
        ),
        ("template.yaml", "Resources:\n  a: {Type: 'AWS::IAM::User'\n", true),
        ("policy.json", "{\"Statement\": [{\"Effect\": \"Allow\"", true),
        // What says nothing surely may be anything.
        ("x.yaml", "Statement: [\n", false),
        ("x.yaml", "a: [\n", false),
    ] {
        assert_eq!(identities(name, text.as_bytes()).1.is_some(), told, "{text}");
    }
    // What can be read of a stream is told all the same.
    let stream = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: [\n";
    let (read, problem) = identities("rbac.yaml", stream.as_bytes());
    assert_eq!((read.len(), problem.is_some()), (1, true));
}

#[test]
fn names_say_what_is_worth_reading() {
    for (folders, name, wanted) in [
        (&[][..], "main.tf", true),
        (&[], "x.tofu", true),
        (&["deploy", "k8s"], "a.yaml", true),
        (&[], "trust-policy.json", true),
        (&["charts"], "team-rb.yaml", true),
        (&["gitops"], "a.yml", true),
        (&["src"], "package.json", false),
        (&["src"], "herb.yaml", false),
        (&["src"], "role.rs", false),
        (&["k8s"], "README.md", false),
    ] {
        assert_eq!(is_wanted(folders, name), wanted, "{name}");
    }
}

#[test]
fn what_is_endless_is_cut() {
    let deep = format!("a = {}1{}", "[".repeat(3_000), "]".repeat(3_000));
    assert!(identities("x.tf", deep.as_bytes()).1.is_some());
    let open = format!("# rbac.authorization.k8s.io\n{}", "{{".repeat(1 << 19));
    let began = std::time::Instant::now();
    assert!(identities("x.yaml", open.as_bytes()).0.is_empty());
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    let many = "resource \"aws_iam_user\" \"u\" {}\n".repeat(MAX_IDENTITIES + 5);
    assert_eq!(of("x.tf", &many).len(), MAX_IDENTITIES);
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(
        text in "\\PC{0,200}",
        hcl in "(resource|data|statement|policy|jsonencode|\"aws_iam_role\"|\"x\"|[{}()=\\[\\]\",:?!$%<~ \n*-]){0,60}",
        yaml in "(apiVersion: x|kind: (Role|List)|rules:|- |Statement|items:|---|[{}\\[\\]:, \n*]){0,60}",
    ) {
        for name in ["a.tf", "a.tf.json", "role.json", "role.yaml"] {
            for text in [&text, &hcl, &yaml] {
                let _ = identities(name, text.as_bytes());
                let _ = identities(name, format!("Statement: x\n{text}").as_bytes());
            }
        }
    }
}
