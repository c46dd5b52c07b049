//! Amazon EKS: nodeadm on Amazon Linux 2023, bootstrap.sh on Amazon Linux 2.
//!
//! nodeadm writes the kubelet's files and arguments again at each boot from the `NodeConfig` in the user data, and what that
//! gives for the kubelet last of all (<https://awslabs.github.io/amazon-eks-ami/nodeadm/>,
//! <https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/>): *instead*. bootstrap.sh changes a file of the image once,
//! at a node's first boot (<https://docs.aws.amazon.com/eks/latest/userguide/eks-optimized-ami.html>): *also*, as for
//! units, which are the image's.

use super::evidence::Seen;
use super::wanted::{Wanted, yaml};
use super::{Management, also, instead};

const NAME: &str = "EKS";
const ENVIRONMENT: &str = "/etc/eks/kubelet/environment";
const AL2: &str = "/etc/kubernetes/kubelet/kubelet-config.json";

/// Needs nodeadm's own paths; for the rest a sign that the node is one of EKS.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let own = "/etc/kubernetes/kubelet/config.json";
    let is_nodeadm = seen.is(own) || seen.is_below("/etc/kubernetes/kubelet/config.json.d/");
    if seen.is_below("/etc/eks/") || is_nodeadm && is_eks(seen) {
        return Some(instead(
            NAME,
            format!(
                "nodeadm of Amazon EKS writes {} again at each boot, from the node's user data",
                seen.path
            ),
            INTO_NODE_CONFIG.to_owned(),
            node_config(wanted),
        ));
    }
    None
}

/// What lasts until the node is replaced.
pub(super) fn until_replaced(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    if !is_eks(seen) {
        return None;
    }
    if seen.is(AL2) {
        return Some(also(
            NAME,
            format!("{} comes with the image of this node of Amazon EKS; the nodes that replace it have the image's again", seen.path),
            "the user data of the launch template, as a part of a shell script that runs before bootstrap.sh; then make a new version of the template and update the node group to it".to_owned(),
            format!(
                "CONFIG={AL2}\njq -s '.[0] * .[1]' \"$CONFIG\" - > \"$CONFIG.new\" <<'EOF'\n{:#}\nEOF\ncat \"$CONFIG.new\" > \"$CONFIG\" && rm \"$CONFIG.new\"\n",
                wanted.tree()
            ),
        ));
    }
    Some(also(
        NAME,
        format!(
            "the node is one of Amazon EKS, and {} goes when it is replaced",
            seen.path
        ),
        INTO_NODE_CONFIG.to_owned(),
        node_config(wanted),
    ))
}

const INTO_NODE_CONFIG: &str = "the user data of the launch template (with Karpenter: of the EC2NodeClass), as a part of the type application/node.eks.aws; then make a new version of the template and update the node group to it: `aws eks update-nodegroup-version`";

fn node_config(wanted: Wanted<'_>) -> String {
    format!(
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config:\n{}",
        yaml(&wanted.tree(), 6)
    )
}

/// Whether the node is one of EKS: Amazon's system, a label of EKS, or nodeadm's environment file.
fn is_eks(seen: &Seen<'_>) -> bool {
    seen.label("eks.amazonaws.com/").is_some()
        || seen.has_file(ENVIRONMENT).is_some()
        || seen.os_is("amzn")
            && (seen.says("/etc/kubernetes/kubelet/config.json") || seen.says(AL2))
}
