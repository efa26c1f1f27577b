# One environment of docket on Google Cloud: staging or production, by its
# .tfvars and .tfbackend. docs/google-cloud.md has the order of things.

terraform {
  required_version = ">= 1.11" # write-only arguments: passwords are in no state

  # Of which deploy/check/provider knows the schemas.
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "6.50.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "3.7.2"
    }
  }

  backend "gcs" {} # the bucket is in ENVIRONMENT.tfbackend
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { application = "docket", environment = var.environment }
}

locals {
  name = "docket-${var.environment}"
  services = [
    "certificatemanager", "cloudresourcemanager", "compute", "logging", "monitoring", "redis", "run", "secretmanager",
    "servicenetworking", "sqladmin",
  ]
}

resource "google_project_service" "used" {
  for_each           = toset(local.services)
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
