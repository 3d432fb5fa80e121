//! Control planes of clouds.

use super::*;

#[test]
fn planes_of_clouds_are_read_by_service_and_action() {
    let aws =
        |target: &str| format!("POST https://x.eu-west-1.amazonaws.com/\nx-amz-target: {target}\n\n{{}}");
    for (target, expected) in [
        ("secretsmanager.GetSecretValue", "secret-read Secret"),
        ("AmazonSSM.GetParameters", "network CloudAccount aws"),
        ("DynamoDB_20120810.GetItem", "network CloudAccount aws"),
        ("DynamoDB_20120810.DeleteTable", "destructive CloudAccount aws"),
        ("DynamoDB_20120810.PutItem", "deploy Deployment"),
        ("X.CreateGrant", "identity-change Identity"),
        ("X.GetResourcePolicy", "network CloudAccount aws"),
        ("X.PutResourcePolicy", "identity-change Identity"),
        ("X.Frobnicate", UNKNOWN),
        ("X.", UNKNOWN),
    ] {
        let found = told(request(&aws(target)), &KnownHosts::default());
        assert!(found.starts_with(expected), "{target}: {found}");
    }
    const FORM: &str = "\ncontent-type: application/x-www-form-urlencoded\n\n";
    let form = |host: &str, body: &str| format!("POST https://{host}/{FORM}{body}");
    for (text, expected) in [
        (form("iam.amazonaws.com", "Action=CreateUser&UserName=x"), "identity-change Identity"),
        (form("iam.amazonaws.com", "Action=ListUsers"), "network CloudAccount"),
        (form("sts.amazonaws.com", "Version=1&Action=AssumeRole"), "identity-change Identity"),
        (form("sts.eu-west-1.amazonaws.com", "Action=GetCallerIdentity"), "network CloudAccount"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=DescribeInstances"), "network CloudAccount"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=TerminateInstances"), "destructive CloudAccount"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=RunInstances"), "deploy Deployment"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=DescribeInstances&Action=RunInstances"), UNKNOWN),
        (form("ec2.eu-west-1.amazonaws.com", "%41ction=RunInstances&x=1"), "deploy Deployment"),
        ("GET https://ec2.eu-west-1.amazonaws.com/?Action=RunInstances".into(), "deploy Deployment"),
        ("POST https://ssm.eu-west-1.amazonaws.com/\nx-amz-target: AmazonSSM.GetParameter\n\n{}".into(), "secret-read Secret"),
        ("GET https://b.s3.eu-west-1.amazonaws.com/key".into(), "network CloudAccount"),
        ("PUT https://b.s3.eu-west-1.amazonaws.com/key\n\nx".into(), "deploy Deployment"),
        ("PUT https://b.s3.eu-west-1.amazonaws.com/?policy\n\nx".into(), "identity-change Identity"),
        ("DELETE https://s3.eu-west-1.amazonaws.com/b/key".into(), "destructive CloudAccount"),
        ("POST https://b.s3.eu-west-1.amazonaws.com/?delete\n\nx".into(), "destructive CloudAccount"),
        ("POST https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations\n\n{}".into(), "deploy Deployment"),
        ("GET https://secretmanager.googleapis.com/v1/projects/p/secrets/s/versions/latest:access".into(), "secret-read Secret"),
        ("GET https://secretmanager.googleapis.com/v1/projects/p/secrets".into(), "network CloudAccount gcp"),
        ("POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a:generateAccessToken\n\n{}".into(), "identity-change Identity"),
        ("POST https://cloudresourcemanager.googleapis.com/v1/projects/p:setIamPolicy\n\n{}".into(), "identity-change Identity"),
        ("POST https://cloudresourcemanager.googleapis.com/v1/projects/p:getIamPolicy\n\n{}".into(), "network CloudAccount"),
        ("POST https://run.googleapis.com/v2/projects/p/locations/l/services\n\n{}".into(), "deploy Deployment"),
        ("POST https://europe-west1-run.googleapis.com/apis/x\n\n{}".into(), "deploy Deployment gcp run"),
        ("DELETE https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/i".into(), "destructive CloudAccount"),
        ("POST https://www.googleapis.com/batch/x\n\n{}".into(), UNKNOWN),
        ("GET https://management.azure.com/subscriptions/s/resourceGroups".into(), "network CloudAccount azure"),
        ("PUT https://management.azure.com/subscriptions/s/resourceGroups/g\n\n{}".into(), "deploy Deployment"),
        ("DELETE https://management.azure.com/subscriptions/s/resourceGroups/g".into(), "destructive CloudAccount"),
        ("PUT https://management.azure.com/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/a\n\n{}".into(), "identity-change Identity"),
        ("POST https://management.azure.com/subscriptions/s/x/LISTKEYS".into(), "secret-read Secret"),
        ("GET https://v.vault.azure.net/secrets/a/b".into(), "secret-read Secret"),
        ("GET https://v.vault.azure.net/secrets".into(), "network CloudAccount"),
        ("POST https://graph.microsoft.com/v1.0/applications/1/addPassword\n\n{}".into(), "identity-change Identity"),
        ("GET https://k.example:6443/api/v1/namespaces/a/pods".into(), "network Deployment"),
        ("GET https://k.example:6443/api/v1/namespaces/a/secrets".into(), "secret-read Secret"),
        ("GET https://k.example:6443/api/v1/namespaces/a/pods/p/exec?command=sh".into(), "deploy Deployment"),
        ("PATCH https://k.example/apis/apps/v1/namespaces/a/deployments/d\n\n{}".into(), "deploy Deployment"),
        ("DELETE https://k.example/api/v1/namespaces/a".into(), "destructive Deployment"),
        ("POST https://k.example/apis/rbac.authorization.k8s.io/v1/clusterrolebindings\n\n{}".into(), "identity-change Identity"),
        ("POST https://k.example/api/v1/namespaces/a/serviceaccounts/s/token\n\n{}".into(), "identity-change Identity"),
        ("POST https://k.example/apis/authorization.k8s.io/v1/selfsubjectaccessreviews\n\n{}".into(), "network Deployment"),
        ("GET https://k.example/k8s/clusters/c/api/v1/secrets".into(), "secret-read Secret"),
        ("GET https://k.example/api/v1/namespaces/a/%73ecrets".into(), "secret-read Secret"),
        ("GET https://k.example/api/v1/pods\nimpersonate-user: root".into(), "identity-change Identity"),
    ] {
        let found = told(request(&text), &KnownHosts::default());
        assert!(found.starts_with(expected), "{text}: {found}");
    }
}

/// However many fields stand before it, and whatever the body says that it is, a second operation is seen.
#[test]
fn attack_a_second_operation_stands_far_behind() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    let filler = "a=%20&".repeat(600);
    for (address, head, body, expected) in [
        ("/", FORM, format!("Action=GetUser&{filler}"), "network CloudAccount aws"),
        ("/", FORM, format!("Action=GetUser&{filler}Action=DeleteUser"), UNKNOWN),
        ("/", FORM, format!("Action=GetUser&{filler}%41ction=DeleteUser"), UNKNOWN),
        ("/", FORM, format!("{filler}Action=DeleteUser&b=%zz"), "destructive CloudAccount aws"),
        ("/?Action=GetUser", "content-type: text/plain", "Action=DeleteUser".to_owned(), UNKNOWN),
        (
            "/?Action=GetUser",
            "content-type: application/x-amz-json-1.1",
            "{}".to_owned(),
            "network CloudAccount",
        ),
    ] {
        let text = format!("POST https://iam.amazonaws.com{address}\n{head}\n\n{body}");
        let found = told(request(&text), &KnownHosts::default());
        assert!(found.starts_with(expected), "{address} {head} {body:.200}: {found}");
    }
}
