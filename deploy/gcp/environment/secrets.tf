# Passwords are made anew by each run, sent when their version is another, and in
# no plan and no state. Memorystore makes its own, which the state has.

ephemeral "random_password" "database" {
  length  = 40
  special = false # it goes into a URL
}

ephemeral "random_password" "cursors" {
  length  = 40
  special = false
}

locals {
  # The variables that docket reads them from.
  secrets = merge(
    { DOCKET_DATABASE = "database", DOCKET_CURSOR_SECRET = "cursors" },
    var.shared_rates ? { DOCKET_SHARED_STORE = "rates" } : {},
  )
  authority = "/etc/docket/postgres/authority.pem"
}

resource "google_secret_manager_secret" "docket" {
  for_each  = toset(concat(values(local.secrets), ["authority"]))
  secret_id = "${local.name}-${each.key}"
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_version" "database" {
  secret                 = google_secret_manager_secret.docket["database"].id
  secret_data_wo         = "postgres://docket:${ephemeral.random_password.database.result}@${local.database_host}/docket?hostaddr=${google_sql_database_instance.main.private_ip_address}&sslmode=verify-full&sslrootcert=${local.authority}"
  secret_data_wo_version = var.password_version
}

resource "google_secret_manager_secret_version" "cursors" {
  secret                 = google_secret_manager_secret.docket["cursors"].id
  secret_data_wo         = ephemeral.random_password.cursors.result
  secret_data_wo_version = var.cursor_secret_version
}

resource "google_secret_manager_secret_version" "rates" {
  count       = var.shared_rates ? 1 : 0
  secret      = google_secret_manager_secret.docket["rates"].id
  secret_data = "redis://:${google_redis_instance.rates[0].auth_string}@${google_redis_instance.rates[0].host}:${google_redis_instance.rates[0].port}"
}

# Who signed the database's certificate. It is no secret, but Cloud Run has files
# from here.
resource "google_secret_manager_secret_version" "authority" {
  secret      = google_secret_manager_secret.docket["authority"].id
  secret_data = join("\n", google_sql_database_instance.main.server_ca_cert[*].cert)
}

resource "google_secret_manager_secret_iam_member" "docket" {
  for_each  = google_secret_manager_secret.docket
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.docket.member
}
