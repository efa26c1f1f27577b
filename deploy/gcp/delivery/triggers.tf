locals {
  registry = "${var.region}-docker.pkg.dev/${var.project}"
  image    = "${local.registry}/${google_artifact_registry_repository.images.repository_id}/docket"
}

# What is merged is checked, built, and deployed to staging.
resource "google_cloudbuild_trigger" "staging" {
  name            = "docket-staging"
  location        = var.region
  filename        = "deploy/gcp/cloudbuild.yaml"
  service_account = google_service_account.deployer["staging"].id

  repository_event_config {
    repository = var.repository
    push {
      branch = "^main$"
    }
  }

  substitutions = {
    _IMAGE     = local.image
    _TOOLS     = "${local.registry}/${google_artifact_registry_repository.tools.repository_id}/ci"
    _BILLS     = google_storage_bucket.bills.url
    _TOPIC     = google_pubsub_topic.staged.id
    _GOPROXY   = var.goproxy
    _GOPRIVATE = var.goprivate
    _REGISTRY  = "${var.region}-go.pkg.dev"
    _REGION    = var.region
    _PROJECT   = var.environments["staging"].project
    _DOMAIN    = var.environments["staging"].domain
  }
}

# What staging has passed waits here until somebody approves, and is then rolled
# out. It is the same image, by its digest.
resource "google_cloudbuild_trigger" "production" {
  name            = "docket-production"
  location        = var.region
  service_account = google_service_account.deployer["production"].id

  pubsub_config {
    topic = google_pubsub_topic.staged.id
  }

  filter = "_STAGED.startsWith('${local.image}@sha256:')"

  approval_config {
    approval_required = true
  }

  source_to_build {
    repository = var.repository
    ref        = "refs/heads/main"
    repo_type  = "UNKNOWN" # the connection knows
  }

  git_file_source {
    path       = "deploy/gcp/production.yaml"
    repository = var.repository
    revision   = "refs/heads/main"
    repo_type  = "UNKNOWN"
  }

  substitutions = {
    _STAGED  = "$(body.message.attributes.image)"
    _COMMIT  = "$(body.message.attributes.commit)"
    _REGION  = var.region
    _PROJECT = var.environments["production"].project
    _DOMAIN  = var.environments["production"].domain
  }
}
