//! The descriptions of real kernels that come with Abide, `hosts/`. Made by `cargo xtask hosts`.

/// File name and text of each, oldest kernel first.
pub(crate) const HOSTS: &[(&str, &str)] = &[
    ("debian_5.10.api", include_str!("../../../hosts/debian_5.10.api")),
    ("debian_6.1.api", include_str!("../../../hosts/debian_6.1.api")),
    ("debian_6.12_cloud.api", include_str!("../../../hosts/debian_6.12_cloud.api")),
    ("debian_6.16.api", include_str!("../../../hosts/debian_6.16.api")),
    ("debian_6.18.api", include_str!("../../../hosts/debian_6.18.api")),
    ("debian_6.19.api", include_str!("../../../hosts/debian_6.19.api")),
    ("debian_7.0.api", include_str!("../../../hosts/debian_7.0.api")),
    ("debian_7.1.api", include_str!("../../../hosts/debian_7.1.api")),
    ("debian_7.3.api", include_str!("../../../hosts/debian_7.3.api")),
];
