locals {
  # What each server opens at most, by its setting or docket's default, and one to
  # watch each replica, while a version is rolled out and two times as many run;
  # and some for migrations and for people.
  connections = (tonumber(lookup(var.settings, "DOCKET_DATABASE_CONNECTIONS", "16")) + var.database.replicas) * 2 * var.instances.max + 20
}

resource "google_sql_database_instance" "main" {
  name                = local.name
  database_version    = "POSTGRES_17"
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.database.tier
    availability_type           = var.database.highly_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = true

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      ssl_mode        = "ENCRYPTED_ONLY"
      # Certificates with the instance's own name, by which docket knows it.
      server_ca_mode = "GOOGLE_MANAGED_CAS_CA"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = var.database.backups
      }
    }

    maintenance_window {
      day          = 7 # Sunday, UTC
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      record_application_tags = false
      record_client_address   = false # are people
    }

    dynamic "database_flags" {
      for_each = {
        max_connections                     = var.database.max_connections
        log_lock_waits                      = "on"
        log_min_duration_statement          = 1000 # ms
        idle_in_transaction_session_timeout = 60000
      }
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.database.max_connections >= local.connections
      error_message = "database.max_connections: ${var.database.max_connections} is fewer than the ${local.connections} that instances.max = ${var.instances.max} can take with DOCKET_DATABASE_CONNECTIONS as it is."
    }
  }

  depends_on = [google_service_networking_connection.services]
}

# Where queries read, too: docs/replicas.md. Each has an address of its own.
resource "google_sql_database_instance" "replica" {
  count                = var.database.replicas
  name                 = "${local.name}-replica-${count.index}"
  database_version     = google_sql_database_instance.main.database_version
  master_instance_name = google_sql_database_instance.main.name
  deletion_protection  = false # it has nothing that its primary lacks

  settings {
    edition           = "ENTERPRISE"
    tier              = var.database.tier
    availability_type = "ZONAL"
    disk_type         = "PD_SSD"

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      ssl_mode        = "ENCRYPTED_ONLY"
      server_ca_mode  = "GOOGLE_MANAGED_CAS_CA"
    }

    database_flags {
      name  = "max_connections"
      value = var.database.max_connections # no fewer than its primary's, or it does not start
    }
  }

  lifecycle {
    precondition {
      condition     = var.shared_store
      error_message = "database.replicas: needs shared_store, where servers tell each other how far a viewer has written."
    }
  }
}

resource "google_sql_database" "docket" {
  name            = "docket"
  instance        = google_sql_database_instance.main.name
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "docket" {
  name                = "docket"
  instance            = google_sql_database_instance.main.name
  password_wo         = ephemeral.random_password.database.result
  password_wo_version = local.password_version
}
