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
    var.shared_store ? { DOCKET_SHARED_STORE = "shared-store" } : {},
    var.database.replicas > 0 ? { DOCKET_DATABASE_REPLICAS = "replicas" } : {},
  )
  # Each change of it makes the password anew wherever it is written: nobody could
  # tell a new replica's URL the one of before.
  password_version = var.password_version * 10 + var.database.replicas

  # The certificate is for an instance's name, which no resolver knows: a URL says
  # the address, too. There is one for each way to the instance, and this has one way.
  instances = concat([google_sql_database_instance.main], google_sql_database_instance.replica)
  databases = [for instance in local.instances : {
    host    = trimsuffix([for name in instance.dns_names : name.name if name.dns_scope != "CLUSTER"][0], ".")
    address = instance.private_ip_address
  }]
  authority = "/etc/docket/postgres/authority.pem"
  urls = [for database in local.databases :
    "postgres://docket:${ephemeral.random_password.database.result}@${database.host}/docket?hostaddr=${database.address}&sslmode=verify-full&sslrootcert=${local.authority}"
  ]
}

resource "google_secret_manager_secret" "docket" {
  # "replicas" stays without any, for versions that run and still name it.
  for_each  = toset(concat(values(local.secrets), ["authority", "replicas"]))
  secret_id = "${local.name}-${each.key}"
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_version" "database" {
  secret                 = google_secret_manager_secret.docket["database"].id
  secret_data_wo         = local.urls[0]
  secret_data_wo_version = local.password_version
}

resource "google_secret_manager_secret_version" "replicas" {
  count                  = var.database.replicas > 0 ? 1 : 0
  secret                 = google_secret_manager_secret.docket["replicas"].id
  secret_data_wo         = join(",", slice(local.urls, 1, length(local.urls)))
  secret_data_wo_version = local.password_version
  deletion_policy        = "ABANDON"
}

resource "google_secret_manager_secret_version" "cursors" {
  secret                 = google_secret_manager_secret.docket["cursors"].id
  secret_data_wo         = ephemeral.random_password.cursors.result
  secret_data_wo_version = var.cursor_secret_version
}

resource "google_secret_manager_secret_version" "shared" {
  count       = var.shared_store ? 1 : 0
  secret      = google_secret_manager_secret.docket["shared-store"].id
  secret_data = "redis://:${google_redis_instance.shared[0].auth_string}@${google_redis_instance.shared[0].host}:${google_redis_instance.shared[0].port}"
}

# Who signed the certificates of the database and its replicas. It is no secret,
# but Cloud Run has files from here.
resource "google_secret_manager_secret_version" "authority" {
  secret      = google_secret_manager_secret.docket["authority"].id
  secret_data = join("\n", distinct(flatten([for instance in local.instances : instance.server_ca_cert[*].cert])))
}

resource "google_secret_manager_secret_iam_member" "docket" {
  for_each  = google_secret_manager_secret.docket
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.docket.member
}
