//! Health documents, pages, and paths that do not exist.

use crate::request;
use crate::support::app::Setting;

/// Everything beside the API.
pub async fn monitoring(setting: Setting<'_>) {
    request::answers("monitoring", setting, |_| true).await;
}
