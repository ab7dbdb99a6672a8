//! What is needed to reach buckets.

use std::time::Duration;

/// Accounts and addresses, as the operator gave them. What is not given is looked for where the
/// service itself offers it to its machines.
#[derive(Clone)]
pub struct ObjectSettings {
    /// Of S3 and its relatives.
    pub aws: Aws,
    /// Of Google Cloud Storage.
    pub google: Google,
    /// Of Azure.
    pub azure: Azure,
    /// The longest one request may take.
    pub timeout: Duration,
}

impl Default for ObjectSettings {
    fn default() -> Self {
        Self {
            aws: Aws::default(),
            google: Google::default(),
            azure: Azure::default(),
            timeout: Duration::from_mins(1),
        }
    }
}

/// An account of S3, and where its servers are.
#[derive(Clone, Default)]
pub struct Aws {
    /// The public half of the account.
    pub access_key_id: Option<String>,
    /// The secret half.
    pub secret_access_key: Option<String>,
    /// What temporary accounts have besides.
    pub session_token: Option<String>,
    /// The region; `us-east-1` without one, which servers of one's own do not mind.
    pub region: Option<String>,
    /// Address of a server that is not Amazon's.
    pub endpoint: Option<String>,
    /// The role to take on with the token in [`web_identity_token_file`](Self::web_identity_token_file).
    pub role_arn: Option<String>,
    /// A file that Kubernetes keeps up to date.
    pub web_identity_token_file: Option<String>,
    /// Where a container asks for its account.
    pub container_relative_uri: Option<String>,
    /// The same as a whole address.
    pub container_full_uri: Option<String>,
    /// A file with what it has to show there.
    pub container_token_file: Option<String>,
}

/// An account of Google Cloud Storage.
#[derive(Clone, Default)]
pub struct Google {
    /// A file with the account.
    pub credentials_file: Option<String>,
    /// The content of such a file.
    pub service_account_key: Option<String>,
}

/// An account of Azure.
#[derive(Clone, Default)]
pub struct Azure {
    /// Its name.
    pub account: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Address of a server that is not Microsoft's.
    pub endpoint: Option<String>,
}
