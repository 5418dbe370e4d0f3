//! The release of a kernel as `uname -r` says it. It is never what is decided by, only what decides
//! between nodes that BTF cannot tell apart.

use std::fmt;

use abide_api::{Api, NodeId};

/// A release: `6.12.117+deb13-cloud-amd64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Major and minor number.
    pub version: (u32, u32),
    /// As it was written.
    pub text: String,
}

impl Release {
    /// `None` if it does not begin with two numbers.
    pub fn parse(text: &str) -> Option<Release> {
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Release { version, text: text.to_owned() })
    }

    /// The node of this version: `LINUX_6.12` in `linux`.
    pub fn node(&self, api: &Api) -> Option<NodeId> {
        let (major, minor) = self.version;
        api.node(&format!("{}_{major}.{minor}", api.name.to_ascii_uppercase()))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_are_enough() {
        let version = |text| Release::parse(text).map(|release| release.version);
        assert_eq!(version("6.12.117+deb13-cloud-amd64"), Some((6, 12)));
        assert_eq!(version("7.3"), Some((7, 3)));
        assert_eq!(version("5.10-rc3"), Some((5, 10)));
        for bad in ["", "6", "v6.1", ".1", "6.", "99999999999.1"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }
}
