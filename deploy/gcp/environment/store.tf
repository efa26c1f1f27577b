# What servers share beside the database: how much each client has asked, and how
# far each viewer has written, which decides who may read from a replica. A server
# that cannot reach it counts by itself and reads from the primary, also after it
# has started again with nothing in it. So it needs no standby, but must not drop
# one thing and keep the others: what is full refuses, and docket goes on as above.

resource "google_redis_instance" "shared" {
  count              = var.shared_store ? 1 : 0
  name               = "${local.name}-shared-store"
  tier               = "BASIC"
  memory_size_gb     = 1
  redis_version      = "REDIS_7_2"
  redis_configs      = { maxmemory-policy = "noeviction" }
  auth_enabled       = true
  authorized_network = google_compute_network.main.id
  connect_mode       = "PRIVATE_SERVICE_ACCESS"
  depends_on         = [google_service_networking_connection.services]
}
