# Two identities: what builds and deploys to staging cannot touch production, and
# what deploys to production cannot make an image.

resource "google_service_account" "deployer" {
  for_each     = var.environments
  account_id   = "docket-${each.key}-deployer"
  display_name = "docket's pipeline to ${each.key}"
  depends_on   = [google_project_service.used]
}

resource "google_project_iam_member" "logs" {
  for_each = google_service_account.deployer
  project  = var.project
  role     = "roles/logging.logWriter"
  member   = each.value.member
}

resource "google_artifact_registry_repository_iam_member" "push" {
  for_each = {
    images = google_artifact_registry_repository.images.name
    tools  = google_artifact_registry_repository.tools.name
  }
  repository = each.value
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.deployer["staging"].member
}

resource "google_artifact_registry_repository_iam_member" "modules" {
  repository = google_artifact_registry_repository.modules.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.deployer["staging"].member
}

resource "google_artifact_registry_repository_iam_member" "look" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.deployer["production"].member
}

resource "google_storage_bucket_iam_member" "bills" {
  bucket = google_storage_bucket.bills.name
  role   = "roles/storage.objectCreator" # adds, and neither changes nor removes
  member = google_service_account.deployer["staging"].member
}

# The pipeline to staging says what is ready for production, and can do no more
# about it: who may run a trigger could run others, as others.
resource "google_pubsub_topic" "staged" {
  name       = "docket-staged"
  depends_on = [google_project_service.used]
}

resource "google_pubsub_topic_iam_member" "staged" {
  topic  = google_pubsub_topic.staged.name
  role   = "roles/pubsub.publisher"
  member = google_service_account.deployer["staging"].member
}
