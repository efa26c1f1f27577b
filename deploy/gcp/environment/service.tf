# docket itself, and the job that migrates its database. Which image runs is up to
# the pipeline, and which version has the traffic to deploy/gcp/rollout: what is
# changed here makes a version that has none until it is rolled out.

locals {
  api_names = [var.domain, "candidate.${var.domain}"]

  settings = merge(var.settings, {
    DOCKET_ENVIRONMENT   = var.environment
    DOCKET_LISTEN        = "0.0.0.0:8080"
    DOCKET_HOSTS         = join(",", local.api_names)
    DOCKET_OIDC_ISSUER   = var.oidc_issuer
    DOCKET_OIDC_AUDIENCE = var.oidc_audience
    # From the right: Cloud Run's own end, Google's front ends, the load balancer,
    # and before those whoever asks.
    DOCKET_TRUSTED_PROXIES = join(",", concat(
      ["169.254.0.0/16", "35.191.0.0/16", "130.211.0.0/22"],
      [for address in google_compute_global_address.api : address.address],
    ))
  })
}

# It may read its secrets, and nothing else.
resource "google_service_account" "docket" {
  account_id   = local.name
  display_name = "docket, as it runs"
  depends_on   = [google_project_service.used]
}

resource "google_cloud_run_v2_service" "docket" {
  name                 = "docket"
  location             = var.region
  ingress              = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  invoker_iam_disabled = true # docket knows itself who asks
  deletion_protection  = var.deletion_protection

  scaling { # of all versions, by their traffic: one without has no instance
    min_instance_count = var.instances.min
  }

  template {
    service_account                  = google_service_account.docket.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 80
    timeout                          = "60s" # docket ends a request after 30

    scaling {
      max_instance_count = var.instances.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.main.id
        subnetwork = google_compute_subnetwork.run.id
      }
    }

    containers {
      image = var.image
      args  = ["serve"]

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = false # it also works between requests
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.settings
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.docket[env.value].secret_id
              version = "latest"
            }
          }
        }
      }

      volume_mounts {
        name       = "postgres"
        mount_path = dirname(local.authority)
      }

      # Ready is with its database: a version that cannot reach it gets no traffic.
      startup_probe {
        period_seconds    = 3
        timeout_seconds   = 3
        failure_threshold = 20
        http_get {
          path = "/readyz"
        }
      }

      # Alive is without: to start again does not bring a database back.
      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/healthz"
        }
      }
    }

    volumes {
      name = "postgres"
      secret {
        secret = google_secret_manager_secret.docket["authority"].secret_id
        items {
          path    = basename(local.authority)
          version = "latest"
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      client, client_version, traffic, template[0].revision, template[0].labels,
      template[0].containers[0].image,
    ]
  }

  depends_on = [
    google_secret_manager_secret_iam_member.docket, google_secret_manager_secret_version.database,
    google_secret_manager_secret_version.cursors, google_secret_manager_secret_version.shared,
    google_secret_manager_secret_version.replicas, google_secret_manager_secret_version.authority,
    google_sql_user.docket, google_sql_database.docket,
  ]
}

resource "google_cloud_run_v2_job" "migrate" {
  name                = "docket-migrate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account       = google_service_account.docket.email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      max_retries           = 0 # what failed is looked at first
      timeout               = "3600s"

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = google_compute_network.main.id
          subnetwork = google_compute_subnetwork.run.id
        }
      }

      containers {
        image = var.image
        args  = ["migrate", "apply"]

        env {
          name  = "DOCKET_ENVIRONMENT"
          value = var.environment
        }

        env {
          name = "DOCKET_DATABASE"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.docket["database"].secret_id
              version = "latest"
            }
          }
        }

        volume_mounts {
          name       = "postgres"
          mount_path = dirname(local.authority)
        }
      }

      volumes {
        name = "postgres"
        secret {
          secret = google_secret_manager_secret.docket["authority"].secret_id
          items {
            path    = basename(local.authority)
            version = "latest"
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [client, client_version, template[0].template[0].containers[0].image]
  }

  depends_on = [
    google_secret_manager_secret_iam_member.docket, google_secret_manager_secret_version.database,
    google_secret_manager_secret_version.authority, google_sql_user.docket, google_sql_database.docket,
  ]
}

# What the pipeline may do here.
resource "google_cloud_run_v2_service_iam_member" "deployer" {
  name     = google_cloud_run_v2_service.docket.name
  location = var.region
  role     = "roles/run.developer"
  member   = "serviceAccount:${var.deployer}"
}

resource "google_cloud_run_v2_job_iam_member" "deployer" {
  name     = google_cloud_run_v2_job.migrate.name
  location = var.region
  role     = "roles/run.developer"
  member   = "serviceAccount:${var.deployer}"
}

resource "google_service_account_iam_member" "deployer" {
  service_account_id = google_service_account.docket.name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${var.deployer}"
}

resource "google_project_iam_member" "deployer" {                   # rollout reads how the new version fares
  for_each = toset(["roles/monitoring.viewer", "roles/run.viewer"]) # and operations, which are the project's
  project  = var.project
  role     = each.key
  member   = "serviceAccount:${var.deployer}"
}
