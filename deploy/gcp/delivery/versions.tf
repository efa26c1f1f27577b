# What delivers docket, once for all environments: registries, the pipeline's
# triggers and who they run as, and what is kept of each build.

terraform {
  required_version = ">= 1.11"

  required_providers { # as in ../environment
    google = {
      source  = "hashicorp/google"
      version = "6.50.0"
    }
  }

  backend "gcs" {} # delivery.tfbackend
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { application = "docket" }
}

resource "google_project_service" "used" {
  for_each           = toset(["artifactregistry", "cloudbuild", "containerscanning", "iam", "monitoring", "pubsub", "run", "storage"])
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
