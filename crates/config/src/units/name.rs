//! Names of units: prefix, instance, and the folders of drop-ins that belong to them (systemd.unit(5)).

/// What every service's name ends in.
const SUFFIX: &[u8] = b".service";
/// The longest name of a unit.
const LONGEST: usize = 255;

/// The name of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnitName {
    /// What stands before the first `@`, or before `.service`.
    pub(super) prefix: Vec<u8>,
    /// What stands behind the `@`: nothing in the name of a template.
    pub(super) instance: Option<Vec<u8>>,
}

impl UnitName {
    /// Takes a name apart; nothing where it is no service's.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let stem = name.strip_suffix(SUFFIX)?;
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(byte);
        if name.len() > LONGEST || stem.is_empty() || !stem.iter().all(allowed) {
            return None;
        }
        let at = stem.iter().position(|byte| *byte == b'@');
        let (prefix, instance) = match at {
            Some(0) => return None,
            Some(at) => (stem.get(..at)?, Some(stem.get(at + 1..)?)),
            None => (stem, None),
        };
        Some(Self {
            prefix: prefix.to_vec(),
            instance: instance.map(<[u8]>::to_vec),
        })
    }

    /// Returns the name without `.service`.
    pub(super) fn stem(&self) -> Vec<u8> {
        match &self.instance {
            Some(instance) => [self.prefix.as_slice(), b"@", instance].concat(),
            None => self.prefix.clone(),
        }
    }

    /// Returns the whole name.
    pub(super) fn text(&self) -> Vec<u8> {
        [self.stem().as_slice(), SUFFIX].concat()
    }

    /// Returns whether it is an instance of a template.
    pub(super) fn is_instance(&self) -> bool {
        self.instance.as_ref().is_some_and(|name| !name.is_empty())
    }

    /// Returns whether it is a template.
    pub(super) fn is_template(&self) -> bool {
        self.instance.as_ref().is_some_and(Vec::is_empty)
    }

    /// Returns the template that an instance is of.
    pub(super) fn template(&self) -> Option<Self> {
        self.is_instance().then(|| Self {
            prefix: self.prefix.clone(),
            instance: Some(Vec::new()),
        })
    }

    /// Returns the name with the last part of its prefix cut off: `a-b-.service` of `a-b-c.service`.
    fn shorter(&self) -> Option<Self> {
        let mut prefix = self.prefix.clone();
        let mut chopped = false;
        loop {
            let dash = prefix.iter().rposition(|byte| *byte == b'-')?;
            if dash == 0 {
                return None;
            }
            if chopped || dash + 1 < prefix.len() {
                prefix.truncate(dash + 1);
                break;
            }
            prefix.truncate(dash);
            chopped = true;
        }
        Some(Self {
            prefix,
            instance: self.instance.clone().filter(|name| !name.is_empty()),
        })
    }

    /// Returns the names of its folders of drop-ins, the most specific first, each ending in `.d`.
    pub(super) fn drop_in_folders(&self) -> Vec<Vec<u8>> {
        let mut folders = Vec::new();
        let mut name = Some(self.clone());
        while let Some(current) = name {
            push_new(&mut folders, &current);
            let mut template = current.template();
            while let Some(each) = template {
                push_new(&mut folders, &each);
                template = each.shorter();
            }
            name = current.shorter();
        }
        folders
    }
}

fn push_new(folders: &mut Vec<Vec<u8>>, name: &UnitName) {
    let folder = [name.text().as_slice(), b".d"].concat();
    if !folders.contains(&folder) {
        folders.push(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::UnitName;

    fn folders(name: &str) -> Vec<String> {
        let name = UnitName::parse(name.as_bytes()).unwrap();
        name.drop_in_folders()
            .into_iter()
            .map(|folder| String::from_utf8(folder).unwrap())
            .collect()
    }

    #[test]
    fn drop_ins_lie_in_the_folders_of_every_shorter_name() {
        for (name, expected) in [
            ("kubelet.service", &["kubelet.service.d"][..]),
            (
                "a-b-c.service",
                &["a-b-c.service.d", "a-b-.service.d", "a-.service.d"],
            ),
            ("a-.service", &["a-.service.d"]),
            ("a--.service", &["a--.service.d", "a-.service.d"]),
            ("-a.service", &["-a.service.d"]),
            ("x@1.service", &["x@1.service.d", "x@.service.d"]),
            (
                "a-x@1.service",
                &[
                    "a-x@1.service.d",
                    "a-x@.service.d",
                    "a-.service.d",
                    "a-@1.service.d",
                    "a-@.service.d",
                ],
            ),
        ] {
            assert_eq!(folders(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_of_a_service_is_none() {
        for name in [
            "kubelet",
            "kubelet.timer",
            ".service",
            "@x.service",
            "a b.service",
            "a/b.service",
        ] {
            assert_eq!(UnitName::parse(name.as_bytes()), None, "{name}");
        }
        let template = UnitName::parse(b"x@.service").unwrap();
        assert!(template.is_template() && !template.is_instance());
        assert_eq!(template.text(), b"x@.service");
    }
}
