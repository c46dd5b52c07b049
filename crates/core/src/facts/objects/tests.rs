use super::{Kind, documents};

#[test]
fn pods_of_one_owner_that_are_alike_are_one_record() {
    let pod = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n  labels: {{pod-template-hash: 5d4f8}}\n  ownerReferences: [{{kind: ReplicaSet, name: web-5d4f8, controller: true}}]\nspec:\n  containers: [{{name: app, image: {image}}}]\n"
        )
    };
    let text = [
        pod("web-5d4f8-a", "x:1"),
        pod("web-5d4f8-b", "x:1"),
        pod("web-5d4f8-c", "x:2"),
    ];
    let inventory = documents(&text.join("---\n")).unwrap();
    let [alike, other] = inventory.pods.as_slice() else {
        panic!("{:?}", inventory.pods)
    };
    assert_eq!((alike.copies, other.copies), (2, 1));
    assert_eq!(alike.examples.len(), 2);
    let owner = alike.pod.owner.as_ref().unwrap();
    assert_eq!((&*owner.kind, &*owner.name), ("Deployment", "web"));
    assert!(inventory.whole(Kind::Pods).is_ok());
}
