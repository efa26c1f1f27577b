resource "google_artifact_registry_repository" "images" {
  repository_id = "docket"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of docket. A tag is the commit, and stays."
  docker_config {
    immutable_tags = true
  }
  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  # What runs is among the latest, and so is what one would go back to.
  cleanup_policies {
    id     = "keep-the-latest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 50
    }
  }
  cleanup_policies {
    id     = "delete-the-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "7776000s" # 90 days
    }
  }
  depends_on = [google_project_service.used]
}

# The image that the pipeline's own steps run in, which is built for each commit.
resource "google_artifact_registry_repository" "tools" {
  repository_id = "docket-tools"
  location      = var.region
  format        = "DOCKER"
  description   = "What the pipeline runs in. A tag moves."
  cleanup_policies {
    id     = "delete-the-old"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "604800s"
    }
  }
  depends_on = [google_project_service.used]
}

# Modules of your own: docs/supply-chain.md has how to come by them.
resource "google_artifact_registry_repository" "modules" {
  repository_id = "go"
  location      = var.region
  format        = "GO"
  description   = "Private Go modules."
  depends_on    = [google_project_service.used]
}

# Bills of materials, by the digest of the image that they are of.
resource "google_storage_bucket" "bills" {
  name                        = "${var.project}-docket-bills"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  versioning {
    enabled = true
  }
  retention_policy {
    retention_period = 31536000 # a year
  }
}

resource "google_artifact_registry_repository_iam_member" "pull" {
  for_each   = var.environments
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${each.value.run_agent}"
}
