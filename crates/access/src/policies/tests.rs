//! What is right and wrong with files of policies.

use super::*;

fn faults(file: &str, text: &str) -> Vec<(String, String, bool)> {
    let (_, faults) = Policies::with(&[PolicyText { file, text }], FieldGroups::default());
    let shown = |fault: Fault| {
        let place = text.get(fault.span).unwrap_or_default().to_owned();
        (fault.reason.code, place, fault.is_warning)
    };
    faults.into_iter().map(shown).collect()
}

#[test]
fn what_is_shipped_has_no_fault_and_a_file_for_each_role() {
    let (policies, faults) = Policies::with(&[], FieldGroups::default());
    assert_eq!(faults, []);
    let policies = policies.unwrap();
    let named: Vec<&str> = policies.named("Role").collect();
    for (role, _) in crate::ROLES {
        assert!(named.contains(role), "no policy is for {role}");
        assert!(SHIPPED.iter().any(|(file, _)| *file == format!("{role}.cedar")), "no file for {role}");
    }
}

#[test]
fn faults_have_their_place() {
    let misspelt = "@id(\"a\")\npermit (principal in Role::\"clerk\", action == Action::\"sea\", resource);";
    let found = faults("clerk.cedar", misspelt);
    assert!(
        found.iter().any(|(code, place, warns)| code == "policy-invalid"
            && place.contains("Action::\"sea\"")
            && !warns),
        "{found:?}"
    );

    let found = faults("clerk.cedar", "permit (principal, action, resource) when { resource.colour == 1 };");
    assert!(
        found.iter().any(|(code, place, _)| code == "policy-invalid" && place.contains("resource.colour")),
        "{found:?}"
    );

    let found = faults("clerk.cedar", "permit (principal action, resource);");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "policy-malformed");
    assert_eq!(found[0].1, "action");

    let twice = "@id(\"a\") permit (principal, action == Action::\"see\", resource);\n".repeat(2);
    assert!(faults("clerk.cedar", &twice).iter().any(|(code, ..)| code == "policy-twice"));
    let slot = "permit (principal == ?principal, action, resource);";
    assert!(faults("clerk.cedar", slot).iter().any(|(code, ..)| code == "policy-template"));
}

#[test]
fn an_attribute_that_may_be_missing_is_asked_for_first() {
    let careless = "forbid (principal, action, resource is Record) when { resource.site == Site::\"P1\" };";
    assert!(faults("own.cedar", careless).iter().any(|(code, ..)| code == "policy-invalid"));
}

#[test]
fn a_file_of_the_workspace_stands_in_for_the_shipped_one() {
    let text = "@id(\"nothing-more\") permit (principal in Role::\"operator\", action == Action::\"see-hub\", resource);";
    let (policies, faults) =
        Policies::with(&[PolicyText { file: "operator.cedar", text }], FieldGroups::default());
    assert_eq!(faults, []);
    let ids: Vec<String> = policies.unwrap().set.policies().map(|policy| policy.id().to_string()).collect();
    assert!(ids.contains(&"operator#nothing-more".to_owned()));
    assert!(!ids.contains(&"operator#see-flows".to_owned()));
    assert!(ids.contains(&"buyer#see-prices".to_owned()));
}
