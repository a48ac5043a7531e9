//! The policies of the model test, each written twice: as keyward reads it and as the model understands it.

/// One policy as the model understands it. Times are in milliseconds.
#[derive(Debug)]
pub struct Policy {
    /// What `workspace create --policy` reads.
    pub toml: &'static str,
    /// How many characters of a token follow the part that the hint is the end of.
    pub after_hint: usize,
    /// Whether its tokens have a random public part.
    pub has_short: bool,
    pub environments: &'static [&'static str],
    pub cap: Option<u64>,
    pub default_lifetime: Option<i64>,
    pub maximum_lifetime: Option<i64>,
    pub grace: i64,
    pub retention: i64,
    /// Whether `revoke` takes ids alone.
    pub revoke_by_id: bool,
    pub scopes: &'static [&'static str],
    /// How many scopes a key has at least and at most.
    pub scopes_per_key: (usize, usize),
    pub plans: &'static [Plan],
    pub default_plan: Option<&'static str>,
}

impl Policy {
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&'static Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }
}

/// A plan: so many requests of a key in so many nanoseconds, and so many credits of the workspace, or of the key whose own it is,
/// in a month.
#[derive(Debug, PartialEq)]
pub struct Plan {
    pub name: &'static str,
    /// As the policy writes it, how many, in how many nanoseconds.
    pub rate: Option<(&'static str, i64, i64)>,
    pub quota: Option<u64>,
}

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

const PLAIN: Policy = Policy {
    toml: "",
    after_hint: 6,
    has_short: true,
    environments: &["live", "test"],
    cap: None,
    default_lifetime: None,
    maximum_lifetime: None,
    grace: DAY,
    retention: 90 * DAY,
    revoke_by_id: false,
    scopes: &[],
    scopes_per_key: (0, 0),
    plans: &[],
    default_plan: None,
};

/// Their number is their name in the model; the first is that of a workspace that `mint` makes. No two have tokens of
/// the same form, but for the last two, whose tokens the same text begins.
pub const POLICIES: [Policy; 5] = [
    PLAIN,
    Policy {
        toml: "prefix = 'ma'\nactive_key_cap = 5\ndefault_lifetime = '30d'\nmaximum_lifetime = '90d'\n\
               rotation_grace = '1h'\nusage_retention = '7d'\n[scopes.read]\n[scopes.write]\n[scopes.admin]",
        cap: Some(5),
        default_lifetime: Some(30 * DAY),
        maximum_lifetime: Some(90 * DAY),
        grace: HOUR,
        retention: 7 * DAY,
        scopes: &["read", "write", "admin"],
        scopes_per_key: (0, 3),
        ..PLAIN
    },
    Policy {
        toml: "prefix = 'mb'\ntoken = '{prefix}.{env}.{secret:43}'\nenvironments = ['live', 'test', 'stage']\n\
               active_key_cap = 20\nrevoke_by = 'id'\nusage_retention = '0s'\n\
               scopes_per_key = { min = 1, max = 1 }\n[scopes.USER]\n[scopes.READ]\n[scopes.FULL]",
        after_hint: 0,
        has_short: false,
        environments: &["live", "test", "stage"],
        cap: Some(20),
        retention: 0,
        revoke_by_id: true,
        scopes: &["USER", "READ", "FULL"],
        scopes_per_key: (1, 1),
        ..PLAIN
    },
    Policy {
        toml: "prefix = 'mc'\nactive_key_cap = 8\nusage_retention = '1d'\ndefault_plan = 'free'\n\
               [plans.free]\nrate = '3/hour'\nquota = 60\n[plans.pro]\nrate = '7/minute'\n[plans.huge]\n\
               [plans.small]\nrate = '4/minute'\nquota = 9",
        cap: Some(8),
        retention: DAY,
        plans: &[
            Plan { name: "free", rate: Some(("3/hour", 3, 3600 * SECOND)), quota: Some(60) },
            Plan { name: "pro", rate: Some(("7/minute", 7, 60 * SECOND)), quota: None },
            Plan { name: "huge", rate: None, quota: None },
            Plan { name: "small", rate: Some(("4/minute", 4, 60 * SECOND)), quota: Some(9) },
        ],
        default_plan: Some("free"),
        ..PLAIN
    },
    Policy {
        toml: "prefix = 'mc'\nenvironments = ['live']\nusage_retention = '1d'\n[plans.free]\nquota = 10",
        environments: &["live"],
        retention: DAY,
        plans: &[Plan { name: "free", rate: None, quota: Some(10) }],
        ..PLAIN
    },
];

/// Whether the tokens of these two policies have the same form, their environments aside.
#[must_use]
pub fn are_alike(one: usize, other: usize) -> bool {
    one == other || (one >= 3 && other >= 3)
}
